"""One run of everything on a desk: broker, tap, receiver, and the camera's three programs.

    street -> watch -> outbox -> courier -> mosquitto -> receiver -> opened event
                |                               |
            lampguard -> simulated lines        tap

Every box is a process of its own but the lines and the rig itself.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from hil_tests.desk.figures import Evidence, Figures, gather, opened_from
from hil_tests.desk.pins import PinServer
from hil_tests.desk.programs import STOP_S, Programs, find_program
from hil_tests.desk.site import REVIEWERS, DeskSite
from hil_tests.desk.tap import FORMAT

DELIVERED_S: Final = 10.0
"""Longest wait, after the last frame, for the last event to be receipted and opened."""


@dataclass(slots=True)
class Run:
    """What the rig sees while everything runs."""

    desk: DeskSite
    handle: str
    """Of the one entry on the list."""
    seen: Evidence = field(default_factory=Evidence)

    def play(self, source: str, on_turn: Callable[["Run"], None]) -> Figures:
        """Play the source to its end and return what it came to.

        Args:
            source: as `open_source` takes it.
            on_turn: called several times a second, to show progress.

        Raises:
            DeskRefused: a program ended or did not get ready; its own words say why.
        """
        with PinServer(self.seen.board) as lines, Programs(self.desk.folder / "logs") as programs:
            self._start_estate(programs)
            self._start_camera(programs, lines.port)
            watch = self._start_watch(programs, source)
            try:
                while watch.poll() is None:
                    programs.alive()
                    on_turn(self)
                    time.sleep(0.1)
            except KeyboardInterrupt:  # A webcam has no end: this is how a person ends it.
                watch.terminate()
                watch.wait(STOP_S)
            programs.alive()
            self._await_delivery(programs)
            programs.stop()
        return gather(self.desk, self.handle, self.seen)

    def _start_estate(self, programs: Programs) -> None:
        broker = [find_program("mosquitto"), "-c", str(self.desk.broker / "mosquitto.conf")]
        programs.start("mosquitto", broker)
        programs.await_ready("mosquitto", lambda: "running" in programs.said("mosquitto"))
        certificate, key = self.desk.certificate("auditor")
        tap = programs.start(
            "tap",
            [
                *(find_program("mosquitto_sub"), "-V", "mqttv5", "-q", "1", "-t", "#"),
                *("-h", "localhost", "-p", str(self.desk.port), "-F", FORMAT),
                *("--cafile", str(self.desk.broker / "ca.pem")),
                *("--cert", str(certificate), "--key", str(key)),
            ],
            listen=True,
        )
        self.seen.tap.listen(_output(tap.stdout))
        receiver = programs.start(
            "receiver",
            [
                *(sys.executable, "-m", "estate", "receive", "--json"),
                *("--config", str(self.desk.receiver_config)),
                *("--open-with", str(self.desk.estate / f"{REVIEWERS[0]}.key")),
                *("--passphrase-file", str(self.desk.passphrase)),
                *("--crops", str(self.crops)),
            ],
            listen=True,
        )
        threading.Thread(target=self._read, args=(_output(receiver.stdout),), daemon=True).start()
        programs.await_ready("receiver", lambda: "as receiver" in programs.said("mosquitto"))
        programs.await_ready("tap", lambda: "as auditor" in programs.said("mosquitto"))

    @property
    def crops(self) -> Path:
        """Where the reviewer's machine keeps the faces of opened events."""
        return self.desk.folder.parent / "crops"

    def _start_camera(self, programs: Programs, pins_port: int) -> None:
        config = ("--config", str(self.desk.camera_config))
        programs.start(
            "lampguard",
            [*_module("hil_tests.desk.lampguard"), *config, "--pins", str(pins_port)],
        )
        programs.start("courier", [*_module("firmware"), *config, "courier"])
        lamp = self.desk.folder / "lamp.sock"
        programs.await_ready("lampguard", lamp.exists)

    def _start_watch(self, programs: Programs, source: str) -> subprocess.Popen[bytes]:
        pipe, end = os.pipe()
        self.seen.witness.listen(pipe)
        watch = programs.start(
            "watch",
            [
                *_module("hil_tests.desk.watch"),
                *("--config", str(self.desk.camera_config)),
                *("--source", source, "--witness", str(end)),
            ],
            pipes=[end],
        )
        os.close(end)
        return watch

    def _await_delivery(self, programs: Programs) -> None:
        waiting = self.desk.camera / "outbox" / "waiting"
        until_s = time.monotonic() + DELIVERED_S
        while any(waiting.iterdir()) and time.monotonic() < until_s:
            programs.alive()
            time.sleep(0.05)
        time.sleep(0.3)  # For what was delivered to be opened and told.

    def _read(self, lines: IO[bytes]) -> None:
        for line in lines:
            self.seen.opened.append(opened_from(json.loads(line), time.monotonic_ns()))


def _module(name: str) -> list[str]:
    return [sys.executable, "-m", name]


def _output(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # It was asked for.
    return stream
