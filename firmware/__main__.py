"""The command `tallylight-camera`: one sub-command for each of the camera's programs.

Exit 0: done. Exit 1: refused; one sentence says why and what to do. Exit 2: wrong usage.
Imports stand inside the functions so that each program loads only what it may have.
"""

import argparse
import logging
import os
import pwd
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from firmware.config import DEFAULT, Config
from firmware.supervisor import supervisor
from formats import VERSION
from formats.errors import Refused
from formats.ledger import Program
from formats.memory import close_memory
from formats.settings import SettingsRefused, read_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program that the arguments name."""
    programs: dict[str, Callable[[Config, argparse.Namespace], None]] = {
        "identity": _identity,
        "register": _register,
        "lampguard": _lampguard,
        "watch": _watch,
        "courier": _courier,
        "dark": _dark,
        "ended": _ended,
        "doctor": _doctor,
        "service": _service,
        "time": _time,
        "fetch": _fetch,
        "firewall": _firewall,
        "update": _update,
        "ready": _ready,
    }
    chosen = _parser().parse_args(arguments)

    def program() -> None:
        close_memory()  # Before a key or a face is in it.
        programs[chosen.program](read_settings(chosen.config, Config), chosen)

    return exit_code(program)


def exit_code(program: Callable[[], None]) -> int:
    """Run a program; print a refusal as one sentence; return the exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    try:
        program()
    except Refused as error:
        print(f"tallylight-camera: {error}", file=sys.stderr)  # noqa: T201  # What users read.
        return 1
    except OSError as error:
        what = ": ".join(str(part) for part in (error.filename, error.strerror) if part) or error
        print(f"tallylight-camera: {what}.", file=sys.stderr)  # noqa: T201  # What users read.
        return 1
    return 0


def until_stopped() -> Callable[[], bool]:
    """Return a function that returns True until SIGTERM or SIGINT comes."""
    stopped: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: stopped.append(received))
    return lambda: not stopped


def _identity(config: Config, _chosen: argparse.Namespace) -> None:
    from firmware.identity import make_identity  # noqa: PLC0415

    identity = make_identity(config.state)
    print(identity.camera_id.hex())  # noqa: T201  # What users read.


def _register(config: Config, chosen: argparse.Namespace) -> None:
    from firmware.hardware.pins import GpioPins, lgpio_factory  # noqa: PLC0415
    from firmware.registration.listener import LINKS, run  # noqa: PLC0415

    def open_pins() -> GpioPins:
        return GpioPins(lgpio_factory(), config.lamp_eye)

    run(config, chosen.link or LINKS, open_pins, until_stopped(), supervisor())


def _lampguard(config: Config, chosen: argparse.Namespace) -> None:
    from firmware.guard.lampguard import run  # noqa: PLC0415
    from firmware.guard.leases import Users  # noqa: PLC0415
    from firmware.hardware.pins import GpioPins, lgpio_factory  # noqa: PLC0415

    locator = _uid_of(chosen.locator) if chosen.locator else None
    users = Users(_uid_of(chosen.holder) if chosen.holder else os.getuid(), locator)

    def open_pins() -> GpioPins:
        return GpioPins(lgpio_factory(), config.lamp_eye)

    run(config, open_pins, users, until_stopped(), supervisor())


def _uid_of(user: str) -> int:
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError as error:
        raise SettingsRefused(f"There is no user {user}: create it first.") from error


def _watch(config: Config, chosen: argparse.Namespace) -> None:
    from firmware.left_out import leave_out  # noqa: PLC0415

    leave_out()
    from firmware.assembly import Means, run  # noqa: PLC0415
    from firmware.hardware.camera import PiCamera  # noqa: PLC0415
    from firmware.nets import open_eye  # noqa: PLC0415

    eye = partial(open_eye, config)
    run(config, Means(PiCamera, eye, supervisor(), rest_s=chosen.rest_s), until_stopped())


def _courier(config: Config, _chosen: argparse.Namespace) -> None:
    from firmware.courier import run  # noqa: PLC0415

    run(config, until_stopped(), supervisor())


def _dark(config: Config, _chosen: argparse.Namespace) -> None:
    from firmware.hardware.pins import GpioPins, lgpio_factory  # noqa: PLC0415
    from firmware.program_lock import only_one  # noqa: PLC0415

    with only_one(config.state.lampguard, Program.LAMPGUARD), GpioPins(lgpio_factory()):
        """Opening the lines switches the lamp off."""


def _ended(config: Config, chosen: argparse.Namespace) -> None:
    from firmware.exit_record import record_exit  # noqa: PLC0415

    record_exit(config, chosen.result, chosen.status)


def _doctor(config: Config, chosen: argparse.Namespace) -> None:
    from firmware.doctor.examination import examine  # noqa: PLC0415

    examine(config, json=chosen.json)


def _service(config: Config, _chosen: argparse.Namespace) -> None:
    from firmware.service.caller import run  # noqa: PLC0415

    run(config, until_stopped(), supervisor())


def _time(_config: Config, _chosen: argparse.Namespace) -> None:
    from firmware.time_check import check_time  # noqa: PLC0415

    check_time()


def _fetch(config: Config, _chosen: argparse.Namespace) -> None:
    from firmware.fetch import fetch  # noqa: PLC0415

    print(fetch(config))  # noqa: T201  # What users read.


def _firewall(config: Config, _chosen: argparse.Namespace) -> None:
    from firmware.firewall import set_firewall  # noqa: PLC0415

    set_firewall(config)


def _update(config: Config, _chosen: argparse.Namespace) -> None:
    from datetime import UTC, datetime  # noqa: PLC0415

    from firmware.update.image import read_image  # noqa: PLC0415
    from firmware.update.installer import install_offer, reboot  # noqa: PLC0415

    outcome = install_offer(config, read_image(), datetime.now(UTC))
    print(outcome.words, flush=True)  # noqa: T201  # What users read.
    if outcome.reboot:
        reboot()


def _ready(config: Config, _chosen: argparse.Namespace) -> None:
    from firmware.update.image import read_image  # noqa: PLC0415
    from firmware.update.readiness import camera_found, ledger_marks, wait_until_ready  # noqa: PLC0415
    from firmware.update.version_floor import raise_version_floor  # noqa: PLC0415

    image, marks = read_image(), ledger_marks(config.state)
    supervisor().ready()  # systemd starts the programs now.
    wait_until_ready(config.state, camera_found, marks)
    raise_version_floor(config.state.update, image.version)
    print(f"Version {image.version} could arm.")  # noqa: T201  # What users read.


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tallylight-camera", description="The programs of a Tallylight camera."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {VERSION}")
    parser.add_argument("--config", type=Path, default=DEFAULT, help=f"default: {DEFAULT}")
    programs = parser.add_subparsers(dest="program", required=True, metavar="PROGRAM")
    programs.add_parser("identity", help="make this camera's keys; print its id")
    register = programs.add_parser("register", help="be registered by a laptop, over one cable")
    register.add_argument("--link", action="append", help="network link; default: usb0, end0, eth0")
    guard = programs.add_parser("lampguard", help="own the lamp: light it, sense it, grant leases")
    guard.add_argument("--holder", metavar="USER", help="who may ask for light; default: this user")
    guard.add_argument("--locator", metavar="USER", help="who may let the lamp blink to be found")
    watch = programs.add_parser(
        "watch", help="see faces while the lamp is lit; seal matches with the list"
    )
    watch.add_argument(
        "--rest-s", type=float, default=0.0, help="stay dark this long after a refusal; default: 0"
    )
    programs.add_parser("courier", help="carry sealed events to the broker and receipts back")
    doctor = programs.add_parser(
        "doctor", help="say what is there, what is missing, and what to do"
    )
    doctor.add_argument("--json", action="store_true", help="one object for tallylight check")
    programs.add_parser("service", help="call the installer's laptop while a USB cable is in")
    programs.add_parser("time", help="mark whether chrony's time servers prove who they are")
    programs.add_parser("fetch", help="download the update bundle that is wanted; resume")
    programs.add_parser("firewall", help="set which packets may come in and go out")
    programs.add_parser("update", help="install the version that the policy offers; reboot into it")
    programs.add_parser("ready", help="wait until this version could arm; exit 1 if it never does")
    programs.add_parser("dark", help="switch the lamp off while no guard runs")
    ended = programs.add_parser("ended", help="record why watch was killed; for the supervisor")
    ended.add_argument("--result", required=True, help="$SERVICE_RESULT of systemd.exec(5)")
    ended.add_argument("--status", default="", help="$EXIT_STATUS of systemd.exec(5)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
