"""An enrolment picture is for the reviewers alone, and for one entry alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.public import PrivateKey

from formats.envelope import Kind, wire_size
from formats.errors import Forged, Malformed, NotForThisKey, TooLarge
from formats.portrait import PICTURE_LIMIT, open_portrait, seal_portrait
from formats.tests.site_samples import POLICY, opening, signing

SEALER = signing(5)
READERS = [opening(9), opening(10)]
HANDLE = bytes(range(16))
JPEG = b"\xff\xd8\xff a picture"


def sealed(jpeg: bytes = JPEG, sealer: int = 5) -> bytes:
    keys = [reader.public_key for reader in READERS]
    return seal_portrait(jpeg, HANDLE, sealer=signing(sealer), reviewers=keys).blob


@settings(max_examples=25)
@given(st.binary(max_size=PICTURE_LIMIT - 3))
def test_every_reviewer_sees_the_picture_that_was_sealed(content: bytes) -> None:
    jpeg = b"\xff\xd8\xff" + content
    blob = sealed(jpeg)
    assert [open_portrait(blob, HANDLE, POLICY, reader) for reader in READERS] == [jpeg, jpeg]
    assert len(blob) == wire_size(Kind.PORTRAIT, 2)


def test_a_key_that_is_not_a_reviewers_does_not_open_it() -> None:
    with pytest.raises(NotForThisKey):
        open_portrait(sealed(), HANDLE, POLICY, PrivateKey(bytes([77]) * 32))


def test_it_is_not_shown_beside_another_entry() -> None:
    with pytest.raises(Forged, match="another entry"):
        open_portrait(sealed(), bytes(16), POLICY, READERS[0])


def test_only_a_supplier_seals_one() -> None:
    with pytest.raises(Forged, match="no supplier"):
        open_portrait(sealed(sealer=99), HANDLE, POLICY, READERS[0])


def test_a_picture_that_is_too_long_is_not_sealed() -> None:
    with pytest.raises(TooLarge):
        sealed(JPEG.ljust(PICTURE_LIMIT + 1, b"x"))


@pytest.mark.parametrize("jpeg", [b"", b"GIF89a"])
def test_what_is_no_jpeg_is_not_sealed(jpeg: bytes) -> None:
    with pytest.raises(Malformed):
        sealed(jpeg)
