"""Registration records and lamp records: vectors, and what is refused."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.public import PrivateKey

from formats.errors import BrokenChain, Forged, FormatError
from formats.lamp_record import blinks_of
from formats.registration import code_of, read_hello, transcript_of
from formats.registration_cable import read_frame, write_frame
from formats.registration_record import read_manifest, read_registration
from formats.registration_request import read_registration_request

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parent / "vectors" / "registration.json").read_text()
)
GOOD = VECTORS["good"].encode()


def test_a_record_is_read_with_every_message_in_it() -> None:
    found = read_registration(GOOD)
    assert (found.board.serial, found.hello.site) == ("10000000abcdef01", "mill")
    assert found.lamp.transcript.hex() == VECTORS["transcript"]
    assert list(blinks_of(found.lamp.edges)) == VECTORS["code"]


def test_both_sides_compute_the_transcript_and_its_code() -> None:
    found = read_registration(GOOD)
    hello, request = VECTORS["hello"].encode(), VECTORS["request"].encode()
    nonce = bytes.fromhex(json.loads(found.record.look)["nonce"])
    assert transcript_of(hello, request, nonce).hex() == VECTORS["transcript"]
    assert list(code_of(found.lamp.transcript)) == VECTORS["code"]


@pytest.mark.parametrize("name", sorted(VECTORS["broken"]))
def test_a_broken_record_is_refused(name: str) -> None:
    with pytest.raises(FormatError):
        read_registration(VECTORS["broken"][name].encode())


def test_each_key_of_a_request_proves_that_the_camera_holds_it() -> None:
    hello, request = VECTORS["hello"].encode(), VECTORS["request"].encode()
    ephemeral = PrivateKey(bytes.fromhex(VECTORS["ephemeral"]))
    assert read_hello(hello).ephemeral == ephemeral.public_key
    read_registration_request(request, hello, ephemeral)
    proofs = json.loads(request)["proofs"]
    assert sorted(proofs) == ["courier", "lampguard", "list", "receipt", "sign"]
    for proof in proofs.values():
        changed = request.replace(proof.encode(), proof[:-2].encode() + b"ff")
        with pytest.raises(Forged):
            read_registration_request(changed, hello, ephemeral)


def test_a_manifest_that_was_cut_off_is_refused() -> None:
    assert len(read_manifest(GOOD + b"\n")) == 1
    with pytest.raises(BrokenChain, match="cut off"):
        read_manifest(GOOD)
    with pytest.raises(BrokenChain, match="does not follow"):
        read_manifest(GOOD + b"\n" + GOOD + b"\n")


@given(st.binary(max_size=80))
def test_any_bytes_on_the_cable_are_a_frame_or_refused(data: bytes) -> None:
    try:
        message = read_frame(BytesIO(data))
    except FormatError:
        return
    line = BytesIO()
    write_frame(line, message)
    assert not message or data.startswith(line.getvalue())
