"""The published vectors of enrolment pictures and budget statements are read, and refused."""

import json
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.public import PrivateKey
from nacl.signing import VerifyKey

from formats import errors
from formats.budget import (
    BudgetState,
    BudgetStatement,
    CameraBudget,
    Unit,
    read_statement,
    write_statement,
)
from formats.errors import Malformed
from formats.policy import CAMERAS_LIMIT
from formats.portrait import open_portrait
from formats.strict_json import UTC_HIGH_S, UTC_LOW_S
from formats.tests.estate_vectors import BUDGET, CAMERAS, HANDLE, PORTRAIT
from formats.tests.make_vectors import FOLDER
from formats.tests.second_decoder import decode
from formats.tests.site_samples import POLICE, POLICY

PORTRAITS = json.loads((FOLDER / "portrait.json").read_text())
BUDGETS = json.loads((FOLDER / "budget.json").read_text())
DOCUMENTS = Path(__file__).parents[2] / "docs" / "formats"
BROKEN = [pytest.param(text, id=name) for name, text in BUDGETS["broken"].items()]
STATEMENTS = st.builds(
    BudgetStatement,
    site=st.from_regex(r"[a-z][a-z0-9-]{0,30}", fullmatch=True),
    issued_utc_s=st.integers(UTC_LOW_S, UTC_HIGH_S),
    cameras=st.lists(
        st.builds(
            CameraBudget,
            camera=st.binary(min_size=16, max_size=16),
            state=st.sampled_from(BudgetState),
            false_alarms=st.integers(0, 2**40),
            compared=st.integers(0, 2**40),
            unit=st.sampled_from(Unit),
        ),
        max_size=CAMERAS_LIMIT,
    ).map(tuple),
)


def shown(vector: dict[str, str], key: str) -> bytes:
    """Return the picture that one reviewer sees of a vector, under a policy with its supplier."""
    supplier = replace(POLICE, seal_key=VerifyKey(bytes.fromhex(vector["supplier"])))
    policy = replace(POLICY, suppliers=(supplier, POLICY.suppliers[1]))
    handle, secret = bytes.fromhex(vector["handle"]), PrivateKey(bytes.fromhex(key))
    return open_portrait(b64decode(vector["blob"]), handle, policy, secret)


def test_both_reviewers_see_the_published_portrait() -> None:
    seen = [shown(PORTRAITS, key) for key in PORTRAITS["keys"]]
    assert seen == [b64decode(PORTRAITS["jpeg"])] * 2


def test_the_second_decoder_reads_the_published_portrait() -> None:
    sender, key = (bytes.fromhex(each) for each in (PORTRAITS["supplier"], PORTRAITS["keys"][0]))
    read = decode("PORTRAIT", b64decode(PORTRAITS["blob"]), sender, key)
    assert read == HANDLE + b64decode(PORTRAITS["jpeg"]) == PORTRAIT.payload


@pytest.mark.parametrize("refused", PORTRAITS["refused"], ids=lambda each: each["name"])
def test_a_portrait_that_may_not_be_shown_is_refused(refused: dict[str, str]) -> None:
    with pytest.raises(getattr(errors, refused["as"])):
        shown(PORTRAITS | refused, PORTRAITS["keys"][0])


@pytest.mark.parametrize("name", BUDGETS["good"])
def test_the_published_statement_is_read_and_has_one_spelling(name: str) -> None:
    text = BUDGETS["good"][name].encode()
    assert write_statement(read_statement(text)) == text


def test_the_published_statement_stops_the_camera_that_broke_its_budget() -> None:
    statement = read_statement(BUDGETS["good"]["two cameras"].encode())
    within, broken = statement.cameras
    assert (statement.stops(within.camera), statement.stops(broken.camera)) == (False, True)
    assert (within.false_alarms, within.compared, within.unit) == (3, 12_000, Unit.PASSERS_BY)


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_statement_of_the_budget_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        read_statement(text.encode())


@given(STATEMENTS)
def test_a_statement_reads_as_it_was_written(statement: BudgetStatement) -> None:
    assert read_statement(write_statement(statement)) == statement


def test_the_document_names_every_member_of_a_statement() -> None:
    text = (DOCUMENTS / "budget.md").read_text("utf-8")
    members = [*BUDGET.keys() - {"cameras"}, *(f"cameras[].{name}" for name in CAMERAS[0])]
    assert [name for name in members if f"| `{name}` |" not in text] == []
