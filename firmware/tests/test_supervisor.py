"""Messages to systemd over a real socket: only real work feeds the watchdog."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware.errors import CameraStalled
from firmware.supervisor import Supervisor, supervisor
from firmware.tests.fakes import FakeCamera, PasserBy, ScriptedGuard
from firmware.tests.station import run_of

WALK = [[PasserBy(0, 50.0 + 12 * at)] for at in range(6)]


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        ear.settimeout(5)
        yield ear


@pytest.fixture
def told(ear: socket.socket, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    monkeypatch.setenv("NOTIFY_SOCKET", ear.getsockname())
    told = supervisor()
    assert told.line is not None
    with told.line:
        yield told


def test_a_program_that_started_is_ready(ear: socket.socket, told: Supervisor) -> None:
    told.ready()
    assert ear.recv(100) == b"READY=1"


def test_work_feeds_the_watchdog_and_says_how_it_goes(ear: socket.socket, told: Supervisor) -> None:
    told.alive("frames 3")
    assert ear.recv(100) == b"WATCHDOG=1\nSTATUS=frames 3"


def test_much_work_is_told_once(ear: socket.socket, told: Supervisor) -> None:
    for _ in range(100):
        told.alive()
    assert ear.recv(100) == b"WATCHDOG=1"
    ear.setblocking(False)  # noqa: FBT003  # The standard library's own signature.
    with pytest.raises(BlockingIOError):
        ear.recv(100)


def test_without_a_supervisor_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert supervisor().line is None


def test_a_supervisor_that_is_gone_stops_nothing(tmp_path: Path, told: Supervisor) -> None:
    (tmp_path / "notify").unlink()
    told.ready()
    told.alive()


def test_a_supervisor_that_never_was_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    supervisor().ready()


def test_every_frame_that_was_looked_at_is_told(tmp_path: Path) -> None:
    with ScriptedGuard() as guard:
        run = run_of(tmp_path, guard.channel, FakeCamera(WALK))
        run.watch()
    assert len(run.said) == len(WALK)
    assert run.said[-1] == "frames 6, faces 6, searched 3, passers by 1, candidates 3, events 1"


def test_a_camera_that_stalls_feeds_no_watchdog(tmp_path: Path) -> None:
    def stall() -> None:
        raise CameraStalled

    with ScriptedGuard() as guard:
        run = run_of(tmp_path, guard.channel, FakeCamera(WALK, before={2: stall}))
        with pytest.raises(CameraStalled):
            run.watch()
    assert len(run.said) == 2
