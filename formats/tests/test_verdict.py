"""Verdicts and certificates of destruction: strict, signed, and valid for one event only."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import VerifyKey

from formats.destruction import Destruction, Ground, read_destruction, sign_destruction
from formats.envelope import sender_id
from formats.errors import Forged, Malformed, TooLarge
from formats.strict_json import UTC_HIGH_S, UTC_LOW_S, dumps
from formats.tests.make_vectors import FOLDER
from formats.tests.plain_vectors import DESTRUCTION, VERDICT, portrait_shown
from formats.tests.second_encoder import ESTATE, STRANGER
from formats.tests.test_event import EVENT
from formats.verdict import (
    NO_PORTRAIT,
    Basis,
    Judgement,
    Verdict,
    named_reviewer,
    portrait_digest,
    read_verdict,
    sign_verdict,
)

VERDICTS = json.loads((FOLDER / "verdict.json").read_text())
DESTRUCTIONS = json.loads((FOLDER / "destruction.json").read_text())
DOCUMENTS = Path(__file__).parents[2] / "docs" / "formats"
KEY = ESTATE.verify_key
READERS: list[tuple[dict[str, Any], Callable[[bytes, VerifyKey], object]]] = [
    (VERDICTS, read_verdict),
    (DESTRUCTIONS, read_destruction),
]
BROKEN = [
    pytest.param(read, text, id=name)
    for vectors, read in READERS
    for name, text in vectors["broken"].items()
]

IDS = st.binary(min_size=16, max_size=16)
DIGESTS = st.binary(min_size=32, max_size=32)
MOMENTS_MS = st.integers(0, 1000 * UTC_HIGH_S)
BASES = st.builds(
    Basis,
    camera=IDS,
    captured_utc_ms=MOMENTS_MS,
    lease_id=IDS,
    list_version=st.integers(1, 2**62),
    list_digest=DIGESTS,
    model_digest=DIGESTS,
    policy_digest=DIGESTS,
    threshold_ppm=st.integers(-1_000_000, 1_000_000),
    retain_until_utc_s=st.integers(UTC_LOW_S, UTC_HIGH_S),
)
GIVEN = st.builds(
    Verdict,
    event=DIGESTS,
    judgement=st.sampled_from(Judgement),
    reviewer=st.just(sender_id(KEY)),
    given_utc_ms=MOMENTS_MS,
    basis=BASES,
    portrait=st.none() | st.just(NO_PORTRAIT) | DIGESTS,
)
DESTROYED = st.builds(
    Destruction,
    event=DIGESTS,
    camera=IDS,
    ground=st.sampled_from(Ground),
    destroyed_utc_ms=st.integers(0, 2**62),
)


@given(GIVEN)
def test_a_verdict_reads_as_it_was_signed(verdict: Verdict) -> None:
    assert read_verdict(sign_verdict(verdict, ESTATE), KEY) == verdict


@given(DESTROYED)
def test_a_certificate_reads_as_it_was_signed(destruction: Destruction) -> None:
    assert read_destruction(sign_destruction(destruction, ESTATE), KEY) == destruction


def test_the_published_verdict_is_read() -> None:
    verdict = read_verdict(VERDICTS["good"].encode(), KEY)
    assert verdict.to_members() == {k: v for k, v in VERDICT.items() if k != "kind"}
    assert sign_verdict(verdict, ESTATE).decode() == VERDICTS["good"]


def test_the_published_verdicts_say_which_portrait_was_shown() -> None:
    shown = read_verdict(VERDICTS["with_portrait"].encode(), KEY)
    assert shown.portrait == bytes.fromhex(VERDICTS["portrait"]["digest"])
    assert sign_verdict(shown, ESTATE).decode() == VERDICTS["with_portrait"]
    none = read_verdict(VERDICTS["without_portrait"].encode(), KEY)
    assert (none.portrait, none.to_members()["portrait_digest"]) == (NO_PORTRAIT, "none")
    assert read_verdict(VERDICTS["good"].encode(), KEY).portrait is None


def test_the_digest_of_a_portrait_covers_the_opened_event() -> None:
    jpeg = bytes.fromhex(VERDICTS["portrait"]["jpeg"])
    opened = EVENT.to_payload()
    assert portrait_digest(EVENT, jpeg).hex() == portrait_shown(opened, jpeg)
    other = replace(EVENT, sequence=EVENT.sequence + 1)
    assert portrait_digest(other, jpeg) != portrait_digest(EVENT, jpeg)
    assert portrait_digest(EVENT, jpeg + b"x") != portrait_digest(EVENT, jpeg)


def test_the_published_certificate_is_read() -> None:
    destruction = read_destruction(DESTRUCTIONS["good"].encode(), KEY)
    assert destruction.event.hex() == DESTRUCTION["event"]
    assert sign_destruction(destruction, ESTATE).decode() == DESTRUCTIONS["good"]


@pytest.mark.parametrize(("vectors", "read"), READERS, ids=["verdict", "destruction"])
def test_a_signature_for_another_event_does_not_hold(
    vectors: dict[str, Any], read: Callable[[bytes, VerifyKey], object]
) -> None:
    with pytest.raises(Forged):
        read(vectors["forged"].encode(), KEY)


@pytest.mark.parametrize(("vectors", "read"), READERS, ids=["verdict", "destruction"])
def test_the_signature_of_another_key_does_not_hold(
    vectors: dict[str, Any], read: Callable[[bytes, VerifyKey], object]
) -> None:
    with pytest.raises(Forged):
        read(vectors["good"].encode(), STRANGER.verify_key)


@pytest.mark.parametrize(("read", "text"), BROKEN)
def test_a_broken_statement_is_refused(
    read: Callable[[bytes, VerifyKey], object], text: str
) -> None:
    with pytest.raises(Malformed):
        read(text.encode(), KEY)


def test_a_statement_that_is_too_long_is_refused() -> None:
    with pytest.raises(TooLarge):
        read_verdict(b" " * 5000, KEY)


def test_a_verdict_is_not_signed_in_the_name_of_another() -> None:
    verdict = read_verdict(VERDICTS["good"].encode(), KEY)
    with pytest.raises(Forged, match="another reviewer"):
        sign_verdict(verdict, STRANGER)


def test_a_verdict_that_another_signed_in_this_name_does_not_hold() -> None:
    verdict = read_verdict(VERDICTS["good"].encode(), KEY)
    own = replace(verdict, reviewer=sender_id(STRANGER.verify_key))
    forged = json.loads(sign_verdict(own, STRANGER)) | {"reviewer": verdict.reviewer.hex()}
    with pytest.raises(Forged, match="names another reviewer"):
        read_verdict(dumps(forged), STRANGER.verify_key)


def test_what_could_not_be_read_is_not_signed() -> None:
    verdict = read_verdict(VERDICTS["good"].encode(), KEY)
    with pytest.raises(Malformed):
        sign_verdict(replace(verdict, given_utc_ms=-1), ESTATE)


def test_the_named_reviewer_is_told_without_a_key() -> None:
    assert named_reviewer(VERDICTS["good"].encode()) == sender_id(KEY)


@pytest.mark.parametrize(
    ("document", "members"), [("verdict.md", VERDICT), ("destruction.md", DESTRUCTION)]
)
def test_the_document_names_every_member(document: str, members: dict[str, object]) -> None:
    text = (DOCUMENTS / document).read_text("utf-8")
    assert [name for name in members if f"| `{name}` |" not in text] == []
