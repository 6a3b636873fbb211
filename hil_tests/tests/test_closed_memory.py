"""Every command closes its memory before it reads its settings: no debugger reads a key later.

A command waits for its settings at a FIFO. Meanwhile another process of the same user, without
capabilities, asks for its environment. The kernel gives that only if a debugger could attach.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from firmware.tests.observations import eventually

BIN: Final = Path(sys.executable).parent
UNPRIVILEGED: Final = ("setpriv", "--bounding-set=-all") if os.geteuid() == 0 else ()
"""A user's process has none of the capabilities that read closed memory all the same."""
CONTROL: Final = (sys.executable, "-c", "import sys; open(sys.argv[1]).read()", "FIFO")
COMMANDS: Final = {
    "lampguard": ("tallylight-camera", "--config", "FIFO", "lampguard"),
    "watch": ("tallylight-camera", "--config", "FIFO", "watch"),
    "courier": ("tallylight-camera", "--config", "FIFO", "courier"),
    "identity": ("tallylight-camera", "--config", "FIFO", "identity"),
    "receive": ("tallylight-estate", "receive", "--config", "FIFO"),
    "review": ("tallylight-estate", "review", "--config", "FIFO", "--key", "k"),
    "words": ("tallylight", "site", "words", "FIFO"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_waits_for_its_settings_cannot_be_read(tmp_path: Path, name: str) -> None:
    program, *words = COMMANDS[name]
    with waiting(tmp_path, (str(BIN / program), *words)) as process:
        assert "Permission denied" in environment_of(process)


def test_a_program_that_closes_nothing_can_be_read(tmp_path: Path) -> None:
    with waiting(tmp_path, CONTROL) as process:
        assert environment_of(process) == ""


@contextmanager
def waiting(folder: Path, words: tuple[str, ...]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command until it waits for what it reads first."""
    fifo = folder / "settings"
    os.mkfifo(fifo)
    command = [str(fifo) if word == "FIFO" else word for word in words]
    with subprocess.Popen(
        [*UNPRIVILEGED, *command], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    ) as process:
        ends: list[int] = []
        try:
            eventually(lambda: is_read(fifo, ends), within_s=30)
            yield process
        finally:
            process.kill()
            for end in ends:
                os.close(end)


def is_read(fifo: Path, ends: list[int]) -> bool:
    """Return whether a program has opened the FIFO; keep the other end open."""
    try:
        ends.append(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def environment_of(process: subprocess.Popen[bytes]) -> str:
    """Ask for the environment as another process of the user; return the kernel's complaint."""
    asked = subprocess.run(
        [*UNPRIVILEGED, "cat", f"/proc/{process.pid}/environ"],
        env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
        capture_output=True,
        check=False,
    )
    return asked.stderr.decode()
