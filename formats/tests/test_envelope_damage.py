"""Damaged envelopes: every flipped bit, cut and altered field is refused for its own reason."""

import json
from base64 import b64decode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.public import PrivateKey
from nacl.signing import SigningKey, VerifyKey

from formats import errors
from formats.envelope import Kind, open_sealed, read, verify
from formats.errors import FormatError, Malformed
from formats.tests.make_vectors import FOLDER, vectors
from formats.tests.second_decoder import Refused, decode
from formats.tests.second_encoder import ALICE, CAMERA, secret

VECTORS = json.loads((FOLDER / "envelope.json").read_text())
GOOD = {vector["name"]: vector for vector in VECTORS["good"]}
BROKEN = {vector["name"]: vector for vector in VECTORS["broken"]}

Vector = dict[str, Any]
"""One member of the JSON file."""

SECOND_SLOT_AT = 111 + 120
BODY_LENGTH_AT = 111 + 2 * 120

EVENT = b64decode(GOOD["an event for two reviewers"]["blob"])
BORDERS = [0, 8, 9, 25, 41, 49, 53, 54, 86, 87, 111, 119, 231, 351, 355, 33_139]
"""Where the fields of this envelope begin."""


def opened(kind: Kind, blob: bytes, sender: VerifyKey, key: PrivateKey) -> bytes:
    return open_sealed(verify(read(kind, blob), sender), key)


# Vectors.


def test_the_committed_vectors_are_those_of_their_maker() -> None:
    committed = {path.name: path.read_bytes() for path in FOLDER.glob("*.json")}
    made = vectors()
    assert {name: committed.get(name) for name in made} == made


def keys_of(vector: Vector) -> list[bytes]:
    return [bytes.fromhex(key) for key in vector.get("keys", [vector.get("key")])]


@pytest.mark.parametrize("name", GOOD)
def test_a_good_envelope_opens(name: str) -> None:
    vector = GOOD[name]
    sender = VerifyKey(bytes.fromhex(vector["sender"]))
    for key in keys_of(vector):
        payload = opened(Kind[vector["kind"]], b64decode(vector["blob"]), sender, PrivateKey(key))
        assert payload == b64decode(vector["payload"])


@pytest.mark.parametrize("name", GOOD)
def test_a_good_envelope_opens_with_the_second_decoder(name: str) -> None:
    vector = GOOD[name]
    sender, blob = bytes.fromhex(vector["sender"]), b64decode(vector["blob"])
    for key in keys_of(vector):
        assert decode(vector["kind"], blob, sender, key) == b64decode(vector["payload"])


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_envelope_is_refused_for_its_own_reason(name: str) -> None:
    vector = BROKEN[name]
    step = "read"
    with pytest.raises(getattr(errors, vector["refused_as"])):  # noqa: PT012 - which step raises is the question.
        sealed = read(Kind[vector["kind"]], b64decode(vector["blob"]))
        step = "verify"
        verified = verify(sealed, VerifyKey(bytes.fromhex(vector["sender"])))
        step = "open"
        open_sealed(verified, PrivateKey(keys_of(vector)[0]))
    assert step == vector["refused_by"]


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_envelope_is_refused_by_the_second_decoder(name: str) -> None:
    vector = BROKEN[name]
    with pytest.raises(Refused):
        decode(
            vector["kind"],
            b64decode(vector["blob"]),
            bytes.fromhex(vector["sender"]),
            keys_of(vector)[0],
        )


# Damage.


def refuse(kind: Kind, blob: bytes) -> None:
    with pytest.raises(FormatError):
        opened(kind, blob, CAMERA.verify_key, ALICE)


def test_a_flipped_bit_is_refused_at_every_one_of_33203_bytes() -> None:
    damaged = bytearray(EVENT)
    for at in range(len(EVENT)):
        damaged[at] ^= 1 << at % 8
        refuse(Kind.EVENT, bytes(damaged))
        damaged[at] = EVENT[at]


@pytest.mark.parametrize(
    "border", [0, 8, 9, 25, 41, 49, 53, 54, 86, 87, 111, 119, 231, 351, 355, 33_139]
)
@pytest.mark.parametrize("beside", [-1, 0, 1])
def test_an_envelope_cut_at_a_border_is_refused(border: int, beside: int) -> None:
    with pytest.raises(Malformed):
        read(Kind.EVENT, EVENT[: max(0, border + beside)])


@pytest.mark.parametrize("change", [-120, -64, -16, -1, 1, 16, 64, 120, 33_203])
def test_an_envelope_of_another_length_is_refused(change: int) -> None:
    with pytest.raises(Malformed):
        read(Kind.EVENT, EVENT[:change] if change < 0 else EVENT + bytes(change))


@given(st.binary(max_size=200))
def test_no_noise_is_an_envelope(noise: bytes) -> None:
    for kind in Kind:
        with pytest.raises(Malformed):
            read(kind, kind.value.magic + noise)


def test_swapped_slots_are_refused() -> None:
    first, second = EVENT[111:SECOND_SLOT_AT], EVENT[SECOND_SLOT_AT:BODY_LENGTH_AT]
    refuse(Kind.EVENT, EVENT[:111] + second + first + EVENT[BODY_LENGTH_AT:])


@pytest.mark.parametrize("name", GOOD)
def test_one_kind_is_never_taken_for_another(name: str) -> None:
    for other in set(Kind) - {Kind[GOOD[name]["kind"]]}:
        with pytest.raises(Malformed):
            read(other, b64decode(GOOD[name]["blob"]))


def test_kinds_differ_in_magic_and_domain() -> None:
    assert len({kind.value.magic for kind in Kind}) == len(Kind)
    assert len({kind.value.domain for kind in Kind}) == len(Kind)


def test_an_envelope_of_another_sender_is_forged() -> None:
    with pytest.raises(errors.Forged, match="another sender"):
        verify(read(Kind.EVENT, EVENT), SigningKey(secret("somebody")).verify_key)
