"""What a stall of the disk leaves behind: no template in memory, and no program that cannot end."""

import errno
import gc
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from firmware.assembly import Means, run, watch_through_stalls
from firmware.disk_writer import DiskWriter
from firmware.errors import DiskStalled
from firmware.guard.interlock import RECOVER_S, Interlock, State
from firmware.guard.leases import Leases, Users
from firmware.guard.listener import listen
from firmware.hardware.camera import Frame
from firmware.identity import make_identity
from firmware.supervisor import Supervisor
from firmware.tests.camera_setup import WALK, publish
from firmware.tests.command import config_of
from firmware.tests.fakes import FakeCamera, FakeEmbedder, ScriptedGuard, eye, guarding
from firmware.tests.held_disk import HeldDisk, held_disk
from firmware.tests.observations import records
from firmware.tests.station import run_of
from formats.lease import Reason, Refused, encode_answer
from formats.ledger import Happening
from recognition.template import Template


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[HeldDisk]:
    with held_disk(tmp_path) as disk:
        yield disk


@pytest.fixture
def light() -> Iterator[ScriptedGuard]:
    with ScriptedGuard() as light:
        yield light


@dataclass
class StartedCamera(FakeCamera):
    """Says when it is started."""

    on_start: Callable[[], None] = lambda: None

    @contextmanager
    def running(self) -> Iterator[Iterator[Frame]]:
        self.on_start()
        with super().running() as frames:
            yield frames


@pytest.mark.alone
def test_watch_ends_within_two_seconds_of_being_told_before_its_period_is_on_the_disk(
    tmp_path: Path, disk: HeldDisk
) -> None:
    config = config_of(tmp_path)
    make_identity(config.state)
    publish(config)
    told_s: list[float] = []
    tell = threading.Timer(0.3, lambda: told_s.append(time.monotonic()))

    def start() -> None:
        disk.hold()
        tell.start()

    camera = StartedCamera(WALK, on_start=start)
    with guarding(tmp_path):
        with pytest.raises(DiskStalled):
            run(config, Means(lambda: camera, lambda _: eye(WALK)), lambda: not told_s)
        ended_s = time.monotonic()
        disk.let_go()
    tell.join()
    assert ended_s - told_s[0] < 2.0
    assert camera.given == []


def templates() -> list[Template]:
    """Return the templates in this process's memory that are not overwritten."""
    return [one for one in gc.get_objects() if type(one) is Template and one.vector.any()]


def test_no_template_stays_in_memory_while_watch_rests_in_the_dark(
    tmp_path: Path, disk: HeldDisk, light: ScriptedGuard
) -> None:
    """An error keeps the calls that it came through, with all that they had in hand."""
    kept: list[list[Template]] = []

    def lose_the_light() -> None:
        disk.hold()
        light.says(encode_answer(Refused(Reason.NOT_READY)))

    class Ear(Supervisor):
        def alive(self, status: str = "") -> None:
            kept.append([one for one in templates() if id(one) not in earlier])

    others = templates()  # Of other tests in this process; held, so that no id is used again.
    earlier = {id(one) for one in others}
    made = run_of(
        tmp_path, light.channel, FakeCamera(WALK), embedder=FakeEmbedder({4: lose_the_light})
    )
    means = Means(lambda: made.station.camera, lambda _: eye(WALK), Ear())
    with made.station.book.writer:
        watch_through_stalls(made.station, config_of(tmp_path).state, means, lambda: not kept)
        disk.let_go()
    assert kept == [[]]


def test_a_period_whose_beginning_the_disk_refused_has_no_end_in_the_ledger(
    tmp_path: Path, light: ScriptedGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of(tmp_path, light.channel, FakeCamera(WALK))
    to_disk, refusals = os.fsync, [OSError(errno.EIO, "Input/output error")]

    def refused_once(descriptor: int) -> None:
        if refusals:
            raise refusals.pop()
        to_disk(descriptor)

    monkeypatch.setattr(os, "fsync", refused_once)
    with pytest.raises(OSError, match="Input/output"):
        run.watch()
    assert records(tmp_path, Happening.PERIOD_BEGIN) == []
    assert records(tmp_path, Happening.PERIOD_END) == []


def test_a_guard_in_fault_does_not_recover_by_itself_while_its_disk_hangs(tmp_path: Path) -> None:
    interlock = Interlock(0.0, on_change=lambda _: None, state=State.FAULT)
    leases = Leases(listen(tmp_path / "lamp.sock"), interlock, Users(os.getuid()))
    let_go = threading.Event()
    with DiskWriter(stalled_s=0.05) as writer:
        writer.submit(let_go.wait)
        time.sleep(0.1)
        leases.check_disk(writer)
        interlock.tick(RECOVER_S + 1, sensed=False)
        assert interlock.state is State.FAULT
        let_go.set()
        writer.flush(within_s=5)
        leases.check_disk(writer)
    interlock.tick(RECOVER_S + 2, sensed=False)
    leases.close()
    assert list(interlock.recoveries) == [RECOVER_S + 2]
