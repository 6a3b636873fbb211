"""A reviewer's signed act: it reads as it was signed, and nothing that was changed counts."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey, VerifyKey

from formats.act import AGE_KEY, REASON_LIMIT, TO_LIMIT, Act, Kind, claimed_act, read_act, sign_act
from formats.envelope import sender_id
from formats.errors import Forged, FormatError, Malformed
from formats.strict_json import UTC_HIGH_S, UTC_LOW_S
from formats.tests.act_vectors import EXPORT, HOLD
from formats.tests.make_vectors import FOLDER

KEY, OTHER = SigningKey(bytes([1]) * 32), SigningKey(bytes([2]) * 32)
RECIPIENT = str(EXPORT["recipient"])
ME = sender_id(KEY.verify_key)
VECTORS = json.loads((FOLDER / "act.json").read_text())
DOCUMENT = Path(__file__).parents[2] / "docs" / "formats" / "act.md"
REASONS = st.text(
    st.characters(categories=("L", "N", "P"), max_codepoint=0x24F), min_size=1, max_size=40
)
COMMON = {
    "event": st.binary(min_size=32, max_size=32),
    "reviewer": st.just(ME),
    "given_utc_ms": st.integers(0, 1000 * UTC_HIGH_S),
}
ACTS = st.one_of(
    st.builds(Act, kind=st.sampled_from((Kind.HOLD, Kind.RELEASE)), reason=REASONS, **COMMON),
    st.builds(
        Act,
        kind=st.just(Kind.OPENED),
        retain_until_utc_s=st.integers(UTC_LOW_S, UTC_HIGH_S),
        **COMMON,
    ),
    st.builds(
        Act,
        kind=st.just(Kind.STATUS),
        status=st.binary(min_size=32, max_size=32),
        **COMMON,
    ),
    st.builds(
        Act,
        kind=st.just(Kind.EXPORT),
        to=REASONS,
        recipient=st.from_regex(AGE_KEY, fullmatch=True),
        **COMMON,
    ),
)


@given(ACTS)
def test_an_act_reads_as_it_was_signed(act: Act) -> None:
    assert read_act(sign_act(act, KEY), KEY.verify_key) == act == claimed_act(sign_act(act, KEY))


@given(ACTS, st.data())
def test_no_changed_byte_is_read(act: Act, data: st.DataObject) -> None:
    signed = bytearray(sign_act(act, KEY))
    at = data.draw(st.integers(0, len(signed) - 1))
    signed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(FormatError):
        read_act(bytes(signed), KEY.verify_key)


def test_an_act_by_another_key_is_refused() -> None:
    act = Act(Kind.STATUS, bytes(32), ME, 1, status=bytes(32))
    with pytest.raises(Forged):
        read_act(sign_act(act, KEY), OTHER.verify_key)
    with pytest.raises(Forged):
        sign_act(act, OTHER)


@pytest.mark.parametrize(
    "act",
    [
        Act(Kind.HOLD, bytes(32), ME, 1),
        Act(Kind.HOLD, bytes(32), ME, 1, reason="x" * (REASON_LIMIT + 1)),
        Act(Kind.HOLD, bytes(32), ME, 1, reason="two\nlines"),
        Act(Kind.STATUS, bytes(32), ME, 1),
        Act(Kind.STATUS, bytes(32), ME, 1, reason="A reason.", status=bytes(32)),
        Act(Kind.OPENED, bytes(32), ME, 1),
        Act(Kind.RELEASE, bytes(32), ME, 1, reason="Done.", retain_until_utc_s=UTC_LOW_S),
        Act(Kind.EXPORT, bytes(32), ME, 1, to="The police"),
        Act(Kind.EXPORT, bytes(32), ME, 1, recipient=RECIPIENT),
        Act(Kind.EXPORT, bytes(32), ME, 1, to="x" * (TO_LIMIT + 1), recipient=RECIPIENT),
        Act(Kind.EXPORT, bytes(32), ME, 1, reason="None.", to="x", recipient=RECIPIENT),
        Act(Kind.HOLD, bytes(32), ME, 1, reason="A court.", to="x", recipient=RECIPIENT),
    ],
)
def test_an_act_without_its_members_or_with_others_is_not_signed(act: Act) -> None:
    with pytest.raises(Malformed):
        sign_act(act, KEY)


@pytest.mark.parametrize("name", VECTORS["good"])
def test_the_published_act_is_read_and_has_one_spelling(name: str) -> None:
    data, key = VECTORS["good"][name].encode(), VerifyKey(bytes.fromhex(VECTORS["key"]))
    act = read_act(data, key)
    assert str(act.kind) == json.loads(data)["kind"]


@pytest.mark.parametrize("name", VECTORS["broken"])
def test_a_broken_act_is_refused(name: str) -> None:
    key = VerifyKey(bytes.fromhex(VECTORS["key"]))
    with pytest.raises(FormatError):
        read_act(VECTORS["broken"][name].encode(), key)


def test_the_document_names_every_member() -> None:
    text = DOCUMENT.read_text("utf-8")
    members = [*HOLD, *EXPORT, "retain_until_utc_s", "status", "signature"]
    assert [name for name in members if f"| `{name}` |" not in text] == []
