"""The trusted clock: set back, without a time server, or running ahead."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from firmware.errors import ClockUntrusted
from firmware.tests.desk import NOW, NOW_S, Desk, usual_policy
from firmware.tests.verifier import Camera, flip, refused
from firmware.trust.clock import BUILT, Clock
from firmware.trust.floors import Floors, begin_floors, raise_floors, read_floors
from firmware.trust.watchlist import ListRefused, Refusal

STRICT = replace(usual_policy(), unsynchronised=False)


@dataclass
class Hands:
    """A clock that a test sets."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at


def test_a_clock_before_the_build_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClockUntrusted, match="set it right"):
        Clock(tmp_path, lambda: BUILT - timedelta(days=1)).now()


def test_a_clock_that_is_set_back_while_it_runs_is_refused(tmp_path: Path) -> None:
    hands = Hands()
    clock = Clock(tmp_path, hands)
    clock.now()
    hands.at -= timedelta(seconds=4)
    assert clock.now() == NOW
    hands.at -= timedelta(seconds=2)
    with pytest.raises(ClockUntrusted):
        clock.save_if_due(NOW_S + 86400)


def test_a_clock_without_a_time_server_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClockUntrusted, match="time server"):
        Clock(tmp_path, synchronised=lambda: False).check(STRICT)


def test_a_time_server_vouches_for_the_clock(tmp_path: Path) -> None:
    Clock(tmp_path, synchronised=lambda: True).check(STRICT)


def test_the_policy_may_do_without(tmp_path: Path) -> None:
    Clock(tmp_path, synchronised=lambda: False).check(replace(STRICT, unsynchronised=True))


def test_the_time_is_saved_now_and_then(tmp_path: Path) -> None:
    begin_floors(tmp_path)
    hands = Hands()
    clock = Clock(tmp_path, hands)
    clock.save_if_due(NOW_S + 86400)
    hands.at += timedelta(minutes=9)
    clock.save_if_due(NOW_S + 86400)
    assert read_floors(tmp_path).utc_s == NOW_S
    hands.at += timedelta(minutes=1)
    clock.save_if_due(NOW_S + 86400)
    assert read_floors(tmp_path).utc_s == NOW_S + 600


def test_a_clock_that_runs_ahead_does_not_lock_the_camera_out(tmp_path: Path) -> None:
    begin_floors(tmp_path)
    Clock(tmp_path, lambda: NOW + timedelta(days=4000)).save_if_due(NOW_S + 3600)
    assert read_floors(tmp_path).utc_s == NOW_S + 3600


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


def test_what_another_root_signed_saves_no_time(tmp_path: Path) -> None:
    camera = Camera(tmp_path)
    Desk().publish(camera.inbox)
    flip(camera.inbox / "metadata" / "timestamp.json", 300)
    with pytest.raises(ListRefused):
        camera.looks(now=NOW + timedelta(hours=25))
    assert read_floors(camera.metadata.with_name("floors")).utc_s == 0
