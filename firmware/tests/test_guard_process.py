"""The guard in a process of its own, killed or frozen while a holder looks."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware.disk_writer import DiskWriter
from firmware.guard.lampguard import guard as run_guard
from firmware.guard.leases import Users
from firmware.guard.listener import listen
from firmware.hardware.lamp import Lamp
from firmware.record.ledger import Ledger
from firmware.record.queued_ledger import QueuedLedger
from firmware.tests.fakes import Bulb, Guard, last_look
from firmware.tests.observations import eventually
from formats.ledger import Program

pytestmark = pytest.mark.alone

PROGRAM = """
import sys
from pathlib import Path
from firmware.tests.test_guard_process import own_the_lamp
own_the_lamp(Path(sys.argv[1]))
"""


def own_the_lamp(folder: Path) -> None:
    """Run the guard in a process of its own, until it is killed."""
    with DiskWriter() as writer:
        run_guard(
            Bulb(),
            listen(folder / "lamp.sock"),
            QueuedLedger(Ledger(folder, Program.LAMPGUARD), writer),
            users=Users(os.getuid()),
            running=lambda: True,
        )


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path)]) as process:
        eventually((tmp_path / "ledger.jsonl").exists, within_s=20)
        eventually(lambda: Guard(Bulb(), tmp_path).has("off"))
        yield process
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_without_the_guard_the_proof_ends_within_250_ms(
    tmp_path: Path, guard: subprocess.Popen[bytes], number: signal.Signals
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
        line.connect(str(tmp_path / "lamp.sock"))
        line.setblocking(False)  # noqa: FBT003  # The standard library's own signature.
        with Lamp(line.fileno()).lit() as lit:
            lit.check()
            guard.send_signal(number)
            struck_s = time.monotonic()
            assert last_look(lit) - struck_s <= 0.25
