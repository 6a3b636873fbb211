"""A second program on the same folder or socket is refused, and the first goes on."""

import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from firmware.__main__ import main
from firmware.config import Config
from firmware.errors import AlreadyRunning, ForeignFile
from firmware.guard.listener import CALLERS, listen
from firmware.hardware.lamp import Lamp
from firmware.program_lock import only_one
from firmware.record.ledger import Ledger
from firmware.tests.camera_setup import looks, made_camera, publish
from firmware.tests.command import config_file
from firmware.tests.fakes import guarding
from firmware.tests.observations import eventually, records
from formats.ledger import Happening, Program

HOLDS = """
import sys, time
from pathlib import Path
from firmware.program_lock import only_one
from formats.ledger import Program
with only_one(Path(sys.argv[1]), Program.COURIER):
    Path(sys.argv[2]).touch()
    time.sleep(60)
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return made_camera(tmp_path)


@pytest.mark.alone
def test_a_second_watch_is_refused_and_the_first_keeps_its_ledger(
    tmp_path: Path, config: Config
) -> None:
    publish(config)
    refused: list[AlreadyRunning] = []

    def running() -> bool:
        if not refused:
            with pytest.raises(AlreadyRunning, match="stop it first") as refusal:
                looks(config)
            refused.append(refusal.value)
        return True

    with guarding(tmp_path):
        looks(config, running)
    assert len(records(config.state.watch, Happening.START)) == 1
    assert records(config.state.watch, Happening.STOP) == [{"reason": "stopped"}]
    assert Ledger(config.state.watch, Program.WATCH).head.size > 0


@pytest.mark.parametrize(
    ("arguments", "program"),
    [
        (["watch"], Program.WATCH),
        (["ended", "--result", "signal"], Program.WATCH),
        (["courier"], Program.COURIER),
        (["lampguard"], Program.LAMPGUARD),
        (["dark"], Program.LAMPGUARD),
    ],
)
def test_no_command_touches_the_folder_or_the_lamp_of_a_program_that_runs(
    tmp_path: Path,
    config: Config,
    arguments: list[str],
    program: Program,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = config.state.root / program
    path = config_file(config, tmp_path / "camera.toml")
    before = sorted(each.name for each in folder.iterdir())
    with only_one(folder, program):
        assert main(["--config", str(path), *arguments]) == 1
    assert f"Another {program} runs on {folder}: stop it first" in capsys.readouterr().err
    assert sorted(each.name for each in folder.iterdir()) == before


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """Return the folder of a program that was killed while it ran."""
    command = [sys.executable, "-c", HOLDS, str(tmp_path / "own"), str(tmp_path / "holds")]
    with subprocess.Popen(command) as process:
        eventually((tmp_path / "holds").exists)
        with pytest.raises(AlreadyRunning), only_one(tmp_path / "own", Program.COURIER):
            pass
        process.kill()
    return tmp_path / "own"


def test_a_program_that_was_killed_holds_nothing(killed: Path) -> None:
    with only_one(killed, Program.COURIER):
        assert list(killed.iterdir()) == []


@pytest.mark.alone
def test_a_second_guard_on_a_socket_is_refused_and_the_first_still_grants(tmp_path: Path) -> None:
    with guarding(tmp_path) as guard:
        with pytest.raises(AlreadyRunning, match=f"listens at {guard.door}: stop it first"):
            listen(guard.door)
        with guard.called() as caller:
            caller.setblocking(False)  # noqa: FBT003  # The standard library's own signature.
            with Lamp(caller.fileno()).lit() as lit:
                lit.check()


def test_a_second_guard_does_not_wait_for_one_that_is_frozen(tmp_path: Path) -> None:
    path = tmp_path / "lamp.sock"
    with ExitStack() as opened:
        opened.enter_context(listen(path))
        for _ in range(CALLERS + 2):  # No one of them is taken up.
            caller = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            opened.enter_context(caller).setblocking(False)  # noqa: FBT003  # The library's own.
            caller.connect_ex(str(path))
        with pytest.raises(AlreadyRunning):
            listen(path)


def test_what_is_no_socket_stays_where_the_guard_should_listen(tmp_path: Path) -> None:
    path = tmp_path / "lamp.sock"
    path.write_text("of another program")
    with pytest.raises(ForeignFile, match="not a socket"):
        listen(path)
    assert path.read_text() == "of another program"


def test_the_socket_of_a_guard_that_was_killed_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "lamp.sock"
    listen(path).close()
    listen(path).close()
    assert path.is_socket()
