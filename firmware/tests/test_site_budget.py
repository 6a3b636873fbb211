"""A camera whose false alarms broke the policy's budget goes dark, and stays dark."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.tests.desk import CAMERA, NOW, STRANGER, THIS_CAMERA, Desk
from firmware.trust.accepted import begin_trust
from firmware.trust.site_verifier import verify_accepted, verify_site
from firmware.trust.watchlist import ListRefused, Refusal, Watchlist
from formats.budget import (
    BudgetState,
    BudgetStatement,
    CameraBudget,
    Unit,
    read_statement,
    write_statement,
)
from formats.errors import Malformed

BROKEN = CameraBudget(CAMERA.camera_id, BudgetState.BROKEN, 9, 100)
STATEMENTS = st.builds(
    BudgetStatement,
    site=st.just("mill"),
    issued_utc_s=st.integers(1_600_000_000, 4_000_000_000),
    cameras=st.lists(
        st.builds(
            CameraBudget,
            camera=st.binary(min_size=16, max_size=16),
            state=st.sampled_from(BudgetState),
            false_alarms=st.integers(0, 2**62),
            compared=st.integers(0, 2**62),
            unit=st.sampled_from(Unit),
        ),
        max_size=4,
    ).map(tuple),
)


def said(*cameras: CameraBudget) -> BudgetStatement:
    return BudgetStatement("mill", int(NOW.timestamp()), cameras)


def verified(folder: Path, desk: Desk, version: int = 1) -> Watchlist:
    inbox = desk.publish(folder / f"inbox-{version}", version=version)
    metadata = folder / "state" / "site"
    begin_trust(metadata)
    return verify_site(inbox, metadata, desk.root, camera=THIS_CAMERA, now=NOW)


@given(STATEMENTS)
def test_a_statement_reads_as_it_was_written(statement: BudgetStatement) -> None:
    assert read_statement(write_statement(statement)) == statement


@pytest.mark.parametrize("data", [b"{}", b'{"cameras":[],"kind":"budget"}', b"no"])
def test_a_broken_statement_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        read_statement(data)


@pytest.mark.parametrize("state", [BudgetState.WITHIN, BudgetState.UNDECIDED])
def test_a_camera_within_its_budget_looks(tmp_path: Path, state: BudgetState) -> None:
    desk = Desk(statement=said(replace(BROKEN, state=state)))
    assert verified(tmp_path, desk).version == 1


def test_another_cameras_broken_budget_stops_no_other_camera(tmp_path: Path) -> None:
    desk = Desk(statement=said(replace(BROKEN, camera=bytes(16))))
    assert verified(tmp_path, desk).version == 1


def test_a_camera_that_broke_its_budget_is_dark(tmp_path: Path) -> None:
    with pytest.raises(ListRefused) as refusal:
        verified(tmp_path, Desk(statement=said(BROKEN)))
    assert refusal.value.code is Refusal.BUDGET


def test_the_last_good_list_does_not_arm_it_again(tmp_path: Path) -> None:
    desk = Desk()
    verified(tmp_path, desk)
    desk.statement = said(BROKEN)
    with pytest.raises(ListRefused):
        verified(tmp_path, desk, version=2)
    with pytest.raises(ListRefused) as refusal:
        verify_accepted(tmp_path / "state" / "site", desk.root, camera=THIS_CAMERA, now=NOW)
    assert refusal.value.code is Refusal.BUDGET


def test_leaving_the_statement_out_again_is_refused(tmp_path: Path) -> None:
    desk = Desk(statement=said(BROKEN))
    with pytest.raises(ListRefused):
        verified(tmp_path, desk)
    desk.statement = None
    with pytest.raises(ListRefused):
        verified(tmp_path, desk, version=2)


def test_a_newer_statement_clears_it(tmp_path: Path) -> None:
    desk = Desk(statement=said(BROKEN))
    with pytest.raises(ListRefused):
        verified(tmp_path, desk)
    desk.statement = said(replace(BROKEN, state=BudgetState.WITHIN))
    assert verified(tmp_path, desk, version=2).version == 2


def test_only_the_estate_stops_a_camera(tmp_path: Path) -> None:
    with pytest.raises(ListRefused) as refusal:
        verified(tmp_path, Desk(statement=said(), estate=STRANGER))
    assert refusal.value.code is Refusal.SIG
