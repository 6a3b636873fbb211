"""Writes what lies over the virtual camera's image, and its data partition: this camera of a rig.

The overlay holds what `make image SITE=` puts into an image: the site's root, nets and broker's CA.
The data partition holds keys, settings and a signed list. Drop-ins of the units start the programs
of `hil_tests.rig.virtual`, which are the camera's own on simulated GPIO lines and libcamera's
virtual pipeline. The programs, their dependencies and the units are the image's, byte for byte.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from formats.ledger import Program
from hil_tests.rig.desk_site import DeskSite
from hil_tests.rig.virtual.time_servers import write_time_servers

SOURCE: Final = Path(__file__).parents[3]
TEMPLATE: Final = "provisioning/device/image/files/usr/lib/tallylight/camera.toml.in"
HOOKS: Final = "/opt/hooks"
"""The rig's own modules inside: only `hil_tests`, so that all others come from the image."""
QUIET: Final = "rig.target"
"""Starts what a camera has at boot, without the camera's programs: a test starts each."""
STATE: Final = Path("var/lib/tallylight")
PYTHON: Final = "/opt/tallylight/bin/python3"
CONFIG: Final = "/etc/tallylight/camera.toml"
RIG: Final = Path("/opt/rig")
"""Where the camera's programs find the rig's folder: sockets and the clock."""
FAULT_FILE: Final = Path("/") / STATE / "watch" / "inference-fault"
PACKAGES: Final = Path(os.environ.get("TALLYLIGHT_RIG_PACKAGES", "/nonexistent"))
"""picamera2 and pigpio for the image's Python; `make rig-packages` installs them."""
_TESTS: Final = shutil.ignore_patterns("tests", "__pycache__")
SIMULATED: Final = {
    Program.LAMPGUARD: "",
    Program.WATCH: f"--rest-s 1 --fault-file {FAULT_FILE}",
}
"""Programs that run on simulated devices, and their options."""
DARK: Final = f"""ExecStopPost=
ExecStopPost={PYTHON} -m hil_tests.rig.virtual.lampguard --dark --config {CONFIG}
"""
SEARCH: Final = f"{PYTHON} {HOOKS}/hil_tests/rig/virtual/neighbours.py"
SOCKETS_FILE: Final = "sockets.json"
"""What a program's unit could connect to, in the program's own folder."""
TIME_CHECK: Final = "tallylight-time.service"
NEIGHBOUR: Final = f"[Service]\nExecStart={SEARCH} --serve\n"
"""Another service of the camera, with sockets that each user may connect to."""
QUIET_UNIT: Final = "[Unit]\nRequires=basic.target\nAfter=basic.target\nWants=dbus.service\n"


def write_overlay(
    folder: Path, desk: DeskSite, variables: Mapping[Program, Sequence[str]], *, as_shipped: bool
) -> None:
    """Write all files of this camera.

    Args:
        folder: of the machine: `over` and `data` are made in it.
        desk: of a site with a list for this camera.
        variables: the environment of each program: libraries that change its clock and its disk.
        as_shipped: whether units start at boot and restart by themselves, as on a camera in the
            field. Otherwise a test starts each program, and a program that ended stays ended.
    """
    over = folder / "over"
    for place in ("rig", "hooks", "packages"):
        (over / "opt" / place).mkdir(parents=True)
    shutil.copytree(SOURCE / "hil_tests", folder / "hooks" / "hil_tests", ignore=_TESTS)
    (folder / "packages").symlink_to(PACKAGES)
    pipeline = over / "usr/share/libcamera/pipeline/virtual/virtual.yaml"
    pipeline.parent.mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("virtual.yaml"), pipeline)
    _write_units(over / "etc", variables, as_shipped=as_shipped)
    write_time_servers(over)
    _write_site(over / "usr/lib/tallylight", desk)
    write_state(folder / "data/tallylight", desk)


def _write_units(
    etc: Path, variables: Mapping[Program, Sequence[str]], *, as_shipped: bool
) -> None:
    system = etc / "systemd" / "system"
    system.mkdir(parents=True)
    (system / QUIET).write_text(QUIET_UNIT, encoding="utf-8")
    for program in variables:
        lines = [_search(program)] if as_shipped else ["Restart=no"]
        _write_drop_in(
            system,
            f"tallylight-{program}.service",
            _drop_in(program, variables[program], lines),
        )
    if as_shipped:
        (system / "neighbour.service").write_text(NEIGHBOUR, encoding="utf-8")
        wanted = system / "multi-user.target.wants"
        wanted.mkdir()
        (wanted / "neighbour.service").symlink_to("../neighbour.service")
        line = f"[Service]\nExecStartPre={SEARCH} --search /run/tallylight-time/{SOCKETS_FILE}\n"
        _write_drop_in(system, TIME_CHECK, line)


def _write_drop_in(system: Path, unit: str, content: str) -> None:
    place = system / f"{unit}.d"
    place.mkdir()
    (place / "rig.conf").write_text(content, encoding="utf-8")


def _search(program: Program) -> str:
    """Return the line that lets a unit search for sockets of other services before it starts."""
    return f"ExecStartPre={SEARCH} --search /{STATE}/{program}/{SOCKETS_FILE}"


def _drop_in(program: Program, variables: Sequence[str], lines: list[str]) -> str:
    lines = ["[Service]", *lines, *(f"Environment={variable}" for variable in variables)]
    if program in SIMULATED:
        module = f"{PYTHON} -m hil_tests.rig.virtual.{program}"
        path = f"PYTHONPATH={HOOKS}:/opt/packages"
        lines.append(f"Environment={path} PYTHONDONTWRITEBYTECODE=1")
        lines += ["ExecStart=", f"ExecStart={module} --config {CONFIG} {SIMULATED[program]}"]
    return "\n".join(lines) + "\n" + (DARK if program is Program.LAMPGUARD else "")


def _write_site(trusted: Path, desk: DeskSite) -> None:
    """Write what `make image SITE=` puts into an image."""
    trusted.mkdir(parents=True)
    shutil.copytree(desk.models, trusted / "models")
    shutil.copy(desk.model_key, trusted / "models.pub")
    shutil.copy(desk.site / "root.json", trusted / "root.json")
    shutil.copy(desk.broker / "ca.pem", trusted / "broker-ca.pem")
    _open_to_all(trusted)


def write_state(state: Path, desk: DeskSite) -> None:
    """Write what lies on the data partition of a camera that was registered."""
    for name in ("watch", "courier", "lampguard", "inbox"):
        shutil.copytree(desk.camera / name, state / name, symlinks=True)
    for name in ("enrolment.json", "registration.json"):
        shutil.copy(desk.camera / name, state)
        (state / name).chmod(0o644)
    _open_to_all(state / "inbox")
    settings = state / "settings"
    settings.mkdir()
    template = (SOURCE / TEMPLATE).read_text("utf-8")
    text = template.replace("@ACCELERATOR@", "cpu") + "lamp_eye = 'photodiode'\n"
    (settings / "camera.toml").write_text(text, encoding="utf-8")
    _open_to_all(settings)


def _open_to_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
