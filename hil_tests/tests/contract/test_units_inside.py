"""The camera's units under their own systemd: what their sandboxes refuse, what brings them back.

`make hil-units` runs these tests on the virtual camera. Each prints what it measured.
"""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware.trust.time_source import CHECKED
from formats.ledger import Happening, Program
from hil_tests.rig.backends import open_virtual
from hil_tests.rig.contract import Feature, records_of
from hil_tests.rig.desk_site import DeskSite
from hil_tests.rig.virtual import time_servers
from hil_tests.rig.virtual.neighbours import ABSTRACT, KNOWN, SERVED
from hil_tests.rig.virtual.overlay import HOOKS, SOCKETS_FILE, TIME_CHECK
from hil_tests.rig.virtual.rig import VirtualRig

pytestmark = [
    pytest.mark.hil,
    pytest.mark.alone,
    pytest.mark.needs(Feature.UNITS),
    pytest.mark.timeout(200),
]
NOTIFY = "/run/systemd/notify"
LAMP_SOCKET = "/run/tallylight-lamp/lamp.sock"
BACK_S = 60.0
"""Longest time until a program that ended looks again."""


@pytest.fixture(scope="module")
def camera(listed_site: DeskSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualRig]:
    """A camera as it is shipped: units start at boot and restart by themselves."""
    folder = tmp_path_factory.mktemp("virtual")
    with open_virtual(listed_site, folder, as_shipped=True) as camera:
        yield camera


@pytest.fixture(autouse=True)
def looking(camera: VirtualRig) -> None:
    """Every test begins with a camera that looks."""
    camera.wait_until(lambda: looks(camera), within_s=BACK_S)


def looks(camera: VirtualRig) -> bool:
    return lit(camera) and shows(camera, Program.WATCH, "StatusText").startswith("frames")


def lit(camera: VirtualRig) -> bool:
    edges = camera.lamp_current()
    return bool(edges) and edges[-1].high


def shows(camera: VirtualRig, program: Program, key: str) -> str:
    return camera.machine.unit_property(program, key)


def restarts(camera: VirtualRig, program: Program) -> int:
    return int(shows(camera, program, "NRestarts"))


def attempts(camera: VirtualRig) -> dict[str, str]:
    return dict(json.loads(camera.state_file("watch/attempts.json").read_text()))


def sockets(camera: VirtualRig, program: Program) -> dict[str, str]:
    """Return what the program's unit could connect to when it started last."""
    return dict(json.loads(camera.state_file(f"{program}/{SOCKETS_FILE}").read_text()))


@pytest.mark.parametrize(
    "attempt",
    [
        *("IPv4", "IPv6", "packets", "/etc", "courier", "inbox", "receipts"),
        *("device", "core", "core dump", "namespace"),
    ],
)
def test_the_sandbox_of_watch_refuses(camera: VirtualRig, attempt: str) -> None:
    result = attempts(camera)[attempt]
    print(f"\n  {attempt}: {result}")
    assert result in {"EPERM", "EACCES", "EROFS", "EAFNOSUPPORT", "ENOENT"}


def test_its_own_folder_is_open_to_watch(camera: VirtualRig) -> None:
    assert attempts(camera)["own folder"] == "done"


@pytest.mark.parametrize("program", [Program.LAMPGUARD, Program.WATCH, Program.COURIER])
def test_every_unit_runs_as_a_user_of_its_own(camera: VirtualRig, program: Program) -> None:
    assert shows(camera, program, "ActiveState") == "active", camera.log(program)
    status = f"/proc/{shows(camera, program, 'MainPID')}/status"
    lines = camera.machine.run("cat", status).splitlines()
    (uids,) = [line for line in lines if line.startswith("Uid:")]
    user = camera.machine.run("id", "-u", shows(camera, program, "User"))
    assert set(uids.split()[1:]) == {user}
    assert shows(camera, program, "ActiveState") == "active"


@pytest.mark.parametrize("program", [Program.LAMPGUARD, Program.WATCH, Program.COURIER])
def test_no_unit_reaches_a_socket_of_another_service(camera: VirtualRig, program: Program) -> None:
    reached = sockets(camera, program)
    print("\n  " + "\n  ".join(f"{name}: {result}" for name, result in reached.items()))
    assert {*SERVED, *KNOWN} <= set(reached)
    allowed = {NOTIFY, ABSTRACT} if program is Program.COURIER else {NOTIFY, LAMP_SOCKET}
    assert {name for name, result in reached.items() if result == "connected"} <= allowed


@pytest.mark.parametrize("program", [Program.LAMPGUARD, Program.WATCH, Program.COURIER])
def test_a_unit_takes_at_most_half_of_the_memory_and_tasks_that_it_may(
    camera: VirtualRig, program: Program
) -> None:
    lines = camera.machine.run("cat", f"/proc/{shows(camera, program, 'MainPID')}/status")
    figures = dict(line.split(":", 1) for line in lines.splitlines())
    peak_bytes, threads = int(figures["VmHWM"].split()[0]) * 1024, int(figures["Threads"])
    print(f"\n  {program}: at most {peak_bytes / 2**20:.0f} MiB resident, {threads} threads")
    assert 2 * peak_bytes <= int(shows(camera, program, "MemoryMax"))
    assert 2 * threads <= int(shows(camera, program, "TasksMax"))


def test_the_sockets_of_the_other_service_listen(camera: VirtualRig) -> None:
    search = ("/opt/tallylight/bin/python3", f"{HOOKS}/hil_tests/rig/virtual/neighbours.py")
    camera.machine.run(*search, "--search", "/tmp/sockets.json")  # noqa: S108  # In the camera.
    reached = json.loads(camera.machine.run("cat", "/tmp/sockets.json"))  # noqa: S108
    named = (*SERVED, ABSTRACT, "/run/systemd/journal/socket")
    assert {name: reached[name] for name in named} == dict.fromkeys(named, "connected")


def test_watch_has_an_empty_network_of_its_own(camera: VirtualRig) -> None:
    inside = f"/proc/{shows(camera, Program.WATCH, 'MainPID')}/net/dev"
    lines = camera.machine.run("cat", inside).splitlines()[2:]
    names = [line.split(":")[0].strip() for line in lines]
    assert names == ["lo"]


def test_watch_cannot_be_read_by_another_process_of_its_user(camera: VirtualRig) -> None:
    memory = f"/proc/{shows(camera, Program.WATCH, 'MainPID')}/mem"
    user = int(camera.machine.run("id", "-u", "tallylight-watch"))
    asked = camera.machine.run("head", "-c1", memory, user=user)
    assert "Permission denied" in asked


@pytest.mark.parametrize(
    ("settings", "word"),
    [(time_servers.PLAIN, "synchronised"), (time_servers.NTS, "authenticated")],
    ids=["plain NTP", "NTS"],
)
def test_the_check_of_the_time_marks_how_time_servers_prove_their_identity(
    camera: VirtualRig, settings: Path, word: str
) -> None:
    inside = camera.machine
    inside.run("cp", str(settings), str(time_servers.CHOSEN))
    inside.systemctl("restart", time_servers.SERVER, time_servers.CLIENT)
    camera.wait_until(lambda: "^,*," in inside.run("chronyc", "-c", "sources"), within_s=BACK_S)
    inside.systemctl("start", TIME_CHECK)
    assert inside.systemctl("show", TIME_CHECK, "-p", "Result", "--value") == "success"
    assert inside.run("cat", str(CHECKED)).split()[0] == word
    pid = shows(camera, Program.WATCH, "MainPID")  # It runs since before the mark was there.
    assert inside.run("cat", f"/proc/{pid}/root{CHECKED}").split()[0] == word


def test_the_check_of_the_time_reaches_chrony_and_no_other_service(camera: VirtualRig) -> None:
    inside = camera.machine
    inside.systemctl("start", time_servers.SERVER, time_servers.CLIENT)
    inside.systemctl("start", TIME_CHECK)
    reached = json.loads(inside.run("cat", str(CHECKED.with_name(SOCKETS_FILE))))
    assert {*SERVED, *KNOWN} <= set(reached)
    connected = {name for name, result in reached.items() if result == "connected"}
    assert connected <= {"/run/chrony/chronyd.sock"}
    assert inside.systemctl("is-active", "tallylight-time.timer") == "active"


def test_a_watch_that_is_killed_leaves_the_lamp_on_for_2_to_3_seconds(
    camera: VirtualRig,
) -> None:
    before = restarts(camera, Program.WATCH)
    edges = len(camera.lamp_current())
    camera.send_signal(Program.WATCH, signal.SIGSTOP)
    dark_s = camera.wait_until(lambda: not lit(camera), within_s=10)
    print(f"\n  lamp off {dark_s:.2f} s after watch was frozen")
    assert 2.0 <= dark_s <= 3.5
    assert len(camera.lamp_current()) > edges
    back_s = camera.wait_until(lambda: restarts(camera, Program.WATCH) > before, within_s=BACK_S)
    print(f"  its watchdog started it again {dark_s + back_s:.1f} s after it was frozen")
    assert records_of(camera, Program.WATCH, Happening.FAULT)[-1].body == {"code": "Hung"}


def test_a_guard_that_is_killed_takes_the_light_and_watch_with_it_and_both_come_back(
    camera: VirtualRig,
) -> None:
    before = shows(camera, Program.WATCH, "MainPID")
    camera.send_signal(Program.LAMPGUARD, signal.SIGKILL)
    dark_s = camera.wait_until(lambda: not lit(camera), within_s=10)
    print(f"\n  lamp off {dark_s:.2f} s after lampguard was killed")
    back_s = camera.wait_until(
        lambda: lit(camera) and shows(camera, Program.WATCH, "MainPID") not in {"0", before},
        within_s=BACK_S,
    )
    print(f"  looking again {dark_s + back_s:.1f} s after lampguard was killed")


def test_an_abort_is_in_the_ledger_by_its_name(camera: VirtualRig) -> None:
    before = restarts(camera, Program.WATCH)
    camera.send_signal(Program.WATCH, signal.SIGABRT)
    camera.wait_until(lambda: restarts(camera, Program.WATCH) > before, within_s=BACK_S)
    assert records_of(camera, Program.WATCH, Happening.FAULT)[-1].body == {"code": "Aborted"}
