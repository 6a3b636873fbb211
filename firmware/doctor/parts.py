"""The parts that `doctor` checks: each check returns what is there, or raises what is missing.

The order is that of the remedies: what comes first can be the cause of what follows.
"""

import re
import shutil
import socket
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from firmware.config import Accelerator, Config
from firmware.courier import broker_address
from firmware.delivery.waiting import WaitingEvents
from firmware.doctor.broker_door import knock
from firmware.errors import (
    AcceleratorMissing,
    CameraStalled,
    FirmwareError,
    LampDark,
    LampFault,
    TooHot,
)
from firmware.folder import Folder
from firmware.guard.interlock import COVERED
from firmware.hardware.accelerator import ABSENT, Presence, bus_speed, presence
from firmware.hardware.temperature import LIMIT_C, Thermometer
from firmware.identity import courier_key, ledger_signer, watch_keys
from firmware.record.newest import newest_record, when_written
from firmware.registration.kept import check_registration
from firmware.trust.time_source import time_quality
from firmware.update.image import refuse_image_without_camera
from formats.counts import counted
from formats.envelope import TimeQuality, sender_id
from formats.keyfile import Purpose
from formats.ledger import Happening, Program
from formats.model_bundle import verify_bundle
from formats.public_key_file import read_public_key
from formats.public_keys import signing_key
from wire.certificate import Certificate

SWAPS: Final = Path("/proc/swaps")
CONTROLLERS: Final = Path("/sys/fs/cgroup/cgroup.controllers")
"""What the kernel can bound for a unit; without `memory`, MemoryMax= has no effect."""
HARD_LINKS: Final = Path("/proc/sys/fs/protected_hardlinks")
"""1: a user makes no second name for a file that only another user may write (proc_sys_fs(5))."""
LEAST_FREE: Final = 64 << 20
"""Bytes: room for about 2,000 events of 33 kB, a day and a half of a busy site."""
CERTIFICATE: Final = "tls.crt"
KEY: Final = "tls.key"
TLS_LIMIT: Final = 16 * 1024
"""Most bytes of either: a certificate of this site's has about 700."""
OPENSSL_S: Final = 10
END: Final = re.compile(r"notAfter=(\w{3} +\d+ [\d:]{8} \d{4}) GMT")
"""The line of `openssl x509 -enddate`."""
PATIENCE_S: Final = 1.0
"""Longest wait for the guard's socket."""


def parts(config: Config) -> dict[str, Callable[[], str]]:
    """Return the check of each part, by the part's name."""
    return {
        "keys": lambda: _keys(config),
        "registration": lambda: _registration(config),
        "clock": _clock,
        "nets": lambda: _nets(config),
        "accelerator": lambda: _accelerator(config),
        "camera": lambda: _camera(config.image),
        "lamp": lambda: _lamp(config),
        "list": lambda: accepted_list(config),
        "certificate": lambda: _certificate(config),
        "broker": lambda: _broker(config),
        "outbox": lambda: _outbox(config),
        "space": lambda: _space(config.state.root),
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


def _registration(config: Config) -> str:
    found = check_registration(config.state)
    kind = "for training" if found.acceptance.training else "as a real camera"
    return f"{kind}, with a lamp record; the board's key: {found.board.key}"


def _nets(config: Config) -> str:
    trusted = signing_key(read_public_key(config.model_key, Purpose.MODEL).public)
    return f"signed by the trusted key, in {verify_bundle(config.models, trusted).folder}"


def _accelerator(config: Config) -> str:
    if config.accelerator is Accelerator.CPU:
        return "none: the settings say that the nets run on the processor"
    found = presence()
    if found is Presence.ABSENT:
        raise AcceleratorMissing(ABSENT)
    return f"Edge TPU on USB, {found}, {bus_speed()}"


def _camera(image: Path) -> str:
    refuse_image_without_camera(image)
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


def accepted_list(config: Config) -> str:
    """Return the list that was accepted last, in words.

    Raises:
        FirmwareError: none was, or a newer one was refused.
    """
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
    return f"{counted(room.waiting, 'event')} without a receipt yet"


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


def _certificate(config: Config) -> str:
    program = shutil.which("openssl")
    if program is None:
        raise FirmwareError("openssl is missing: apt-get install openssl.")
    try:
        with Folder(config.state.courier) as own:
            certificate = own.read(CERTIFICATE, limit=TLS_LIMIT)
    except FileNotFoundError as error:
        raise FirmwareError(
            "There is no certificate for the broker: register the camera."
        ) from error
    try:
        done = subprocess.run(  # noqa: S603  # openssl, with the path of a certificate.
            [program, "x509", "-noout", "-enddate"],
            input=certificate,
            capture_output=True,
            timeout=OPENSSL_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FirmwareError(
            f"openssl gave no answer in {OPENSSL_S} s: register the camera again."
        ) from error
    found = END.fullmatch(done.stdout.decode("ascii", "replace").strip())
    if done.returncode or found is None:
        raise FirmwareError("The certificate for the broker is none: register the camera again.")
    end = datetime.strptime(found[1], "%b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    left = end - datetime.now(UTC)
    if left <= timedelta(0):
        raise FirmwareError(
            f"This camera's certificate ended on {end:%Y-%m-%d}, if the clock is right: renew it "
            "with tallylight broker config."
        )
    return f"valid until {end:%Y-%m-%d}, {counted(left.days, 'day')}"


def _broker(config: Config) -> str:
    address = broker_address(config)
    with (
        Folder(config.state.courier) as own,
        own.open(CERTIFICATE, limit=TLS_LIMIT) as chain,
        own.open(KEY, limit=TLS_LIMIT) as key,
    ):  # The courier may have put a FIFO there; what is open is a regular file.
        chain_path, key_path = (Path(f"/proc/self/fd/{each.fileno()}") for each in (chain, key))
        certificate = Certificate(config.broker_ca, chain_path, key_path)
        return knock(replace(address, certificate=certificate))


def _space(state: Path) -> str:
    free = shutil.disk_usage(state).free
    if free < LEAST_FREE:
        raise FirmwareError(
            f"{free >> 20} MiB are free for events and ledgers, {LEAST_FREE >> 20} are needed: "
            "take a larger card."
        )
    return f"{free >> 20} MiB are free"


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
