"""`tallylight-camera doctor`: check each part, print counts, say whether the camera is armed.

The last line is *Armed*, or the first thing to do.

It changes nothing: it opens neither camera nor accelerator, asks for no light, and only reads the
ledgers. Run it as root on the camera.
"""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from firmware.config import Accelerator, Config
from firmware.delivery.waiting import WaitingEvents
from firmware.errors import (
    AcceleratorMissing,
    CameraStalled,
    FirmwareError,
    ForeignFile,
    LampDark,
    LampFault,
    TooHot,
)
from firmware.guard.interlock import COVERED
from firmware.hardware.accelerator import ABSENT, Presence, presence
from firmware.hardware.temperature import LIMIT_C, Thermometer
from firmware.identity import courier_key, ledger_signer, watch_keys
from firmware.record.newest import newest_record, when_written
from firmware.trust.time_source import time_quality
from formats.envelope import TimeQuality, sender_id
from formats.errors import Refused
from formats.keyfile import Purpose
from formats.ledger import Happening, Program
from formats.model_bundle import verify_bundle
from formats.public_key_file import read_public_key
from formats.public_keys import signing_key

SWAPS: Final = Path("/proc/swaps")
CONTROLLERS: Final = Path("/sys/fs/cgroup/cgroup.controllers")
"""What the kernel can bound for a unit; without `memory`, MemoryMax= has no effect."""
HARD_LINKS: Final = Path("/proc/sys/fs/protected_hardlinks")
"""1: a user makes no second name for a file that only another user may write (proc_sys_fs(5))."""
PATIENCE_S: Final = 1.0
"""Longest wait for the guard's socket."""
STAGES: Final = (
    ("frames", "frames looked at"),
    ("early", "frames exposed before the light, not looked at"),
    ("grey", "frames without colour, not looked at"),
    ("faces", "faces found"),
    ("refused_small", "too small"),
    ("refused_blurred", "too blurred"),
    ("refused_turned", "turned away"),
    ("refused_dark", "too dark"),
    ("refused_bright", "too bright"),
    ("searched", "compared with the list"),
    ("candidates", "above the threshold"),
    (
        "suppressed",
        "passers-by whose entry had an event just before, or during a storm",
    ),
    ("events", "events sealed"),
)
"""Every stage of a period, in the order of the flow."""

LIT: Final = frozenset({"on", "arming"})
"""States of the guard in which the lamp shines because `watch` asked for it."""
REASONS: Final = {
    "OutsideHours": "nothing, if the policy lets it look at no face at this hour",
    "NobodyListed": "nothing, if the list is to be empty",
    "TooHot": "give it shade or air",
    "LampDark": "systemctl status tallylight-lampguard, and docs/lamp.md",
    "NoLease": "systemctl status tallylight-lampguard, and docs/lamp.md",
    "CameraStalled": "check the camera's cable",
    "PictureGrey": "switch infrared light off; the nets need colour",
    "AcceleratorMissing": "plug the accelerator in",
    "ClockUntrusted": "set up a time server, docs/lamp.md",
    "DiskStalled": "replace the card",
    "OutboxFull": "find out why no receipt comes, docs/broker.md",
    "LedgerBroken": "write a new card and register the camera again",
    "FloorsBroken": "write a new card and register the camera again",
}
"""By the fault of `watch`: the first thing to do."""


def examine(config: Config) -> None:
    """Print one line for each part, the stages of the last period, and whether it is armed.

    Raises:
        FirmwareError: the camera is not armed; the error says the first thing to do.
    """
    missing: list[str] = []
    for part, check in _parts(config).items():
        try:
            mark, words = "ok     ", check()
        except (Refused, OSError) as error:
            mark, words = "MISSING", str(error)
            missing.append(f"{part}: {words}")
        print(f"{mark}  {part:12} {words}")  # noqa: T201  # What users read.
    with suppress(ForeignFile):  # The line of the list has named it.
        for line in _last_period(config):
            print(line)  # noqa: T201  # What users read.
    if missing:
        raise FirmwareError(
            f"Not armed: {len(missing)} of {len(_parts(config))} parts are missing. First: "
            f"{missing[0]}"
        )
    print(f"\n{_armed(config)}")  # noqa: T201  # What users read.


def _armed(config: Config) -> str:
    """Return that the camera is armed, from the newest records of the guard and of `watch`.

    Raises:
        FirmwareError: the lamp is dark.
    """
    change = newest_record(config.state.lampguard, Happening.LAMP)
    if change is not None and change.body["to"] in LIT:
        return f"Armed: the lamp is lit, and faces are compared with the list. {_list(config)}."
    fault = newest_record(config.state.watch, Happening.FAULT)
    begun = newest_record(config.state.watch, Happening.PERIOD_BEGIN)
    if fault is None or (begun is not None and begun.seq > fault.seq):
        raise FirmwareError(
            "Not armed: all parts are there, and watch does not ask for light. First: systemctl "
            "start tallylight-watch."
        )
    code = str(fault.body["code"])
    what = REASONS.get(code, "look the word up in docs/lists.md, under What a dark camera says")
    raise FirmwareError(
        f"Not armed: watch stays dark since {when_written(fault)} ({code}). First: {what}."
    )


def _parts(config: Config) -> dict[str, Callable[[], str]]:
    return {
        "keys": lambda: _keys(config),
        "nets": lambda: _nets(config),
        "accelerator": lambda: _accelerator(config),
        "camera": _camera,
        "lamp": lambda: _lamp(config),
        "list": lambda: _list(config),
        "outbox": lambda: _outbox(config),
        "clock": _clock,
        "temperature": _temperature,
        "swap": _swap,
        "memory": lambda: _memory(CONTROLLERS),
        "hardlinks": lambda: _hard_links(HARD_LINKS),
    }


def _keys(config: Config) -> str:
    camera = sender_id(watch_keys(config.state).sign.verify_key).hex()
    courier_key(config.state)
    for program in (Program.WATCH, Program.LAMPGUARD, Program.COURIER):
        ledger_signer(config.state, program)
    return f"this camera is {camera}"


def _nets(config: Config) -> str:
    trusted = signing_key(read_public_key(config.model_key, Purpose.MODEL).public)
    return f"signed by the trusted key, in {verify_bundle(config.models, trusted).folder}"


def _accelerator(config: Config) -> str:
    if config.accelerator is Accelerator.CPU:
        return "none: the settings say that the nets run on the processor"
    found = presence()
    if found is Presence.ABSENT:
        raise AcceleratorMissing(ABSENT)
    return f"Edge TPU on USB, {found}"


def _camera() -> str:
    try:
        from picamera2 import Picamera2  # noqa: PLC0415  # Only a camera has it.
    except ImportError as error:
        raise CameraStalled(
            "picamera2 is not installed: apt-get install python3-picamera2."
        ) from error
    found = [camera["Model"] for camera in Picamera2.global_camera_info()]
    if not found:
        raise CameraStalled(
            "There is no camera: check its cable, and `rpicam-hello --list-cameras`."
        )
    return ", ".join(found)


def _lamp(config: Config) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
        line.settimeout(PATIENCE_S)
        try:
            line.connect(str(config.lamp_socket))
        except OSError as error:
            raise LampDark(
                f"The guard does not listen at {config.lamp_socket}: systemctl start "
                "tallylight-lampguard."
            ) from error
    change = newest_record(config.state.lampguard, Happening.LAMP)
    state, why = (change.body["to"], change.body["reason"]) if change else ("boot", "starting")
    if state == "fault":
        covered = "remove what covers the lamp or its photodiode"
        wires = "check the lamp, its wires and its sense line"
        raise LampFault(f"{why}: {covered if why == COVERED else wires}; docs/lamp.md.")
    return f"the guard listens; {state} ({why})"


def _list(config: Config) -> str:
    accepted = newest_record(config.state.watch, Happening.LIST_ACCEPTED)
    refused = newest_record(config.state.watch, Happening.LIST_REFUSED)
    if refused and (accepted is None or refused.seq > accepted.seq):
        raise FirmwareError(
            f"The newest list was refused: {refused.body['code']}; publish another."
        )
    if accepted is None:
        raise FirmwareError("No list was accepted yet: publish one to this camera's inbox.")
    return f"version {accepted.body['version']}, accepted {when_written(accepted)}"


def _outbox(config: Config) -> str:
    try:
        room = WaitingEvents(config.state.outbox).room()
    except FileNotFoundError:
        return "empty"
    return f"{room.waiting} events wait for their receipts"


def _clock() -> str:
    quality = time_quality()
    if quality is TimeQuality.UNSYNCHRONISED:
        raise FirmwareError(
            "The clock is not synchronised: check the network, and `timedatectl` or `chronyc "
            "sources`."
        )
    if quality is TimeQuality.AUTHENTICATED:
        return "set by time servers that proved their identity (NTS)"
    return "set from the network by plain NTP, which any machine on the network can imitate"


def _temperature() -> str:
    hottest_c = Thermometer().hottest_c()
    if hottest_c is None:
        return "no sensor on this machine"
    if hottest_c >= LIMIT_C:
        raise TooHot(f"{hottest_c:.0f} degrees, {LIMIT_C:.0f} is the limit: give it shade or air.")
    return f"{hottest_c:.0f} degrees of at most {LIMIT_C:.0f}"


def _swap() -> str:
    if len(SWAPS.read_text(encoding="utf-8").splitlines()) > 1:
        raise FirmwareError("Swap is on, and memory could be written to a disk: swapoff -a.")
    return "off"


def _memory(controllers: Path) -> str:
    found = controllers.read_text(encoding="ascii").split() if controllers.exists() else []
    if "memory" not in found:
        raise FirmwareError(
            "The kernel bounds no unit's memory: add cgroup_enable=memory to "
            "/boot/firmware/cmdline.txt and start the camera again."
        )
    return "MemoryMax= of the units has effect"


def _hard_links(protected: Path) -> str:
    if protected.read_text(encoding="ascii").strip() != "1":
        raise FirmwareError(
            "The courier could give an event a second name, and watch would then refuse it: write "
            "fs.protected_hardlinks = 1 into /etc/sysctl.d/tallylight.conf and start the camera "
            "again."
        )
    return "only of a program's own files"


def _last_period(config: Config) -> Iterator[str]:
    """Yield the counts of the last period, stage by stage, and the last fault of `watch`."""
    period = newest_record(config.state.watch, Happening.PERIOD_END)
    if period is not None:
        yield f"\nThe last period of looking, which ended {when_written(period)}:"
        for key, words in STAGES:
            yield f"  {period.body.get(key, 0):>9}  {words}"
        yield "  The period that runs now: systemctl status tallylight-watch"
    fault = newest_record(config.state.watch, Happening.FAULT)
    if fault is not None:
        yield f"\nThe last fault of watch, {when_written(fault)}: {fault.body['code']}"
