"""A camera of the image comes onto its network: address, time servers, courier's way, firewall.

The image of the virtual board is booted as a container, with the settings that a real registration
wrote. The wire is a pair of virtual links. As the tests of the image, these need root and an image
that `make image` made.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from firmware.registration.settings import FOLDER
from formats.ledger import Program
from formats.site_network import SiteNetwork
from hil_tests.rig.virtual.machine import Machine
from hil_tests.rig.virtual.overlay import SOURCE, TEMPLATE
from hil_tests.tests.registration_pair import TERMS, Camera, Laptop, register
from hil_tests.tests.test_image import IMAGE, pytestmark

__all__ = ["pytestmark"]
NETWORK = SiteNetwork("192.0.2.21/24", "192.0.2.1", ("192.0.2.5",))
BROKER = "192.0.2.7"
TIME_WITHOUT_A_CLOCK = (
    "[Unit]\nConditionCapability=\n[Service]\nExecStart=\nExecStart=!/usr/sbin/chronyd -x\n"
)
"""The container may not set this machine's clock: chrony follows its servers, and sets none."""
BOOT_S = 60.0


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state folder of a camera that was registered over its cable."""
    folder = tmp_path_factory.mktemp("pair")
    camera = Camera(folder, "c1")
    settings = camera.state.root / FOLDER
    settings.mkdir()
    text = (SOURCE / TEMPLATE).read_text("utf-8").replace("@ACCELERATOR@", "cpu")
    (settings / "camera.toml").write_text(text, encoding="utf-8")
    terms = replace(TERMS, broker_host=BROKER, network=lambda: NETWORK)
    register(Laptop(folder / "site", terms).exchange("c1"), camera.ask)
    return camera.state.root


@contextmanager
def booted(folder: Path, state: Path | None) -> Iterator[Machine]:
    """Boot a camera with this state, or a new one, and plug its wire in."""
    machine = Machine(IMAGE, folder)
    if state is not None:
        shutil.copytree(state, folder / "data" / "tallylight", dirs_exist_ok=True)
    drop_in = folder / "over/etc/systemd/system/chrony.service.d/rig.conf"
    drop_in.parent.mkdir(parents=True, exist_ok=True)
    drop_in.write_text(TIME_WITHOUT_A_CLOCK, encoding="utf-8")
    machine.power_on()
    try:
        waited(lambda: machine.systemctl("is-active", "multi-user.target") == "active")
        machine.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "wire")
        machine.run("ip", "link", "set", "wire", "up")
        yield machine
    finally:
        machine.power_off()


def waited(done: Callable[[], bool]) -> None:
    until_s = time.monotonic() + BOOT_S
    while not done():
        assert time.monotonic() < until_s, "it does not happen in a minute"
        time.sleep(0.5)


def is_on_its_network(camera: Machine) -> None:
    waited(lambda: "192.0.2.21/24" in camera.run("ip", "-o", "address", "show", "eth0"))
    assert "via 192.0.2.1 dev eth0" in camera.run("ip", "route", "show", "default")
    waited(lambda: ",192.0.2.5," in camera.run("chronyc", "-c", "-n", "sources"))
    allowed = camera.unit_property(Program.COURIER, "IPAddressAllow")
    assert set(allowed.split()) == {"127.0.0.0/8", "::1/128", "192.0.2.7/32"}
    rules = camera.run("nft", "list", "ruleset")
    assert f"ip daddr {BROKER} tcp dport 8883 accept" in rules
    assert "ip daddr 192.0.2.5 udp dport 123 accept" in rules
    assert rules.count("policy drop") == 3
    assert "7700" not in rules
    assert camera.run("ss", "-Hltnu") == ""


def test_a_registered_camera_comes_onto_its_network_at_each_boot(
    registered: Path, tmp_path: Path
) -> None:
    for _ in range(2):
        with booted(tmp_path, registered) as camera:
            is_on_its_network(camera)


def test_a_new_camera_is_closed_but_for_a_laptop_and_comes_onto_its_network_when_registered(
    registered: Path, tmp_path: Path
) -> None:
    with booted(tmp_path, None) as camera:
        waited(lambda: "7700" in camera.run("nft", "list", "ruleset"))
        assert "8883" not in camera.run("nft", "list", "ruleset")
        assert "192.0.2" not in camera.run("ip", "-o", "address")
        shutil.copytree(registered, tmp_path / "data" / "tallylight", dirs_exist_ok=True)
        camera.systemctl("start", "tallylight-settings")  # As OnSuccess= of the registration.
        is_on_its_network(camera)


def test_a_camera_whose_settings_are_broken_stays_closed(registered: Path, tmp_path: Path) -> None:
    shutil.copytree(registered, tmp_path / "data" / "tallylight")
    (tmp_path / "data/tallylight" / FOLDER / "camera.toml").write_text("broker_host = ", "utf-8")
    with booted(tmp_path, None) as camera:
        assert camera.systemctl("is-failed", "tallylight-settings") == "failed"
        needs = camera.systemctl("show", "systemd-networkd", "-p", "Requires", "--value")
        assert "tallylight-firewall.service" in needs.split()
        rules = camera.run("nft", "list", "ruleset")
        assert rules.count("policy drop") == 3
        assert "dport" not in rules
