"""A disk that takes nothing for seconds: the guard still grants, and `watch` still looks."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from firmware.assembly import Means
from firmware.assembly import run as run_watch
from firmware.delivery.marks import Link
from firmware.disk_writer import DiskWriter
from firmware.errors import DiskStalled
from firmware.guard.lampguard import run
from firmware.guard.leases import DISK_STALLED, Users
from firmware.hardware.camera import Frame
from firmware.hardware.lamp import Lamp, Lit
from firmware.identity import make_identity
from firmware.looking.kept_pauses import read_pauses
from firmware.record.ledger import Moment
from firmware.supervisor import Supervisor
from firmware.tests.camera_setup import codes, publish
from firmware.tests.command import config_of
from firmware.tests.fakes import (
    LEASE_ID,
    Bulb,
    FakeCamera,
    PasserBy,
    ScriptedGuard,
    eye,
    guarding,
)
from firmware.tests.held_disk import HeldDisk, held_disk
from firmware.tests.observations import eventually, records
from firmware.tests.station import run_of
from firmware.tests.test_lampguard import hear, lamp_of, say
from formats.envelope import Sealed
from formats.lease import SILENT_MS, Grant, Reason, Refused, Request
from formats.ledger import Happening, Record

WALK = [[PasserBy(0, 50.0 + 12 * at)] for at in range(6)]
LONG = WALK + [list[PasserBy]() for _ in range(2000)]
LIMIT_S = 0.5
"""Longest wait for the disk in these tests."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[HeldDisk]:
    with held_disk(tmp_path) as disk:
        yield disk


@pytest.mark.alone
def test_the_guard_grants_while_its_disk_hangs(tmp_path: Path, disk: HeldDisk) -> None:
    with guarding(tmp_path) as guard, guard.called() as caller:
        disk.hold()
        say(caller, Request.ASK)
        until_s = time.monotonic() + 1.0
        answers = []
        while time.monotonic() < until_s:
            answers.append(hear(caller))
            say(caller, Request.BEAT)
        assert len(answers) >= 1.0 / 0.06 / 2, "One every 50 ms or so, on a busy machine fewer."
        assert all(isinstance(one, Grant) for one in answers)
        assert not guard.has("on"), "The disk has not taken it yet."
        disk.let_go()
        eventually(lambda: guard.has("on"))


@pytest.mark.alone
def test_a_record_says_when_it_happened_and_not_when_the_disk_took_it(
    tmp_path: Path, disk: HeldDisk
) -> None:
    with guarding(tmp_path) as guard, guard.called() as caller:
        disk.hold()
        say(caller, Request.ASK)
        assert isinstance(hear(caller), Grant)
        lit_ns = time.monotonic_ns()
        time.sleep(0.5)
        disk.let_go()
        eventually(lambda: guard.has("on"))
    lines = [
        Record.from_line(line) for line in (tmp_path / "ledger.jsonl").read_bytes().splitlines()
    ]
    (shone,) = [one for one in lines if one.body.get("to") == "on"]
    assert abs(shone.mono_ns - lit_ns) < 300_000_000


@pytest.mark.alone
def test_a_guard_whose_disk_hangs_for_too_long_ends_the_light_and_says_why(
    tmp_path: Path, disk: HeldDisk, caplog: pytest.LogCaptureFixture
) -> None:
    with guarding(tmp_path, stalled_s=LIMIT_S) as guard, guard.called() as caller:
        disk.hold()
        say(caller, Request.ASK)
        asked_s = time.monotonic()
        while isinstance(answer := hear(caller), Grant):
            say(caller, Request.BEAT)
        assert answer == Refused(Reason.NOT_READY)
        assert LIMIT_S <= time.monotonic() - asked_s <= LIMIT_S + SILENT_MS / 1000
        say(caller, Request.ASK)
        assert hear(caller) == Refused(Reason.NOT_READY), "No light without a record of it."
        assert guard.bulb.driven, "For two seconds after the last lease, as ever."
        eventually(lambda: not guard.bulb.driven)
        disk.let_go()
        eventually(lambda: ("hold", DISK_STALLED) in guard.changes())
        say(caller, Request.ASK)
        while not isinstance(hear(caller), Grant):
            say(caller, Request.ASK)
    assert "check the card" in caplog.text
    assert not guard.has("fault")


def check_for_ever(lit: Lit) -> None:
    while True:
        lit.check()
        time.sleep(0.01)


@pytest.mark.alone
def test_a_holder_names_the_guards_disk(tmp_path: Path, disk: HeldDisk) -> None:
    with guarding(tmp_path, stalled_s=LIMIT_S) as guard, lamp_of(guard) as channel:
        disk.hold()
        with Lamp(channel.fileno()).lit() as lit:
            with pytest.raises(DiskStalled, match="guard's disk"):
                check_for_ever(lit)
            disk.let_go()


def test_a_guard_ends_within_two_seconds_while_its_disk_hangs(
    tmp_path: Path, disk: HeldDisk
) -> None:
    config = config_of(tmp_path)
    make_identity(config.state)
    ticks = iter([*[True] * 30, False])
    bulb = Bulb()

    def running() -> bool:
        disk.hold()
        return next(ticks)

    began_s = time.monotonic()
    with pytest.raises(DiskStalled, match="check the card"):
        run(config, lambda: nullcontext(bulb), Users(os.getuid()), running, Supervisor())
    assert time.monotonic() - began_s < 2.0 + 30 * 0.02
    assert not bulb.driven


@pytest.fixture
def light() -> Iterator[ScriptedGuard]:
    with ScriptedGuard() as light:
        yield light


def test_no_look_comes_before_the_period_is_on_the_disk(
    tmp_path: Path, disk: HeldDisk, light: ScriptedGuard
) -> None:
    camera = FakeCamera(WALK)
    run = run_of(tmp_path, light.channel, camera)
    disk.hold()
    looking = threading.Thread(target=run.watch)
    looking.start()
    eventually(lambda: light.heard.count(Request.BEAT) >= 5)
    assert camera.given == [], "It beats, so the lease lives, and does not look."
    disk.let_go()
    looking.join()
    (begin,) = records(tmp_path, Happening.PERIOD_BEGIN)
    assert begin["lease_id"] == LEASE_ID.hex()
    assert run.counts["frames"] == len(WALK)


def test_a_period_that_the_disk_does_not_take_is_not_looked_in(
    tmp_path: Path, disk: HeldDisk, light: ScriptedGuard
) -> None:
    camera = FakeCamera(WALK)
    run = run_of(tmp_path, light.channel, camera, writer=DiskWriter(stalled_s=LIMIT_S))
    disk.hold()
    with pytest.raises(DiskStalled, match="check the card"):
        run.watch()
    assert camera.given == []


class SlowCamera(FakeCamera):
    """Fifty frames a second, in truth."""

    def _frames(self) -> Iterator[Frame]:
        for frame in super()._frames():
            time.sleep(0.02)
            yield frame


def test_looking_goes_on_while_an_event_waits_for_the_disk(
    tmp_path: Path, disk: HeldDisk, light: ScriptedGuard
) -> None:
    beats: list[int] = []
    shots = LONG[:60]
    camera = SlowCamera(
        shots,
        before={
            2: disk.hold,
            40: lambda: beats.append(light.heard.count(Request.BEAT)),
            41: disk.let_go,
        },
    )
    run = run_of(tmp_path, light.channel, camera)
    run.watch()
    assert run.counts["frames"] == len(shots)
    assert beats[0] >= 5
    assert [event.sequence for event in run.events()] == [1]
    assert run.counts["events"] == 1


def test_a_disk_that_hangs_for_too_long_ends_the_looking_by_its_name(
    tmp_path: Path, disk: HeldDisk, light: ScriptedGuard
) -> None:
    camera = SlowCamera(LONG, before={2: disk.hold})
    run = run_of(tmp_path, light.channel, camera, writer=DiskWriter(stalled_s=LIMIT_S))
    stop_holding = threading.Timer(3.0, disk.let_go)
    stop_holding.start()
    with pytest.raises(DiskStalled, match="check the card"):
        run.watch()
    stop_holding.join()
    assert 6 < len(camera.given) < len(LONG)
    eventually(lambda: records(tmp_path, Happening.PERIOD_END))
    assert [event.sequence for event in run.events()] == [1], "It is kept all the same, once."


def test_only_sealed_bytes_wait_for_the_disk(
    tmp_path: Path, disk: HeldDisk, light: ScriptedGuard
) -> None:
    writer = DiskWriter()
    waiting: list[object] = []

    def look_into_the_queue() -> None:
        for job in writer._jobs:
            write = job.write
            waiting.extend(getattr(write, "args", ()))
            waiting.extend(getattr(write, "keywords", {}).values())
        disk.let_go()

    camera = FakeCamera(LONG[:20], before={2: disk.hold, 10: look_into_the_queue})
    run_of(tmp_path, light.channel, camera, writer=writer).watch()
    *kept_pauses, sealed, link, happening, moment = sorted(
        waiting, key=lambda one: type(one) in {Sealed, Link, Happening, Moment}
    )
    kinds = [type(one) for one in (sealed, link, happening, moment)]
    assert kinds == [Sealed, Link, Happening, Moment]
    folder, content = kept_pauses
    assert isinstance(folder, Path)
    assert isinstance(content, bytes)
    read_pauses(content, 0)  # Handles and times: no template, no picture.
    assert len(content) < 1000


@pytest.mark.alone
def test_watch_rests_in_the_dark_until_the_disk_is_back_and_looks_again(
    tmp_path: Path, disk: HeldDisk
) -> None:
    config = config_of(tmp_path / "camera")
    make_identity(config.state)
    publish(config)
    told: list[str] = []
    before = {2: disk.hold}

    class Ear(Supervisor):
        def alive(self, status: str = "") -> None:
            told.append(status)
            dark = [one for one in told if one.startswith("dark")]
            if dark:
                before.clear()
            if len(dark) == 5:
                disk.let_go()

    camera = SlowCamera(LONG, before=before)
    means = Means(lambda: camera, lambda _: eye(LONG + LONG), Ear())
    with guarding(tmp_path / "camera"):
        run_watch(config, means, lambda: len(camera.given) < 400)
    assert codes(config, Happening.FAULT) == ["DiskStalled"]
    first, second = records(config.state.watch, Happening.PERIOD_END)
    assert int(first["frames"]) + int(second["frames"]) == 400 - 1, "One came as it stalled."
    assert (first["events"], second["events"]) == (1, 0), "Each is counted in its own period."
    assert records(config.state.watch, Happening.STOP) == [{"reason": "stopped"}]
    assert "dark: The disk has not taken a record" in " ".join(told)


@pytest.mark.alone
def test_watch_ends_within_two_seconds_of_being_told_while_its_disk_hangs(
    tmp_path: Path, disk: HeldDisk
) -> None:
    config = config_of(tmp_path)
    make_identity(config.state)
    publish(config)
    told_s: list[float] = []

    def running() -> bool:
        return not told_s

    camera = SlowCamera(LONG, before={2: disk.hold, 10: lambda: told_s.append(time.monotonic())})
    with guarding(tmp_path):
        with pytest.raises(DiskStalled):
            run_watch(config, Means(lambda: camera, lambda _: eye(LONG)), running)
        ended_s = time.monotonic()
        disk.let_go()
    assert ended_s - told_s[0] < 2.0
