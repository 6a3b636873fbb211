"""The image of the virtual board: what is absent from it, how it boots, that two builds are alike.

`make test-image` makes the image first, and runs these. They need root: they mount the image and
boot it. `make test-all` skips them where no image was made: its archive moves on.
"""

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from formats.ledger import Program
from hil_tests.errors import DeskRefused
from hil_tests.rig.virtual.machine import Machine
from hil_tests.tests.secret_search import secrets_in

TOP = Path(__file__).parents[2]
RECIPE = TOP / "provisioning" / "device" / "image"
IMAGE = TOP / "build" / "image" / "virtual"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tallylight" / "image"
BOOT_S = 60.0

SOURCES = (
    "firmware",
    "formats",
    "models",
    "provisioning/device",
    "recognition",
    "requirements",
    "wire",
)
"""What an image is made of."""


def is_of_this_tree(made: Path) -> bool:
    """Return whether nothing that an image is made of is younger than the image."""
    if not made.is_file():
        return False
    files = (path for folder in SOURCES for path in (TOP / folder).rglob("*") if path.is_file())
    parts = (path for path in files if "tests" not in path.parts and path.suffix != ".pyc")
    return max(path.stat().st_mtime for path in parts) < made.stat().st_mtime


pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        os.geteuid() != 0 or not is_of_this_tree(IMAGE / "SHA256SUMS"),
        reason="It needs root and an image of this very tree: run make image BOARD=virtual.",
    ),
]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("root")
    mount = ["mount", "-t", "erofs", "-o", "loop,ro", str(IMAGE / "system.img"), str(place)]
    subprocess.run(mount, check=True)
    yield place
    subprocess.run(["umount", str(place)], check=True)


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if not path.is_symlink() and path.is_file()]


def programs(root: Path) -> set[str]:
    return {path.name for folder in ("usr/bin", "usr/sbin") for path in (root / folder).iterdir()}


def test_no_file_takes_another_users_rights(root: Path) -> None:
    special = stat.S_ISUID | stat.S_ISGID
    assert [path for path in files(root) if path.stat().st_mode & special] == []


def test_no_password_can_match_and_no_user_has_a_shell(root: Path) -> None:
    shadow = (root / "etc/shadow").read_text("utf-8").splitlines()
    assert {line.split(":")[1] for line in shadow} == {"!*"}
    passwd = (root / "etc/passwd").read_text("utf-8").splitlines()
    assert {line.split(":")[6] for line in passwd} == {"/usr/sbin/nologin"}
    assert {line.split(":")[0] for line in passwd} == {line.split(":")[0] for line in shadow}


@pytest.mark.parametrize(
    "name",
    [
        *("sshd", "ssh", "telnetd", "dropbear", "busybox", "login", "su", "sudo", "agetty"),
        *("sulogin", "gcc", "cc", "as", "ld", "make", "perl", "pip3", "apt", "apt-get"),
        *("dpkg", "nsenter", "unshare", "setpriv", "runuser", "chroot", "wpa_supplicant"),
        *("bluetoothd", "rfkill", "gdb", "strace", "curl", "wget"),
    ],
)
def test_a_camera_has_no(root: Path, name: str) -> None:
    assert name not in programs(root)


def test_there_is_no_login_on_any_console(root: Path) -> None:
    units = {path.name for path in root.glob("*/**/systemd/system/**/*")}
    assert [unit for unit in units if "getty" in unit or "ssh" in unit] == []


def test_there_is_no_driver_of_a_radio(root: Path) -> None:
    drivers = {path.name.split(".ko")[0] for path in root.glob("usr/lib/modules/**/*.ko*")}
    assert "dm-verity" in drivers
    radios = {"cfg80211", "mac80211", "bluetooth", "btusb", "brcmfmac", "nfc", "rfkill"}
    assert drivers & radios == set()


def test_there_is_no_code_of_the_desk_or_the_estate(root: Path) -> None:
    packages = root / "opt/tallylight/lib/python3.13/site-packages"
    there = {path.name for path in packages.iterdir()}
    assert {"firmware", "formats", "recognition", "wire"} <= there
    absent = {"provisioning", "estate", "hil_tests", "models", "benchmarks", "terminal"}
    assert there & (absent | {"pip", "setuptools", "wheel", "pytest", "picamera2"}) == set()
    assert not (root / "usr/lib/python3.13/ensurepip").exists()


def test_there_is_no_secret(root: Path) -> None:
    found = secrets_in(root)
    # GnuTLS has the key of its own self-tests inside; it is the same in each Debian.
    assert [path for path in found if "/libgnutls.so." not in path] == []
    assert (root / "etc/machine-id").read_bytes() == b""


CALLED = {
    *(
        "cryptsetup",
        "mke2fs",
        "modprobe",
        "resizepart",
        "udevadm",
        "tpm2_createprimary",
        "tpm2_hmac",
    ),
    *("nft", "networkctl", "chronyd", "chronyc", "rauc", "openssl", "systemctl", "install", "od"),
}
"""By our scripts and programs, and by name alone: no package depends on what they call."""


def test_the_programs_that_a_camera_calls_are_there(root: Path) -> None:
    assert programs(root) >= CALLED


def test_no_program_lacks_a_library(root: Path) -> None:
    """Packages are left out, although others depend on them."""
    programs_and_libraries = [
        path
        for path in files(root)
        if path.is_relative_to(root / "usr/bin")
        or path.is_relative_to(root / "usr/sbin")
        or (".so" in path.name and ".ko" not in path.name)
    ]
    names = {path.name for path in root.rglob("*.so*")}
    read = ["readelf", "-dW", *map(str, programs_and_libraries)]  # Scripts are no matter to it.
    lines = subprocess.run(read, capture_output=True, text=True, check=False).stdout.splitlines()
    needed = {line.split("[")[1].rstrip("]") for line in lines if "(NEEDED)" in line}
    assert len(needed) > 100
    # The buffers of a GPU, whose driver no board here uses.
    assert [name for name in needed - names if not name.startswith("libgallium-")] == []


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A camera whose registration is there and broken: it listens for no laptop, and is dark."""
    machine = Machine(IMAGE, tmp_path_factory.mktemp("camera"))
    state = machine.folder / "data" / "tallylight"
    state.mkdir(parents=True)
    (state / "registration.json").write_text("{}", encoding="utf-8")
    machine.power_on()
    for _ in range(int(BOOT_S)):
        if machine.booted():
            break
        subprocess.run(["sleep", "1"], check=True)
    yield machine
    machine.power_off()


def test_a_camera_boots_without_a_failed_unit(camera: Machine) -> None:
    assert camera.systemctl("--failed", "--plain", "--no-legend") == ""
    assert camera.systemctl("is-active", "multi-user.target") == "active"


def test_a_camera_runs_the_programs_of_the_image_in_the_dark(camera: Machine) -> None:
    camera.systemctl("start", "tallylight-watch")  # Returns once watch has told its state.
    assert camera.unit_property(Program.WATCH, "StatusText").startswith("dark: ")


def test_the_root_of_a_camera_is_the_image_and_read_only(camera: Machine) -> None:
    assert camera.run("findmnt", "-n", "-o", "FSTYPE,OPTIONS", "/").split()[0] == "erofs"
    assert "Read-only file system" in camera.run("touch", "/etc/attempt")


def test_a_camera_listens_on_no_socket_of_the_network(camera: Machine) -> None:
    assert camera.run("ss", "-Hltnu") == ""


def test_a_flipped_byte_in_the_slot_is_refused_before_the_boot(tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.mkdir()
    shutil.copy(IMAGE / "boot.vfat", image)
    shutil.copy(IMAGE / "system.img", image)
    with (image / "system.img").open("r+b") as slot:
        slot.seek(1 << 20)
        byte = slot.read(1)[0]
        slot.seek(1 << 20)
        slot.write(bytes([byte ^ 1]))
    machine = Machine(image, tmp_path / "camera")
    machine.folder.mkdir()
    machine.power_on()
    machine.wait_ended()
    assert "is not what its root hash says" in machine.console.read_text("utf-8")
    with pytest.raises(DeskRefused):
        machine.run("true")


def test_two_builds_give_the_same_bytes(tmp_path: Path) -> None:
    made = []
    for number, (mask, zone) in enumerate([("022", "UTC"), ("077", "Asia/Tokyo")]):
        out, temporary = tmp_path / f"of-{'x' * number}", tmp_path / f"work{number}"
        temporary.mkdir()
        build = (
            f"umask {mask}; exec {RECIPE}/make-image virtual {out} {CACHE} {TOP}/.venv/bin/python"
        )
        variables = {**os.environ, "TZ": zone, "TMPDIR": str(temporary)}
        subprocess.run(["bash", "-c", build], check=True, env=variables, capture_output=True)
        made.append((out / "SHA256SUMS").read_text("utf-8"))
    assert made[0] == made[1]
    assert "card.img" in made[0]
