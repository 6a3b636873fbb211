"""Armed-ready: which records of a boot let a slot be committed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from firmware.config import State
from firmware.errors import NotReady
from firmware.record.ledger import Ledger
from firmware.update.readiness import ledger_marks, wait_until_ready
from formats.ledger import Happening, Program

Entry = tuple[Happening, dict[str, int | str]]
START: Entry = (Happening.START, {"version": "0.2.0"})
PASSED: Entry = (Happening.LAMP, {"from": "boot", "to": "off", "reason": "test passed"})
LOOKED: Entry = (Happening.PERIOD_BEGIN, {"lease_id": "00"})


def fault(code: str) -> Entry:
    return (Happening.FAULT, {"code": code})


def refused(code: str) -> list[Entry]:
    return [START, (Happening.LIST_REFUSED, {"code": code}), fault("ListRefused")]


@pytest.fixture
def state(tmp_path: Path) -> State:
    state = State(tmp_path)
    for folder in (state.lampguard, state.watch, state.courier):
        folder.mkdir(mode=0o700)
    return state


def boot(
    state: State,
    watch: list[Entry],
    guard: list[Entry] = [START, PASSED],  # noqa: B006  # Only read.
    courier: list[Entry] = [START],  # noqa: B006  # The same.
    found: Callable[[], bool] = lambda: True,
) -> None:
    """Let the programs of one boot write these records, and wait for readiness."""
    marks = ledger_marks(state)
    for folder, program, entries in (
        (state.lampguard, Program.LAMPGUARD, guard),
        (state.watch, Program.WATCH, watch),
        (state.courier, Program.COURIER, courier),
    ):
        ledger = Ledger(folder, program)
        for happening, body in entries:
            ledger.append(happening, body)
    wait_until_ready(state, found, marks, patience_s=0.0)


def test_a_camera_that_has_looked_in_light_is_ready(state: State) -> None:
    boot(state, [START, LOOKED], found=lambda: False)  # The driver's answer is not needed.


@pytest.mark.parametrize(
    "code", ["WL_MISSING", "WL_EXPIRED", "WL_CLOCK", "WL_CAMERA", "WL_DPIA", "WL_BUDGET"]
)
def test_a_list_that_no_firmware_can_mend_fails_no_update(state: State, code: str) -> None:
    boot(state, refused(code))


@pytest.mark.parametrize("code", ["ClockUntrusted", "NobodyListed", "OutsideHours"])
def test_clock_hours_and_an_empty_list_fail_no_update(state: State, code: str) -> None:
    boot(state, [START, fault(code)])


def test_a_full_outbox_fails_no_update(state: State) -> None:
    boot(state, [START, (Happening.OUTBOX_FULL, {"waiting": 9})])


@pytest.mark.parametrize("code", ["WL_FORM", "WL_SIG", "WL_MODEL", "WL_FLOORS", "WL_FILE"])
def test_a_list_that_this_version_cannot_use_fails_it(state: State, code: str) -> None:
    with pytest.raises(NotReady, match="has not looked in light"):
        boot(state, refused(code))


@pytest.mark.parametrize(
    "code", ["CameraStalled", "LampDark", "NetsNotJudged", "AcceleratorMissing", "IdentityRefused"]
)
def test_a_part_that_is_missing_fails_it(state: State, code: str) -> None:
    with pytest.raises(NotReady, match="has not looked in light"):
        boot(state, [START, fault(code)])


def test_the_newest_refusal_decides(state: State) -> None:
    with pytest.raises(NotReady):
        boot(state, [*refused("WL_EXPIRED"), START, fault("CameraStalled")])


def test_an_excused_list_does_not_excuse_a_missing_camera(state: State) -> None:
    with pytest.raises(NotReady, match="the camera is not found"):
        boot(state, refused("WL_EXPIRED"), found=lambda: False)


@pytest.mark.parametrize(
    ("guard", "words"),
    [
        ([], "lampguard has not started"),
        ([START], "self-test has not passed"),
        ([START, (Happening.LAMP, {"from": "boot", "to": "fault", "reason": "dark"})], "self-test"),
        ([START, PASSED, (Happening.LAMP, {"from": "on", "to": "fault", "reason": "x"})], "self"),
    ],
)
def test_a_lamp_that_could_get_no_lease_fails_it(
    state: State, guard: list[Entry], words: str
) -> None:
    with pytest.raises(NotReady, match=words):
        boot(state, [START, LOOKED], guard=guard)


def test_a_courier_that_did_not_start_fails_it(state: State) -> None:
    with pytest.raises(NotReady, match="courier has not started"):
        boot(state, [START, LOOKED], courier=[])


def test_records_of_the_boot_before_do_not_count(state: State) -> None:
    boot(state, [START, LOOKED])
    with pytest.raises(NotReady, match="lampguard has not started"):
        boot(state, [], guard=[], courier=[])
