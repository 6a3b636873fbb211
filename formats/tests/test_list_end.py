"""A camera's signed destruction record of a list: read back, or refused when changed."""

import pytest
from nacl.signing import SigningKey

from formats.envelope import sender_id
from formats.errors import FormatError
from formats.list_end import End, ListEnd, sign_list_end, verify_list_end

KEY = SigningKey(bytes([3]) * 32)
RECORD = ListEnd(
    sender_id(KEY.verify_key), 7, bytes([1]) * 32, bytes([2]) * 32, End.REPLACED, 1_800_000_000
)


def test_a_record_reads_as_it_was_signed() -> None:
    assert verify_list_end(sign_list_end(RECORD, KEY), KEY.verify_key) == RECORD


def test_another_camera_did_not_sign_it() -> None:
    with pytest.raises(FormatError, match="signature"):
        verify_list_end(sign_list_end(RECORD, KEY), SigningKey(bytes(32)).verify_key)


def test_no_flipped_bit_reads_as_signed() -> None:
    signed = sign_list_end(RECORD, KEY)
    for at in range(len(signed)):
        broken = bytearray(signed)
        broken[at] ^= 1
        with pytest.raises(FormatError):
            verify_list_end(bytes(broken), KEY.verify_key)
