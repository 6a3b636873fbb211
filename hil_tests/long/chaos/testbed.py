"""The test bed of the chaos: a camera on a small disk, a broker, a receiver, two bad networks."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from numpy.random import Generator

from estate.store.envelopes import Store
from firmware.delivery.marks import Terms
from firmware.delivery.outbox import Outbox
from formats.keyfile import Cost, Purpose, make_key, write_key
from hil_tests.rig.network_faults import HOST, FaultProxy
from wire.tests.broker import Broker

PASSPHRASE: Final = "a test bed holds no secrets"  # noqa: S105  # As it says.
CHEAP: Final = Cost(passes=1, memory_bytes=8192)
DISK_BYTES: Final = 6 * 2**20
"""The camera's whole disk: about 140 events fill it."""

DRAFT_S: Final = 0.5
"""Longest wait for a moment at which a power cut finds something half written."""


@dataclass(slots=True)
class SupervisedProgram:
    """A program that is started again each time it ends, as systemd would."""

    command: Sequence[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    kills: int = 0
    ends: int = 0
    """How often it ended with an error by itself."""

    def ensure_running(self) -> None:
        """Start the program unless it runs, or has ended with success."""
        if self.process is not None and self.process.poll() is None:
            return
        if self.process is not None and self.process.returncode not in {0, -signal.SIGKILL}:
            self.ends += 1
        if self.process is None or self.process.returncode != 0:
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(self.command, stdout=log, stderr=log)

    def kill(self) -> None:
        """Kill the program at once with SIGKILL, as the kernel does when memory is short."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
            self.kills += 1

    def pause(self) -> None:
        """Freeze the program with SIGSTOP."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGSTOP)

    def stop(self) -> None:
        """End the program with SIGTERM."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()


@dataclass(slots=True)
class Testbed:
    """All parts of one run; `open_testbed` makes it."""

    folder: Path
    broker: Broker
    uplink: FaultProxy
    """Between camera and broker."""
    downlink: FaultProxy
    """Between broker and receiver."""
    maker: SupervisedProgram
    courier: SupervisedProgram
    receiver: SupervisedProgram
    broker_kills: int = 0
    power_cuts: int = 0
    torn: int = 0
    """Files that were being written when the power was cut."""
    url: str = ""

    @property
    def state(self) -> Path:
        """The camera's disk."""
        return self.broker.state.root

    @property
    def logs(self) -> Path:
        """The maker's logs, outside the camera."""
        return self.folder / "logs"

    def ensure_running(self) -> None:
        """Start each program that has ended."""
        for program in (self.maker, self.courier, self.receiver):
            program.ensure_running()

    def kill_broker(self) -> None:
        """Kill the broker and start it again; it loses all messages since it was last stopped."""
        self.broker.kill()
        self.broker.start()
        self.broker_kills += 1

    def cut_power(self, dice: Generator) -> None:
        """Kill the camera in the middle of a step, and tear the files that were not yet synced."""
        self._await_draft()
        for program in (self.maker, self.courier):
            program.pause()
        snapshot = self.folder / "snapshot"
        shutil.rmtree(snapshot, ignore_errors=True)
        shutil.copytree(self.state, snapshot, symlinks=True)
        for program in (self.maker, self.courier):
            program.kill()
        drafts = (snapshot / "receipts").glob(".*.part")
        for path in (*unsynced(snapshot / "outbox"), *drafts):
            path.write_bytes(path.read_bytes()[: int(dice.integers(0, path.stat().st_size + 1))])
            self.torn += 1
        for path in self.state.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(snapshot, self.state, symlinks=True, dirs_exist_ok=True)
        self.power_cuts += 1

    def _await_draft(self) -> None:
        """Wait for a half-written file, at most `DRAFT_S`."""
        outbox, until_s = self.state / "outbox", time.monotonic() + DRAFT_S
        while time.monotonic() < until_s and not unsynced(outbox):
            pass

    def fill_disk(self) -> None:
        """Fill the camera's disk to the last byte."""
        with suppress(OSError), (self.state / "filler").open("ab", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def free_disk(self) -> None:
        """Remove the filler."""
        (self.state / "filler").unlink(missing_ok=True)


def unsynced(outbox: Path) -> list[Path]:
    """Return the files of an outbox that may not be synced to the disk yet."""
    return [*(outbox / "part").iterdir(), *outbox.glob(".*.part")]


@contextmanager
def open_testbed(
    folder: Path, *, count: int, pause_s: float, url: str = "", small: bool = True
) -> Iterator[Testbed]:
    """Make everything and start the broker; stop everything at the end.

    Args:
        folder: new.
        count: events to be made.
        pause_s: between two of them.
        url: of the receiver's store; SQLite in the folder when empty.
        small: whether the camera's disk is a small one.
    """
    with ExitStack() as stack:
        if small:
            stack.enter_context(small_disk(folder / "camera" / "state"))
        broker = Broker(folder / "camera")
        stack.callback(broker.kill)
        broker.start()
        uplink = stack.enter_context(FaultProxy(broker.port).running())
        downlink = stack.enter_context(FaultProxy(broker.port).running())
        url = url or f"sqlite:///{folder / 'store.db'}"
        programs = _programs(folder, broker, (uplink.port, downlink.port), count, pause_s, url)
        testbed = Testbed(folder, broker, uplink, downlink, *programs, url=url)
        testbed.logs.mkdir()
        for program in programs:
            stack.callback(program.stop)
        yield testbed


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mount a small file system in memory where this user may; elsewhere the disk stays large."""
    folder.mkdir(parents=True)
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tallylight", str(folder)],
            check=False,
            capture_output=True,
        ).returncode
    )
    try:
        yield
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def is_small(folder: Path) -> bool:
    """Return whether the file system under a folder is the small one, which may be filled."""
    disk = os.statvfs(folder)
    return disk.f_blocks * disk.f_frsize <= DISK_BYTES


def _programs(  # noqa: PLR0913, PLR0917  # The parts of a testbed.
    folder: Path, broker: Broker, ports: tuple[int, int], count: int, pause_s: float, url: str
) -> tuple[SupervisedProgram, SupervisedProgram, SupervisedProgram]:
    key = make_key(Purpose.RECEIPT, "testbed", PASSPHRASE, CHEAP)
    write_key(folder / "receipt.key", key)
    (folder / "passphrase").write_text(PASSPHRASE + "\n")
    Outbox(broker.state.outbox).set_terms(Terms(key.public, 30))
    Store(url).close()
    camera, receiver = _settings(folder, broker, ports, url)
    python, state = sys.executable, str(broker.state.root)
    making = (
        "-m",
        "hil_tests.long.chaos.maker",
        state,
        str(folder / "logs"),
        str(count),
        str(pause_s),
    )
    carrying = ("--config", str(camera), "courier")
    receiving = ("--config", str(receiver), "--passphrase-file", str(folder / "passphrase"))
    return (
        SupervisedProgram([python, *making], folder / "maker.log"),
        SupervisedProgram([python, "-m", "firmware", *carrying], folder / "courier.log"),
        SupervisedProgram([python, "-m", "estate", "receive", *receiving], folder / "receiver.log"),
    )


def _settings(folder: Path, broker: Broker, ports: tuple[int, int], url: str) -> tuple[Path, Path]:
    camera, receiver = folder / "camera.toml", folder / "receiver.toml"
    certificate = broker.certificate("receiver")
    common = f"broker_host = '{HOST}'\nbroker_ca = '{certificate.authority}'\n"
    camera.write_text(
        f"state_folder = '{broker.state.root}'\nmodels = 'none'\nmodel_key = 'none'\n"
        f"accelerator = 'cpu'\ntrusted_root = 'none'\nlamp_socket = 'none'\n"
        f"broker_port = {ports[0]}\n{common}"
    )
    receiver.write_text(
        f"store = '{url}'\ncameras = '{folder / 'cameras'}'\n"
        f"receipt_key = '{folder / 'receipt.key'}'\nbroker_port = {ports[1]}\n{common}"
        f"certificate = '{certificate.chain}'\ncertificate_key = '{certificate.key}'\n"
        "name = 'receiver'\ngroup = 'receivers'\n"
    )
    (folder / "cameras").mkdir()
    shutil.copy(broker.state.root / "enrolment.json", folder / "cameras")
    return camera, receiver
