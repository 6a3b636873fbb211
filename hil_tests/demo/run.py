"""One run of everything on a desk: broker, tap, receiver, and the camera's three programs.

    street -> watch -> outbox -> courier -> mosquitto -> receiver -> opened event
                |                               |
            lampguard -> simulated lines        tap

Every box is a process of its own but the lines and the rig itself.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from firmware.config import Config, State
from firmware.nets import open_eye
from formats.ledger import Happening
from formats.settings import read_settings
from hil_tests.demo.figures import Evidence, Figures, Opened, gather, records
from hil_tests.demo.ground_truth import person_in
from hil_tests.demo.reviewers_machine import ReviewersMachine
from hil_tests.demo.tap import FORMAT, ON_THE_WIRE, Tap
from hil_tests.errors import DeskRefused
from hil_tests.rig.desk.pins import PinServer
from hil_tests.rig.desk.programs import READY_S, Programs, find_program
from hil_tests.rig.desk.receipted import remove_receipted
from hil_tests.rig.desk_site import DeskSite
from hil_tests.rig.site_maker import signers
from hil_tests.scenes.portraits import Person
from recognition.interpreter import Accelerator

DELIVERED_S: Final = 60.0
"""Longest wait, after the last frame, for the last event to be receipted and opened."""
STARTS: Final = 6
"""A machine on which `watch` loses its light so often is too busy."""
LOST_LIGHT: Final = frozenset({"LampDark", "DiskStalled"})
"""Faults after which `watch` is started anew, as the camera's supervisor does after any."""


@dataclass(slots=True)
class Run:
    """What the rig sees while everything runs."""

    desk: DeskSite
    handle: str
    """Of the one entry on the list."""
    listed: Person | None = None
    """Who is on the list, if the drawn street is played."""
    interrupted: bool = False
    """Whether a person ended the scene early."""
    lost: list[str] = field(default_factory=list)
    """What `watch` said each time that it lost its light. It was then started anew, and saw the
    scene from its beginning."""
    seen: Evidence = field(init=False)

    def __post_init__(self) -> None:
        self.seen = Evidence(Tap(signers(self.desk)))

    def play(self, source: str, on_turn: Callable[["Run"], None]) -> Figures:
        """Play the source to its end and return what it came to.

        Args:
            source: as `open_source` takes it.
            on_turn: called several times a second, to show progress.

        Raises:
            DeskRefused: a program ended or did not get ready, and its own words say why; or the
                machine is too busy.
        """
        before = self._sealed()
        with (
            PinServer(self.seen.board) as lines,
            Programs(self.desk.folder / "logs", frozenset({"watch"})) as programs,
        ):
            self._start_estate(programs)
            self._start_camera(programs, lines.port)
            while self._watch(programs, source, on_turn) and not self.interrupted:
                self._lose_light(programs)
            programs.alive()
            self._await_delivery(programs, before)
            programs.stop()
        return gather(self.desk, self.seen, self._is_listed if self.listed else None)

    def _watch(self, programs: Programs, source: str, on_turn: Callable[["Run"], None]) -> int:
        """Start `watch` and wait until it ends; return its exit code."""
        watch = self._start_watch(programs, source)
        try:
            while watch.poll() is None:
                programs.alive()
                on_turn(self)
                time.sleep(0.1)
        except KeyboardInterrupt:  # A webcam has no end: this is how a person ends it.
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Once is enough.
            self.interrupted = True
            watch.terminate()
            watch.wait(READY_S)
        return watch.returncode

    def _lose_light(self, programs: Programs) -> None:
        """Note that `watch` ended because it lost its light, and may be started again.

        Raises:
            DeskRefused: it ended for another reason, or too often.
        """
        told = records(self.desk.camera / "watch" / "ledger.jsonl")
        faults = [one.body["code"] for one in told if one.event is Happening.FAULT]
        if not faults or faults[-1] not in LOST_LIGHT:
            raise DeskRefused(f"watch ended: {programs.last_line('watch')}")
        self.lost.append(programs.last_line("watch"))
        if len(self.lost) >= STARTS:
            raise DeskRefused(
                f"This machine is too busy for the camera, whose light ended {STARTS} times: close "
                f"other programs, then repeat. The last time: {self.lost[-1]}"
            )

    def _is_listed(self, event: Opened) -> bool:
        eye = open_eye(read_settings(self.desk.camera_config, Config), Accelerator.CPU)
        return event.crop is not None and person_in(Path(event.crop), eye) is self.listed

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
                *("--passphrase-file", str(self.desk.passphrase)),
            ],
            listen=True,
        )
        programs.await_ready("receiver", lambda: "as receiver" in programs.said("mosquitto"))
        reading = (_output(receiver.stdout), ReviewersMachine(self.desk, self.crops))
        threading.Thread(target=self._read, args=reading, daemon=True).start()
        programs.await_ready("tap", lambda: "as auditor" in programs.said("mosquitto"))

    @property
    def crops(self) -> Path:
        """Where the reviewer's machine keeps the faces of opened events."""
        return self.desk.folder.parent / "crops"

    def _start_camera(self, programs: Programs, pins_port: int) -> None:
        config = ("--config", str(self.desk.camera_config))
        programs.start(
            "lampguard",
            [*_module("hil_tests.rig.desk.lampguard"), *config, "--pins", str(pins_port)],
        )
        programs.start("courier", [*_module("firmware"), *config, "courier"])
        lamp = self.desk.lamp_socket
        programs.await_ready("lampguard", lamp.exists)

    def _start_watch(self, programs: Programs, source: str) -> subprocess.Popen[bytes]:
        pipe, end = os.pipe()
        self.seen.witness.listen(pipe)
        watch = programs.start(
            "watch",
            [
                *_module("hil_tests.rig.desk.watch"),
                *("--config", str(self.desk.camera_config)),
                *("--source", source, "--witness", str(end)),
            ],
            pipes=[end],
        )
        os.close(end)
        return watch

    def _sealed(self) -> int:
        """Return how many events the camera has sealed, also in earlier runs on this desk."""
        ledger = self.desk.camera / "watch" / "ledger.jsonl"
        told = records(ledger) if ledger.exists() else []
        return sum(record.event is Happening.EVENT_SEALED for record in told)

    def _await_delivery(self, programs: Programs, before: int) -> None:
        events = self._sealed() - before
        until_s = time.monotonic() + DELIVERED_S
        while remove_receipted(State(self.desk.camera)) or min(self._told()) < events:
            programs.alive()
            if time.monotonic() > until_s:
                return
            time.sleep(0.05)

    def _told(self) -> list[int]:
        """Return how many events were opened, and how many events and receipts the tap has seen."""
        payloads = self.seen.tap.payloads
        sealed = [sum(one.startswith(kind.value.magic) for one in payloads) for kind in ON_THE_WIRE]
        return [len(self.seen.opened), *sealed]

    def _read(self, lines: IO[bytes], reviewer: ReviewersMachine) -> None:
        for line in lines:
            self.seen.opened.append(reviewer.open(json.loads(line)["envelope"]))
        reviewer.close()


def _module(name: str) -> list[str]:
    return [sys.executable, "-m", name]


def _output(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # It was asked for.
    return stream
