"""The trusted clock: set back, without a time server, or running ahead."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from firmware.assembly import _checked
from firmware.errors import ClockUntrusted
from firmware.record.ledger import Ledger
from firmware.record.queued_ledger import QueuedLedger
from firmware.tests.desk import NOW, NOW_S, Desk, usual_policy
from firmware.tests.station import AtOnce
from firmware.tests.verifier import Camera, flip, refused
from firmware.trust.clock import BUILT, Clock, Hands, boot_id, boottime_s
from firmware.trust.floors import Floors, begin_floors, raise_floors, read_floors
from firmware.trust.watchlist import ListRefused, Refusal
from formats.envelope import TimeQuality
from formats.ledger import Program

STRICT = replace(usual_policy(), unsynchronised=False)
AUTHENTICATED = replace(STRICT, authenticated_time=True)
END_S = NOW_S + 86400
STEP_S = 4.9
"""Just inside the slack."""
BOOT = bytes(16)


@dataclass
class Machine:
    """A machine whose clocks a test sets; CLOCK_BOOTTIME goes on with the true time."""

    folder: Path
    wall: datetime = NOW
    up_s: float = 100.0
    boot: bytes = BOOT

    def passes(self, seconds: float) -> None:
        self.up_s += seconds
        self.wall += timedelta(seconds=seconds)

    def steps(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)

    def reboots(self, off_s: float) -> None:
        self.boot, self.up_s = bytes([self.boot[0] + 1]) * 16, 20.0
        self.wall += timedelta(seconds=off_s)

    def starts(self, until_utc_s: int = END_S) -> Clock:
        """Return the clock of a fresh run under a list that ends then."""
        if not self.folder.exists():
            begin_floors(self.folder)
        clock = Clock(self.folder, Hands(lambda: self.wall, lambda: self.up_s, lambda: self.boot))
        clock.until_utc_s = until_utc_s
        return clock


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "floors")


def vouched(folder: Path, quality: TimeQuality) -> Clock:
    return Clock(folder, quality=lambda: quality)


def test_a_clock_before_the_build_is_refused(machine: Machine) -> None:
    machine.wall = BUILT - timedelta(days=1)
    with pytest.raises(ClockUntrusted, match="set it right"):
        machine.starts().now()


def test_a_clock_that_is_set_back_while_it_runs_is_refused(machine: Machine) -> None:
    clock = machine.starts()
    clock.now()
    machine.steps(-4)
    assert clock.now() == NOW
    machine.steps(-2)
    with pytest.raises(ClockUntrusted):
        clock.save_if_due()


def test_a_time_server_that_steps_back_again_and_again_holds_no_time_back(machine: Machine) -> None:
    clock = machine.starts()
    clock.now()
    machine.passes(STEP_S)
    machine.steps(-STEP_S)
    assert clock.now() >= NOW + timedelta(seconds=STEP_S - 0.001)
    machine.passes(STEP_S)
    machine.steps(-STEP_S)
    with pytest.raises(ClockUntrusted):
        clock.now()


def test_a_program_that_is_killed_again_and_again_loses_no_time_of_its_boot(
    machine: Machine,
) -> None:
    began_s = machine.up_s
    machine.starts().save_if_due()
    for _ in range(40):  # Six hours and a half; each run ends before a save would be due.
        machine.passes(595)
        machine.wall = NOW  # The time server holds the clock where it was.
        with pytest.raises(ClockUntrusted):
            machine.starts().now()
    machine.wall = NOW + timedelta(seconds=machine.up_s - began_s)
    assert machine.starts().now() >= NOW + timedelta(hours=6)


def test_a_refusal_saves_the_time_for_the_next_boot(machine: Machine) -> None:
    clock = machine.starts()
    clock.save_if_due()
    machine.passes(50)
    machine.steps(-50)
    with pytest.raises(ClockUntrusted):
        clock.now()
    clock.save_earliest()
    machine.reboots(off_s=0)
    assert read_floors(machine.folder).utc_s == NOW_S + 49
    with pytest.raises(ClockUntrusted):
        machine.starts().now()


def test_a_power_cut_loses_at_most_a_minute_and_the_time_without_power(machine: Machine) -> None:
    clock = machine.starts()
    for _ in range(595):
        clock.save_if_due()
        machine.passes(1)
    machine.reboots(off_s=-595)
    with pytest.raises(ClockUntrusted):
        machine.starts().now()
    machine.wall = NOW + timedelta(seconds=540)
    assert machine.starts().now() == machine.wall


def test_a_crystal_that_ran_fast_without_a_time_server_is_set_right(machine: Machine) -> None:
    clock = machine.starts()
    clock.now()
    machine.passes(5 * 86400)
    ahead = clock.now()
    machine.steps(-43)  # 100 parts per million of five days.
    assert clock.now() == ahead
    machine.passes(5 * 86400)
    assert machine.starts().now() >= machine.wall


def test_without_a_time_server_the_clock_is_refused(machine: Machine) -> None:
    begin_floors(machine.folder)
    with pytest.raises(ClockUntrusted, match="time server"):
        vouched(machine.folder, TimeQuality.UNSYNCHRONISED).check(STRICT)


def test_a_time_server_vouches_for_the_clock(machine: Machine) -> None:
    begin_floors(machine.folder)
    vouched(machine.folder, TimeQuality.SYNCHRONISED).check(STRICT)


@pytest.mark.parametrize(
    ("quality", "utc_s"),
    [
        (TimeQuality.UNSYNCHRONISED, None),
        (TimeQuality.SYNCHRONISED, END_S),
        (TimeQuality.AUTHENTICATED, NOW_S + 40 * 86400),
    ],
)
def test_by_a_clock_that_runs_ahead_no_event_lapses_unless_it_is_authenticated(
    machine: Machine, quality: TimeQuality, utc_s: float | None
) -> None:
    machine.starts().save_if_due()
    machine.steps(40 * 86400)
    clock = machine.starts()
    clock.quality = lambda: quality
    assert clock.lapse_utc_s() == utc_s


def test_a_camera_without_a_list_lets_no_event_lapse_by_plain_ntp(machine: Machine) -> None:
    begin_floors(machine.folder)
    assert vouched(machine.folder, TimeQuality.SYNCHRONISED).lapse_utc_s() is None


def test_the_policy_may_do_without(machine: Machine) -> None:
    begin_floors(machine.folder)
    clock = vouched(machine.folder, TimeQuality.UNSYNCHRONISED)
    clock.check(replace(STRICT, unsynchronised=True))


def test_the_policy_may_demand_that_time_servers_prove_their_identity(machine: Machine) -> None:
    begin_floors(machine.folder)
    vouched(machine.folder, TimeQuality.AUTHENTICATED).check(AUTHENTICATED)
    for quality in (TimeQuality.SYNCHRONISED, TimeQuality.UNSYNCHRONISED):
        with pytest.raises(ClockUntrusted, match="NTS"):
            vouched(machine.folder, quality).check(AUTHENTICATED)


def test_the_time_is_saved_each_minute(machine: Machine) -> None:
    clock = machine.starts()
    clock.save_if_due()
    machine.passes(59)
    clock.save_if_due()
    assert read_floors(machine.folder).utc_s == NOW_S
    machine.passes(1)
    clock.save_if_due()
    assert read_floors(machine.folder).utc_s == NOW_S + 60


def test_while_the_camera_looks_the_time_is_saved(machine: Machine, tmp_path: Path) -> None:
    book = QueuedLedger(Ledger(tmp_path / "own", Program.WATCH), AtOnce())
    go_on = _checked(lambda: True, machine.starts(), book)
    assert go_on()
    assert read_floors(machine.folder).utc_s == NOW_S


def test_a_clock_that_runs_ahead_does_not_lock_the_camera_out(machine: Machine) -> None:
    machine.steps(4000 * 86400)
    machine.starts(NOW_S + 3600).save_if_due()
    assert read_floors(machine.folder).utc_s == NOW_S + 3600
    machine.steps(-4000 * 86400)
    end = NOW + timedelta(hours=1)
    with pytest.raises(ClockUntrusted, match=f"or wait until {end:%Y-%m-%d %H:%M} if it had run"):
        machine.starts(NOW_S + 3600).now()
    machine.passes(3601)  # In the same boot: the end of that list has come.
    assert machine.starts().now() == machine.wall


def test_a_clock_that_ran_ahead_by_an_hour_is_trusted_after_a_reboot_and_an_hour(
    machine: Machine,
) -> None:
    machine.steps(3600)
    machine.starts().save_if_due()
    machine.steps(-3600)
    machine.reboots(off_s=30)
    machine.passes(3600)
    assert machine.starts().now() == machine.wall


def test_the_machines_own_clocks_are_read(machine: Machine) -> None:
    begin_floors(machine.folder)
    clock = Clock(machine.folder)
    clock.until_utc_s = int(datetime.now(UTC).timestamp()) + 86400
    clock.save_if_due()
    anchor = read_floors(machine.folder).anchor
    assert anchor is not None
    assert anchor.boot_id == boot_id()
    assert 0 <= anchor.boottime_s - boottime_s() <= 1


def test_a_reboot_with_the_clock_set_back_is_refused_with_any_list(tmp_path: Path) -> None:
    camera = Camera(tmp_path)
    camera.takes(Desk())
    raise_floors(camera.metadata.with_name("floors"), Floors(NOW_S + 3600))
    with refused(Refusal.CLOCK):
        camera.looks(now=NOW + timedelta(minutes=59))
    with refused(Refusal.CLOCK):
        camera.reloads(now=NOW + timedelta(minutes=59))
    assert camera.looks(now=NOW + timedelta(minutes=61)).version == 1


@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.parametrize("back_h", [2, 25])
def test_a_clock_that_is_set_back_does_not_bring_back_a_list_that_had_ended(
    tmp_path: Path, back_h: int, *, taken: bool
) -> None:
    camera, later = Camera(tmp_path), NOW + timedelta(hours=25)
    Desk().publish(camera.inbox)
    if taken:
        camera.looks()
    with refused(Refusal.EXPIRED):
        camera.looks(now=later)
    with refused(Refusal.CLOCK):
        camera.looks(now=later - timedelta(hours=back_h))


def test_a_list_that_ended_on_the_card_stays_ended(tmp_path: Path) -> None:
    camera, later = Camera(tmp_path), NOW + timedelta(hours=25)
    camera.takes(Desk())
    with refused(Refusal.EXPIRED):
        camera.reloads(now=later)
    with refused(Refusal.CLOCK):
        camera.reloads(now=later - timedelta(hours=2))


def test_a_case_file_that_had_ended_stays_ended(tmp_path: Path) -> None:
    camera, later = Camera(tmp_path), NOW + timedelta(hours=12)
    desk = Desk(amend_case=lambda case: replace(case, expires_utc_s=NOW_S + 3600))
    with refused(Refusal.EXPIRED):
        camera.takes(desk, now=later)
    with refused(Refusal.CLOCK):
        camera.looks(now=NOW)


def test_a_refused_list_saves_no_time_beyond_its_end(tmp_path: Path) -> None:
    camera = Camera(tmp_path)
    with refused(Refusal.EXPIRED):
        camera.takes(Desk(), now=NOW + timedelta(days=4000))
    assert read_floors(camera.metadata.with_name("floors")).utc_s == NOW_S + 86400


def test_an_accepted_list_saves_the_time(tmp_path: Path) -> None:
    camera = Camera(tmp_path)
    camera.takes(Desk())
    assert read_floors(camera.metadata.with_name("floors")).utc_s == NOW_S


def test_what_another_root_signed_saves_no_time(tmp_path: Path) -> None:
    camera = Camera(tmp_path)
    Desk().publish(camera.inbox)
    flip(camera.inbox / "metadata" / "timestamp.json", 300)
    with pytest.raises(ListRefused):
        camera.looks(now=NOW + timedelta(hours=25))
    assert read_floors(camera.metadata.with_name("floors")).utc_s == 0
