"""The camera's units: systemd's own tool accepts them, and they fit the programs."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from firmware.guard.interlock import REST_S
from firmware.registration.kept import FILE
from firmware.registration.session import REQUEST_FILE
from firmware.service.acts import REPORT_SOCKET
from firmware.supervisor import BEAT_S
from hil_tests.rig.desk.programs import find_program

ROOT = Path(__file__).parents[2]
IMAGE = ROOT / "provisioning" / "device" / "image"
UNITS = sorted((IMAGE / "systemd").glob("*.service"))
NAMES = ["tallylight-courier", "tallylight-lampguard", "tallylight-watch"]
"""The programs that run all the time."""
FOLDERS_OF_SOCKETS = {
    "/run",
    "/var",
    "/run/dbus",
    "/run/systemd",
    "/run/systemd/resolve",
    "/run/udev",
}
ALL = sorted(
    [*NAMES, *(f"tallylight-{name}" for name in ("register", "report@", "service", "time"))]
)


def settings(name: str) -> list[tuple[str, str]]:
    text = (IMAGE / "systemd" / f"{name}.service").read_text()
    return [(line.partition("=")[0], line.partition("=")[2]) for line in text.splitlines()]


def values(name: str, key: str) -> list[str]:
    return [value for one, value in settings(name) if one == key]


FOLDERS = (
    "provisioning/device/image/systemd",
    "estate/units",
    "provisioning/units",
    "provisioning/device/boot/files/usr/lib/systemd/system",
)
SERVICES = sorted(unit.stem for folder in FOLDERS for unit in (ROOT / folder).glob("*.service"))


def judge(tree: Path) -> subprocess.CompletedProcess[str]:
    find_program("systemd-analyze")
    check = [str(IMAGE / "check-units"), str(tree)]
    return subprocess.run(check, capture_output=True, text=True, timeout=60, check=False)


def test_there_are_three_programs_and_four_for_registration_cable_report_and_time() -> None:
    assert [unit.stem for unit in UNITS] == ALL


def test_every_sandbox_is_as_closed_as_it_must_be() -> None:
    done = judge(ROOT)
    assert done.returncode == 0, done.stdout
    assert len(done.stdout.splitlines()) == len(SERVICES)


@pytest.mark.parametrize(
    ("folder", "unit", "line"),
    [
        (FOLDERS[0], "tallylight-watch", "PrivateNetwork=yes"),
        (FOLDERS[0], "tallylight-watch", "CapabilityBoundingSet="),
        (FOLDERS[1], "tallylight-serve", "CapabilityBoundingSet="),
    ],
)
def test_a_sandbox_that_is_opened_is_noticed(
    tmp_path: Path, folder: str, unit: str, line: str
) -> None:
    for each in FOLDERS:
        shutil.copytree(ROOT / each, tmp_path / each)
    changed = tmp_path / folder / f"{unit}.service"
    assert line in changed.read_text()
    changed.write_text(changed.read_text().replace(f"{line}\n", ""))
    assert judge(tmp_path).returncode == 1


@pytest.mark.parametrize("name", ALL)
def test_a_unit_names_nothing_twice_but_what_may_be(name: str) -> None:
    many = {"BindReadOnlyPaths", "DeviceAllow", "SystemCallFilter", ""}
    keys = [key for key, _ in settings(name) if "#" not in key and key not in many]
    assert sorted(keys) == sorted(set(keys))


@pytest.mark.parametrize("name", ["tallylight-lampguard", "tallylight-watch"])
def test_what_sees_faces_or_owns_the_lamp_has_no_network(name: str) -> None:
    assert values(name, "PrivateNetwork") == ["yes"]
    (families,) = values(name, "RestrictAddressFamilies")
    assert set(families.split()) <= {"AF_UNIX", "AF_NETLINK"}


@pytest.mark.parametrize("name", ALL)
def test_no_unit_leaves_a_core_or_swaps(name: str) -> None:
    assert values(name, "LimitCORE") == ["0"]
    assert values(name, "MemorySwapMax") == ["0"]


@pytest.mark.parametrize("name", ALL)
def test_every_unit_has_a_bound_of_memory_and_tasks(name: str) -> None:
    (memory,), (tasks,) = values(name, "MemoryMax"), values(name, "TasksMax")
    assert int(memory.removesuffix("M")) <= 512
    assert int(tasks) <= 128


@pytest.mark.parametrize("name", ALL)
def test_no_unit_fills_the_journal(name: str) -> None:
    """A line of 400 bytes each: 29 MB a day at most."""
    assert values(name, "LogRateLimitIntervalSec") == ["10min"]
    assert values(name, "LogRateLimitBurst") == ["500"]


@pytest.mark.parametrize("name", ALL)
def test_no_unit_opens_more_files_than_it_needs(name: str) -> None:
    assert values(name, "LimitNOFILE") == ["1024"]


@pytest.mark.parametrize("name", NAMES)
def test_every_program_has_time_to_verify_a_ledger_of_years(name: str) -> None:
    assert values(name, "TimeoutStartSec") == ["15min"]


@pytest.mark.parametrize(
    "unit", sorted((ROOT / "estate" / "units").glob("*.service")), ids=lambda unit: unit.stem
)
def test_every_unit_of_the_estate_has_a_bound_of_memory(unit: Path) -> None:
    assert re.search(r"^MemoryMax=\d+M$", unit.read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("name", ALL)
def test_every_unit_sees_only_the_sockets_that_are_named(name: str) -> None:
    assert values(name, "TemporaryFileSystem") == ["/run:ro /var:ro"]
    assert values(name, "InaccessiblePaths") == ["-/dev/shm -/dev/mqueue"]
    bound = [*values(name, "BindPaths"), *values(name, "BindReadOnlyPaths")]
    paths = {path.removeprefix("-") for line in bound for path in line.split()}
    assert {
        path for path in paths if path in {"/run", "/var", "/run/systemd", "/run/udev"}
    } == set()


@pytest.mark.parametrize("name", NAMES)
def test_every_watchdog_is_fed_often_enough(name: str) -> None:
    (seconds,) = values(name, "WatchdogSec")
    assert float(seconds) >= 4 * max(BEAT_S, REST_S)


def test_a_guard_that_was_killed_leaves_no_light() -> None:
    (after,) = values("tallylight-lampguard", "ExecStopPost")
    assert after.endswith("tallylight-camera dark")


@pytest.mark.parametrize("name", ALL)
def test_every_command_of_a_unit_is_one_of_the_programs(name: str) -> None:
    commands = [*values(name, "ExecStart"), *values(name, "ExecStopPost")]
    source = (ROOT / "firmware" / "__main__.py").read_text()
    words = [
        re.fullmatch(r"/opt/tallylight/bin/tallylight-camera (\w+).*", one) for one in commands
    ]
    assert all(word and f'"{word[1]}"' in source for word in words)


def test_what_lists_the_network_links_may_ask_netlink() -> None:
    """if_nameindex(3) does: without it the program ends at its start, and no laptop finds it."""
    assert "if_nameindex()" in (ROOT / "firmware/registration/listener.py").read_text("utf-8")
    (families,) = values("tallylight-register", "RestrictAddressFamilies")
    assert "AF_NETLINK" in families.split()


def test_a_camera_listens_to_a_laptop_only_while_it_has_no_registration() -> None:
    (condition,) = values("tallylight-register", "ConditionPathExists")
    assert values("tallylight-lampguard", "ConditionPathExists") == [condition.removeprefix("!")]
    assert condition == f"!/var/lib/tallylight/{FILE}"
    assert values("tallylight-register", "IPAddressDeny") == ["any"]
    assert values("tallylight-register", "IPAddressAllow") == ["fe80::/10 ff02::1"]


def test_what_calls_a_laptop_has_one_link_no_key_and_no_line_of_the_lamp() -> None:
    name = "tallylight-service"
    assert values(name, "IPAddressDeny") == ["any"]
    assert values(name, "IPAddressAllow") == ["fe80::/10 ff02::1"]
    assert values(name, "CapabilityBoundingSet") == [""]
    assert values(name, "PrivateDevices") == ["yes"]
    assert values(name, "ReadWritePaths") == []
    (state,) = [line for line in values(name, "BindReadOnlyPaths") if "registration.json" in line]
    assert state.split() == [f"/var/lib/tallylight/{file}" for file in (FILE, REQUEST_FILE)]


def test_the_doctor_of_the_cable_writes_nowhere_and_is_started_by_service_alone() -> None:
    assert values("tallylight-report@", "ReadWritePaths") == []
    assert values("tallylight-report@", "CapabilityBoundingSet") == ["CAP_DAC_READ_SEARCH"]
    door = (IMAGE / "systemd" / "tallylight-report.socket").read_text().splitlines()
    assert f"ListenStream={REPORT_SOCKET}" in door
    assert {"SocketGroup=tallylight-service", "SocketMode=0660"} <= set(door)


def test_the_guard_takes_the_word_of_the_program_that_calls() -> None:
    (command,) = values("tallylight-lampguard", "ExecStart")
    assert command.endswith(f"--locator {values('tallylight-service', 'User')[0]}")


@pytest.mark.parametrize("name", [*NAMES, "tallylight-service"])
def test_every_user_and_group_of_a_unit_is_made(name: str) -> None:
    made = (IMAGE / "systemd" / "sysusers.d" / "tallylight.conf").read_text().split()
    groups = values(name, "SupplementaryGroups")[0].split()
    wanted = {*values(name, "User"), *values(name, "Group"), *groups} - {"video", "plugdev"}
    assert wanted <= set(made)


@pytest.mark.parametrize("name", NAMES)
def test_a_unit_writes_only_where_a_folder_is_made_for_it(name: str) -> None:
    made = (IMAGE / "systemd" / "tmpfiles.d" / "tallylight.conf").read_text().split()
    assert set(values(name, "ReadWritePaths")[0].split()) <= set(made)
