"""Writes the overlay of the virtual camera's root file system: what makes the root this camera.

The overlay holds the camera's wheel, its units, its nets, its keys and a signed list. Drop-ins of
the units start the programs of `hil_tests.rig.virtual`, which are the camera's own on simulated
GPIO lines and libcamera's virtual pipeline. The units themselves stay byte for byte as they are.
"""

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from formats.ledger import Program
from hil_tests.rig.desk_site import DeskSite
from hil_tests.rig.virtual.time_servers import write_time_servers

SOURCE: Final = Path(__file__).parents[3]
UNITS: Final = SOURCE / "provisioning" / "device" / "image" / "systemd"
STATE: Final = Path("var/lib/tallylight")
PYTHON: Final = "/opt/tallylight/bin/python3"
CONFIG: Final = "/etc/tallylight/camera.toml"
RIG: Final = Path("/opt/rig")
"""Where the camera's programs find the rig's folder: sockets and the clock."""
FAULT_FILE: Final = Path("/") / STATE / "watch" / "inference-fault"
SIMULATED: Final = {
    Program.LAMPGUARD: "",
    Program.WATCH: f"--rest-s 1 --fault-file {FAULT_FILE}",
}
"""Programs that run on simulated devices, and their options."""
DARK: Final = f"""ExecStopPost=
ExecStopPost={PYTHON} -m hil_tests.rig.virtual.lampguard --dark --config {CONFIG}
"""
SEARCH: Final = f"{PYTHON} /opt/source/hil_tests/rig/virtual/neighbours.py"
SOCKETS_FILE: Final = "sockets.json"
"""What a program's unit could connect to, in the program's own folder."""
TIME_CHECK: Final = "tallylight-time.service"
NEIGHBOUR: Final = f"[Service]\nExecStart={SEARCH} --serve\n"
"""Another service of the camera, with sockets that each user may connect to."""
COMMAND: Final = f"#!{PYTHON}\nimport sys\nfrom firmware.__main__ import main\nsys.exit(main())\n"


def write_overlay(
    over: Path, desk: DeskSite, variables: Mapping[Program, Sequence[str]], *, as_shipped: bool
) -> None:
    """Write all files that lie over the root file system.

    Args:
        over: the overlay's folder.
        desk: of a site with a list for this camera.
        variables: the environment of each program: libraries that change its clock and its disk.
        as_shipped: whether units start at boot and restart by themselves, as on a camera in the
            field. Otherwise a test starts each program, and a program that ended stays ended.
    """
    _write_wheel(over)
    _write_units(over / "etc", variables, as_shipped=as_shipped)
    write_time_servers(over)
    _write_site(over, desk)


def _write_wheel(over: Path) -> None:
    site_packages = over / "opt/tallylight/lib/python3.13/site-packages"
    (wheel,) = (SOURCE / "build" / "wheel").glob("*.whl")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", str(site_packages), str(wheel)], check=True)
    command = over / "opt/tallylight/bin/tallylight-camera"
    command.parent.mkdir(parents=True)
    command.write_text(COMMAND, encoding="utf-8")
    command.chmod(0o755)


def _write_units(
    etc: Path, variables: Mapping[Program, Sequence[str]], *, as_shipped: bool
) -> None:
    system = etc / "systemd" / "system"
    wanted = system / "multi-user.target.wants"
    wanted.mkdir(parents=True)
    for program in variables:
        unit = UNITS / f"tallylight-{program}.service"
        shutil.copy(unit, system)
        if as_shipped:
            (wanted / unit.name).symlink_to(f"../{unit.name}")
        place = system / f"{unit.name}.d"
        place.mkdir()
        lines = [_search(program)] if as_shipped else ["Restart=no"]
        (place / "rig.conf").write_text(
            _drop_in(program, variables[program], lines), encoding="utf-8"
        )
    if as_shipped:
        (system / "neighbour.service").write_text(NEIGHBOUR, encoding="utf-8")
        (wanted / "neighbour.service").symlink_to("../neighbour.service")
        _write_time_check(system)
    for part in ("sysusers.d", "tmpfiles.d"):
        shutil.copytree(UNITS / part, etc / part)


def _write_time_check(system: Path) -> None:
    """Write the units that ask chrony who set the clock."""
    for unit in (TIME_CHECK, TIME_CHECK.replace("service", "timer")):
        shutil.copy(UNITS / unit, system)
    timers = system / "timers.target.wants"
    timers.mkdir()
    (timers / "tallylight-time.timer").symlink_to("../tallylight-time.timer")
    place = system / f"{TIME_CHECK}.d"
    place.mkdir()
    line = f"[Service]\nExecStartPre={SEARCH} --search /run/tallylight-time/{SOCKETS_FILE}\n"
    (place / "rig.conf").write_text(line, encoding="utf-8")


def _search(program: Program) -> str:
    """Return the line that lets a unit search for sockets of other services before it starts."""
    return f"ExecStartPre={SEARCH} --search /{STATE}/{program}/{SOCKETS_FILE}"


def _drop_in(program: Program, variables: Sequence[str], lines: list[str]) -> str:
    lines = ["[Service]", *lines, *(f"Environment={variable}" for variable in variables)]
    if program in SIMULATED:
        module = f"{PYTHON} -m hil_tests.rig.virtual.{program}"
        lines.append("Environment=PYTHONPATH=/opt/source PYTHONDONTWRITEBYTECODE=1")
        lines += ["ExecStart=", f"ExecStart={module} --config {CONFIG} {SIMULATED[program]}"]
    return "\n".join(lines) + "\n" + (DARK if program is Program.LAMPGUARD else "")


def _write_site(over: Path, desk: DeskSite) -> None:
    etc, state = over / "etc/tallylight", over / STATE
    etc.mkdir()
    shutil.copytree(desk.models, etc / "models")
    shutil.copy(desk.model_key, etc / "models.pub")
    shutil.copy(desk.site / "root.json", etc / "root.json")
    shutil.copy(desk.broker / "ca.pem", etc / "broker.pem")
    for name in ("watch", "courier", "lampguard", "inbox"):
        shutil.copytree(desk.camera / name, state / name, symlinks=True)
    for name in ("enrolment.json", "registration.json"):
        shutil.copy(desk.camera / name, state)
        (state / name).chmod(0o644)
    for path in (state / "inbox", *(state / "inbox").rglob("*"), etc, *etc.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (etc / "camera.toml").write_text(
        f"state_folder = '/{STATE}'\nmodels = '/etc/tallylight/models'\n"
        "model_key = '/etc/tallylight/models.pub'\naccelerator = 'cpu'\n"
        "trusted_root = '/etc/tallylight/root.json'\n"
        "lamp_socket = '/run/tallylight-lamp/lamp.sock'\nlamp_eye = 'photodiode'\n"
        "broker_host = 'localhost'\n"
        "broker_port = 8883\nbroker_ca = '/etc/tallylight/broker.pem'\n",
        encoding="utf-8",
    )
