"""Receipts: read by the courier they are sealed to; a forged or damaged receipt is refused."""

import json
from base64 import b64decode
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.envelope import Kind, Origin, TimeQuality, seal, wire_size
from formats.errors import Forged, FormatError, Malformed, NotForThisKey
from formats.receipt import (
    HANDED_OVER_LIMIT,
    Receipt,
    hand_over,
    open_receipt,
    read_handed_over,
    seal_receipt,
)
from formats.strict_json import INT_LIMIT
from formats.tests.envelope_vectors import RECEIPT
from formats.tests.make_vectors import FOLDER
from formats.tests.second_encoder import ALICE, COURIER, ESTATE, STRANGER, canonical, secret

BLOBS = {
    vector["name"]: b64decode(vector["blob"])
    for vector in json.loads((FOLDER / "envelope.json").read_text())["good"]
}
PUBLISHED = Receipt(
    camera=bytes.fromhex(str(RECEIPT["camera"])),
    boot_id=secret("boot")[:16],
    sequence=7,
    envelope_digest=secret("envelope"),
    stored_utc_ms=1_767_225_600_456,
)
ORIGIN = Origin(secret("boot")[:16], 7, 3, TimeQuality.SYNCHRONISED, secret("previous"))

RECEIPTS = st.builds(
    Receipt,
    camera=st.binary(min_size=16, max_size=16),
    boot_id=st.binary(min_size=16, max_size=16),
    sequence=st.integers(1, INT_LIMIT),
    envelope_digest=st.binary(min_size=32, max_size=32),
    stored_utc_ms=st.integers(0, INT_LIMIT),
)


def seal_for_courier(receipt: Receipt) -> bytes:
    recipients = [COURIER.public_key]
    return seal_receipt(receipt, sender=ESTATE, recipients=recipients, origin=ORIGIN).blob


@given(RECEIPTS)
def test_the_courier_reads_what_the_estate_wrote(receipt: Receipt) -> None:
    blob = seal_for_courier(receipt)
    assert open_receipt(blob, estate=ESTATE.verify_key, key=COURIER) == receipt


@given(RECEIPTS)
def test_every_receipt_has_the_same_size(receipt: Receipt) -> None:
    assert len(seal_for_courier(receipt)) == wire_size(Kind.RECEIPT, slots=1) == 1339


@pytest.mark.parametrize(
    "name", ["a receipt for the courier alone", "a receipt for the courier and the estate"]
)
def test_the_published_receipts_are_read(name: str) -> None:
    assert open_receipt(BLOBS[name], estate=ESTATE.verify_key, key=COURIER) == PUBLISHED


def test_a_receipt_with_a_flipped_bit_is_refused_at_every_one_of_1339_bytes() -> None:
    blob = bytearray(BLOBS["a receipt for the courier alone"])
    assert len(blob) == 1339
    for at in range(len(blob)):
        blob[at] ^= 1 << at % 8
        with pytest.raises(FormatError):
            open_receipt(bytes(blob), estate=ESTATE.verify_key, key=COURIER)
        blob[at] ^= 1 << at % 8


def test_a_receipt_of_another_estate_is_refused() -> None:
    blob = BLOBS["a receipt for the courier alone"]
    with pytest.raises(Forged):
        open_receipt(blob, estate=STRANGER.verify_key, key=COURIER)


def test_a_receipt_for_another_camera_is_refused() -> None:
    blob = BLOBS["a receipt for the courier alone"]
    with pytest.raises(NotForThisKey):
        open_receipt(blob, estate=ESTATE.verify_key, key=ALICE)


def test_an_event_is_not_a_receipt() -> None:
    blob = BLOBS["an event for two reviewers"]
    with pytest.raises(Malformed):
        open_receipt(blob, estate=ESTATE.verify_key, key=COURIER)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "candidate"},
        {"sequence": 0},
        {"envelope_digest": "00"},
        {"note": "delivered"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_payload_that_is_not_a_receipt_is_refused(wrong: dict[str, object]) -> None:
    payload = canonical({**RECEIPT, **wrong})
    recipients = [COURIER.public_key]
    sealed = seal(Kind.RECEIPT, payload, sender=ESTATE, recipients=recipients, origin=ORIGIN)
    with pytest.raises(Malformed):
        open_receipt(sealed.blob, estate=ESTATE.verify_key, key=COURIER)


def test_a_receipt_that_could_not_be_read_back_is_not_sealed() -> None:
    with pytest.raises(Malformed):
        seal_for_courier(replace(PUBLISHED, camera=b"short"))


# Handed over by the courier to `watch`, which has no key that opens receipts.


def handed_over(name: str = "a receipt for the courier alone") -> bytes:
    return hand_over(BLOBS[name], estate=ESTATE.verify_key, key=COURIER)


@pytest.mark.parametrize(
    "name", ["a receipt for the courier alone", "a receipt for the courier and the estate"]
)
def test_a_receipt_that_was_handed_over_is_read_without_the_couriers_key(name: str) -> None:
    data = handed_over(name)
    assert read_handed_over(data, estate=ESTATE.verify_key) == PUBLISHED
    assert len(data) == 32 + len(BLOBS[name]) <= HANDED_OVER_LIMIT


def test_a_receipt_handed_over_with_a_flipped_bit_is_refused_at_every_one_of_1371_bytes() -> None:
    data = bytearray(handed_over())
    assert len(data) == 1371
    for at in range(len(data)):
        data[at] ^= 1 << at % 8
        with pytest.raises(FormatError):
            read_handed_over(bytes(data), estate=ESTATE.verify_key)
        data[at] ^= 1 << at % 8


@pytest.mark.parametrize("length", [0, 31, 32, 1370, 1372])
def test_a_receipt_handed_over_in_another_length_is_refused(length: int) -> None:
    with pytest.raises(FormatError):
        read_handed_over((handed_over() + b"\0")[:length], estate=ESTATE.verify_key)


def test_a_courier_hands_over_no_receipt_that_another_key_signed() -> None:
    recipients = [COURIER.public_key]
    made_up = seal_receipt(PUBLISHED, sender=STRANGER, recipients=recipients, origin=ORIGIN).blob
    data = hand_over(made_up, estate=STRANGER.verify_key, key=COURIER)
    with pytest.raises(Forged):
        read_handed_over(data, estate=ESTATE.verify_key)
