"""Envelopes: sealed, verified and opened; the second decoder agrees; no two are alike."""

from collections.abc import Callable
from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.public import PrivateKey, PublicKey
from nacl.signing import VerifyKey

from formats.envelope import (
    Kind,
    Origin,
    Sealed,
    TimeQuality,
    key_id,
    open_sealed,
    read,
    seal,
    sender_id,
    verify,
    wire_size,
)
from formats.errors import Malformed, NotForThisKey, TooLarge, UnusableKey
from formats.tests.second_decoder import decode
from formats.tests.second_encoder import ALICE, BOB, CAMERA, EVE, name_of, secret
from formats.tests.second_encoder import key_id_of as second_key_id_of

BODY_AT = 111 + 2 * 120 + 4

LOW_ORDER_POINTS = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]
"""All points of low order on Curve25519 and their other spellings (cr.yp.to/ecdh.html)."""

DIGESTS = st.binary(min_size=32, max_size=32)
ORIGINS = st.builds(
    Origin,
    boot_id=st.binary(min_size=16, max_size=16),
    sequence=st.integers(1, 2**63 - 1),
    key_epoch=st.integers(0, 2**32 - 1),
    time_quality=st.sampled_from(TimeQuality),
    previous=DIGESTS,
)
ORIGIN = Origin(secret("boot")[:16], 7, 3, TimeQuality.SYNCHRONISED, secret("previous"))
READERS = {
    Kind.EVENT: [ALICE, BOB],
    Kind.RECEIPT: [ALICE],
    Kind.LIST: [ALICE],
    Kind.PORTRAIT: [ALICE, BOB],
}


def seal_for(readers: list[PrivateKey], kind: Kind, payload: bytes = b"payload") -> Sealed:
    recipients = [reader.public_key for reader in readers]
    return seal(kind, payload, sender=CAMERA, recipients=recipients, origin=ORIGIN)


def opened(kind: Kind, blob: bytes, sender: VerifyKey, key: PrivateKey) -> bytes:
    return open_sealed(verify(read(kind, blob), sender), key)


# Sealing and opening.


@given(st.sampled_from(Kind), st.binary(max_size=980), ORIGINS, st.integers(2, 5))
def test_every_recipient_opens_what_was_sealed(
    kind: Kind, payload: bytes, origin: Origin, readers: int
) -> None:
    keys = [PrivateKey(secret(f"reader {number}")) for number in range(readers)]
    sealed = seal(
        kind, payload, sender=CAMERA, recipients=[key.public_key for key in keys], origin=origin
    )
    for key in keys:
        assert opened(kind, sealed.blob, CAMERA.verify_key, key) == payload


@given(st.sampled_from(Kind), ORIGINS)
def test_the_header_says_what_the_sender_said(kind: Kind, origin: Origin) -> None:
    recipients = [reader.public_key for reader in READERS[kind]]
    header = seal(kind, b"", sender=CAMERA, recipients=recipients, origin=origin).header
    said = (header.boot_id, header.sequence, header.key_epoch, header.time_quality, header.previous)
    assert said == (
        origin.boot_id,
        origin.sequence,
        origin.key_epoch,
        origin.time_quality,
        origin.previous,
    )
    assert header.sender == sender_id(CAMERA.verify_key)


@pytest.mark.parametrize("kind", Kind)
def test_the_second_decoder_reads_what_was_sealed(kind: Kind) -> None:
    blob = seal_for(READERS[kind], kind).blob
    assert decode(kind.name, blob, bytes(CAMERA.verify_key), bytes(ALICE)) == b"payload"


def test_the_sender_cannot_reopen_its_envelope() -> None:
    sealed = seal_for([ALICE, BOB], Kind.EVENT)
    with pytest.raises(NotForThisKey):
        opened(Kind.EVENT, sealed.blob, CAMERA.verify_key, PrivateKey(bytes(CAMERA)))


def test_the_same_payload_is_never_sealed_alike() -> None:
    one, other = (seal_for([ALICE, BOB], Kind.EVENT) for _ in range(2))
    same = sum(a == b for a, b in zip(one.blob[BODY_AT:], other.blob[BODY_AT:], strict=True))
    assert same < len(one.blob) // 100  # One in 256 by chance.


def test_the_slots_name_their_keys_in_order() -> None:
    sealed = seal_for([ALICE, BOB, EVE], Kind.EVENT)
    assert sealed.key_ids == tuple(sorted(key_id(key.public_key) for key in (ALICE, BOB, EVE)))


def test_both_stacks_name_keys_alike() -> None:
    assert sender_id(CAMERA.verify_key) == name_of(CAMERA)
    assert key_id(ALICE.public_key) == second_key_id_of(ALICE)


def test_an_envelope_is_named_by_the_digest_of_all_its_bytes() -> None:
    sealed = seal_for([ALICE, BOB], Kind.EVENT)
    assert sealed.digest == blake2b(sealed.blob, digest_size=32).digest()


def test_an_envelope_prints_no_bytes() -> None:
    assert "blob" not in repr(seal_for([ALICE, BOB], Kind.EVENT))


# Sizes.


@pytest.mark.parametrize("length", [0, 1, 32 * 1024 - 44])
def test_every_event_for_two_has_33203_bytes(length: int) -> None:
    assert len(seal_for([ALICE, BOB], Kind.EVENT, bytes(length)).blob) == 33_203
    assert wire_size(Kind.EVENT, slots=2) == 33_203


@pytest.mark.parametrize("length", [0, 1, 1024 - 44])
def test_every_receipt_for_one_has_1339_bytes(length: int) -> None:
    assert len(seal_for([ALICE], Kind.RECEIPT, bytes(length)).blob) == 1339


@pytest.mark.parametrize(
    ("length", "bucket"),
    [(0, 1 << 16), ((1 << 16) - 44, 1 << 16), ((1 << 16) - 43, 1 << 17), (16_777_172, 1 << 24)],
)
def test_a_list_fills_the_smallest_bucket_that_holds_it(length: int, bucket: int) -> None:
    sealed = seal_for([ALICE], Kind.LIST, bytes(length))
    assert len(sealed.blob) == wire_size(Kind.LIST, 1, bucket)
    assert len(opened(Kind.LIST, sealed.blob, CAMERA.verify_key, ALICE)) == length


@pytest.mark.parametrize("kind", Kind)
def test_one_byte_over_the_largest_bucket_is_refused(kind: Kind) -> None:
    with pytest.raises(TooLarge):
        seal_for(READERS[kind], kind, bytes(kind.value.buckets[-1] - 43))


def test_the_full_house_of_64_recipients_opens() -> None:
    keys = [PrivateKey(secret(f"reader {number}")) for number in range(64)]
    sealed = seal_for(keys, Kind.EVENT)
    assert len(sealed.blob) == wire_size(Kind.EVENT, slots=64)
    assert opened(Kind.EVENT, sealed.blob, CAMERA.verify_key, keys[-1]) == b"payload"


# What is not sealed.


@pytest.mark.parametrize(("kind", "count"), [(Kind.EVENT, 1), (Kind.RECEIPT, 0), (Kind.LIST, 65)])
def test_too_few_or_too_many_recipients_are_refused(kind: Kind, count: int) -> None:
    keys = [PrivateKey(secret(f"reader {number}")) for number in range(count)]
    with pytest.raises(Malformed, match="recipients"):
        seal_for(keys, kind)


def test_the_same_recipient_twice_is_not_two_recipients() -> None:
    with pytest.raises(Malformed, match="two"):
        seal_for([ALICE, ALICE], Kind.EVENT)


@pytest.mark.parametrize("point", LOW_ORDER_POINTS)
def test_a_recipient_of_low_order_is_refused(point: str) -> None:
    weak = bytes.fromhex(point)
    with pytest.raises(UnusableKey):
        seal(Kind.RECEIPT, b"", sender=CAMERA, recipients=[PublicKey(weak)], origin=ORIGIN)


@pytest.mark.parametrize(
    "origin",
    [
        lambda: Origin(bytes(15), 1, 0, TimeQuality.UNSYNCHRONISED, bytes(32)),
        lambda: Origin(bytes(16), 0, 0, TimeQuality.UNSYNCHRONISED, bytes(32)),
        lambda: Origin(bytes(16), 2**63, 0, TimeQuality.UNSYNCHRONISED, bytes(32)),
        lambda: Origin(bytes(16), 1, -1, TimeQuality.UNSYNCHRONISED, bytes(32)),
        lambda: Origin(bytes(16), 1, 2**32, TimeQuality.UNSYNCHRONISED, bytes(32)),
        lambda: Origin(bytes(16), 1, 0, TimeQuality.UNSYNCHRONISED, bytes(31)),
    ],
    ids=["boot id", "sequence 0", "sequence", "negative epoch", "epoch", "previous"],
)
def test_an_origin_out_of_bounds_is_refused(origin: Callable[[], Origin]) -> None:
    with pytest.raises(Malformed):
        origin()
