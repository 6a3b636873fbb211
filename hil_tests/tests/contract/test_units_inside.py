"""The camera's units under their own systemd: what their sandboxes refuse, what brings them back.

`make hil-units` runs these tests; they boot a root file system and need root. Each prints
what it measured.
"""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from formats.ledger import Happening
from hil_tests.rig.desk.site_maker import DeskSite, list_person, make_site, publish_list
from hil_tests.rig.virtual.units import VirtualCamera
from hil_tests.scenes.portraits import Person, portrait

ROOT = os.environ.get("TALLYLIGHT_VIRTUAL_CAMERA", "")

pytestmark = [
    pytest.mark.skipif(not ROOT, reason="make hil-units boots the root file system for these"),
    pytest.mark.timeout(200),
]


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualCamera]:
    folder = tmp_path_factory.mktemp("virtual")
    desk = DeskSite(folder / "desk", 8883)
    make_site(desk)
    list_person(desk, portrait(Person.HOPPER))
    publish_list(desk)
    (folder / "camera").mkdir()
    with VirtualCamera(Path(ROOT), folder / "camera", desk) as camera:
        yield camera


@pytest.fixture(autouse=True)
def looking(camera: VirtualCamera) -> None:
    """Every test begins with a camera that looks."""
    camera.until(lambda: lit(camera) and camera.shows("watch", "StatusText").startswith("frames"))


def lit(camera: VirtualCamera) -> bool:
    return bool(camera.board.edges) and camera.board.edges[-1].high


def starts(camera: VirtualCamera, unit: str) -> int:
    return int(camera.shows(unit, "NRestarts"))


@pytest.mark.parametrize(
    "attempt",
    [
        *("IPv4", "IPv6", "packets", "/etc", "courier", "inbox"),
        *("device", "core", "core dump", "namespace"),
    ],
)
def test_the_sandbox_of_watch_refuses(camera: VirtualCamera, attempt: str) -> None:
    said = json.loads(camera.file("watch/attempts.json").read_text())
    print(f"\n  {attempt}: {said[attempt]}")
    assert said[attempt] in {"EPERM", "EACCES", "EROFS", "EAFNOSUPPORT", "ENOENT"}


def test_its_own_folder_is_open_to_watch(camera: VirtualCamera) -> None:
    assert json.loads(camera.file("watch/attempts.json").read_text())["own folder"] == "done"


@pytest.mark.parametrize("unit", ["lampguard", "watch", "courier"])
def test_every_unit_runs_as_a_user_of_its_own(camera: VirtualCamera, unit: str) -> None:
    assert camera.shows(unit, "ActiveState") == "active", camera.journal(unit)
    status = f"/proc/{camera.shows(unit, 'MainPID')}/status"
    (uids,) = [line for line in camera.run("cat", status).splitlines() if line.startswith("Uid:")]
    assert set(uids.split()[1:]) == {camera.run("id", "-u", f"{camera.shows(unit, 'User')}")}
    assert camera.shows(unit, "ActiveState") == "active"


def test_watch_has_an_empty_network_of_its_own(camera: VirtualCamera) -> None:
    inside = f"/proc/{camera.shows('watch', 'MainPID')}/net/dev"
    names = [line.split(":")[0].strip() for line in camera.run("cat", inside).splitlines()[2:]]
    assert names == ["lo"]


def test_watch_cannot_be_read_by_another_process_of_its_user(camera: VirtualCamera) -> None:
    memory = f"/proc/{camera.shows('watch', 'MainPID')}/mem"
    asked = camera.run("runuser", "-u", "tallylight-watch", "--", "head", "-c1", memory)
    assert "Permission denied" in asked


def test_a_watch_that_is_killed_leaves_the_lamp_on_for_2_to_3_seconds(
    camera: VirtualCamera,
) -> None:
    before = starts(camera, "watch")
    edges = len(camera.board.edges)
    camera.systemctl("kill", "--signal=SIGSTOP", "--kill-whom=main", "tallylight-watch")
    dark_s = camera.until(lambda: not lit(camera), within_s=10)
    print(f"\n  lamp off {dark_s:.2f} s after watch was frozen")
    assert 2.0 <= dark_s <= 3.5
    assert len(camera.board.edges) > edges
    back_s = camera.until(lambda: starts(camera, "watch") > before, within_s=60)
    print(f"  its watchdog started it again {dark_s + back_s:.1f} s after it was frozen")
    faults = [one.body for one in camera.records("watch") if one.event is Happening.FAULT]
    assert faults[-1] == {"code": "Hung"}


def test_a_guard_that_is_killed_takes_the_light_and_watch_with_it_and_both_come_back(
    camera: VirtualCamera,
) -> None:
    before = camera.shows("watch", "MainPID")
    camera.kill("lampguard", signal.SIGKILL)
    dark_s = camera.until(lambda: not lit(camera), within_s=10)
    print(f"\n  lamp off {dark_s:.2f} s after lampguard was killed")
    back_s = camera.until(
        lambda: lit(camera) and camera.shows("watch", "MainPID") not in {"0", before}
    )
    print(f"  looking again {dark_s + back_s:.1f} s after lampguard was killed")


def test_an_abort_is_in_the_ledger_by_its_name(camera: VirtualCamera) -> None:
    before = starts(camera, "watch")
    camera.kill("watch", signal.SIGABRT)
    camera.until(lambda: starts(camera, "watch") > before)
    faults = [one.body for one in camera.records("watch") if one.event is Happening.FAULT]
    assert faults[-1] == {"code": "Aborted"}
