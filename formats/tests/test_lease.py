"""The lease packets of `watch` and `lampguard`: one spelling each, broken packets refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import FormatError, Malformed
from formats.lease import (
    LEASE_MS,
    RENEW_MS,
    SILENT_MS,
    Blinking,
    Grant,
    Reason,
    Refused,
    Request,
    decode_answer,
    decode_located,
    decode_request,
    encode_answer,
    encode_request,
)
from formats.strict_json import INT_LIMIT
from formats.tests.make_vectors import FOLDER
from formats.tests.second_encoder import secret

VECTORS = json.loads((FOLDER / "lease.json").read_text())
GOOD = {name: bytes.fromhex(packet) for name, packet in VECTORS["good"].items()}
BROKEN = {name: bytes.fromhex(packet) for name, packet in VECTORS["broken"].items()}

GRANTS = st.builds(Grant, st.binary(min_size=16, max_size=16), st.integers(1, INT_LIMIT))
ANSWERS = GRANTS | st.sampled_from(Reason).map(Refused)


@given(ANSWERS)
def test_what_the_guard_says_is_heard(answer: Grant | Refused) -> None:
    assert decode_answer(encode_answer(answer)) == answer


@pytest.mark.parametrize("request_", list(Request))
def test_what_the_holder_says_is_heard(request_: Request) -> None:
    assert decode_request(encode_request(request_)) is request_


@given(st.binary(max_size=40))
def test_each_accepted_packet_has_one_spelling(packet: bytes) -> None:
    try:
        answer = decode_answer(packet)
    except FormatError:
        return
    assert encode_answer(answer) == packet


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("ask", Request.ASK),
        ("beat", Request.BEAT),
        ("stop", Request.STOP),
        ("locate", Request.LOCATE),
    ],
)
def test_the_requests_are_spelt_as_published(name: str, request_: Request) -> None:
    assert encode_request(request_) == GOOD[name]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("grant until 61700000000", Grant(secret("lease")[:16], 61_700_000_000)),
        ("refused, fault", Refused(Reason.FAULT)),
        ("refused, busy", Refused(Reason.BUSY)),
        ("refused, not ready", Refused(Reason.NOT_READY)),
        ("refused, locating", Refused(Reason.LOCATING)),
        ("blinking", Blinking()),
    ],
)
def test_the_answers_are_spelt_as_published(name: str, answer: Grant | Refused | Blinking) -> None:
    assert encode_answer(answer) == GOOD[name]


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_packet_is_neither_request_nor_answer(name: str) -> None:
    with pytest.raises(Malformed):
        decode_request(BROKEN[name])
    with pytest.raises(Malformed):
        decode_answer(BROKEN[name])
    with pytest.raises(Malformed):
        decode_located(BROKEN[name])


@pytest.mark.parametrize("answer", [Blinking(), *map(Refused, Reason)])
def test_what_the_guard_says_of_blinking_is_heard(answer: Blinking | Refused) -> None:
    assert decode_located(encode_answer(answer)) == answer


def test_blinking_is_no_grant_and_a_grant_no_blinking() -> None:
    with pytest.raises(Malformed):
        decode_answer(GOOD["blinking"])
    with pytest.raises(Malformed):
        decode_located(GOOD["grant until 61700000000"])


@pytest.mark.parametrize("name", ["ask", "beat", "stop", "locate"])
def test_the_guard_cannot_be_answered_with_its_own_words(name: str) -> None:
    with pytest.raises(Malformed):
        decode_answer(GOOD[name])


def test_a_grant_needs_a_whole_lease_id() -> None:
    with pytest.raises(Malformed):
        Grant(bytes(15), 1)


def test_a_lease_outlives_three_lost_beats() -> None:
    assert LEASE_MS > 3 * RENEW_MS
    assert SILENT_MS > LEASE_MS
