"""The image of a site, made by `make image SITE=`: a camera of it accepts this site's list.

The whole recipe runs once, and the root is booted as a container with the keys, the registration
and the list of a camera. As the tests of the image, these need root and an image that `make image`
made: its packages are then on this machine.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware.tests.observations import eventually
from formats.ledger import Happening, Program
from hil_tests.demo.figures import records
from hil_tests.rig.desk_site import DeskSite
from hil_tests.rig.virtual.machine import Machine
from hil_tests.rig.virtual.overlay import write_state
from hil_tests.tests.secret_search import secrets_in
from hil_tests.tests.test_image import CACHE, RECIPE, TOP, pytestmark

__all__ = ["pytestmark"]
PLACE = "usr/lib/tallylight"


@pytest.fixture(scope="module")
def image(listed_site: DeskSite, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image of the site, whose maker's authority is the broker's here."""
    (listed_site.site / "maker.pem").write_bytes((listed_site.broker / "ca.pem").read_bytes())
    out = tmp_path_factory.mktemp("image") / "virtual"
    words = ["virtual", str(out), str(CACHE), f"{TOP}/.venv/bin/python", str(listed_site.site)]
    subprocess.run([f"{RECIPE}/make-image", *words], check=True, capture_output=True)
    return out


@pytest.fixture(scope="module")
def root(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("root")
    system = str(image / "system.img")
    subprocess.run(["mount", "-t", "erofs", "-o", "loop,ro", system, str(place)], check=True)
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_what_a_site_trusts_is_in_its_image_and_no_secret(
    root: Path, listed_site: DeskSite
) -> None:
    place = root / PLACE
    assert (place / "root.json").read_bytes() == (listed_site.site / "root.json").read_bytes()
    authority = (listed_site.broker / "ca.pem").read_bytes()
    assert (place / "broker-ca.pem").read_bytes() == authority
    assert (place / "maker.pem").read_bytes() == authority
    for net in listed_site.models.iterdir():
        assert (place / "models" / net.name).read_bytes() == net.read_bytes()
    assert [path for path in secrets_in(root) if "/libgnutls.so." not in path] == []


def test_a_camera_of_the_image_accepts_the_list_of_its_site(
    image: Path, listed_site: DeskSite, tmp_path: Path
) -> None:
    write_state(tmp_path / "data/tallylight", listed_site)
    camera = Machine(image, tmp_path)
    camera.power_on()
    try:
        ledger = tmp_path / "data/tallylight/watch/ledger.jsonl"
        eventually(lambda: ledger.exists() and b"fault" in ledger.read_bytes(), within_s=60)
        found = records(ledger)
        assert Happening.LIST_ACCEPTED in {one.event for one in found}
        assert found[-1].body["code"] == "CameraStalled"  # The container has no camera.
        assert "list" in camera.run("/opt/tallylight/bin/tallylight-camera", "doctor")
        assert camera.unit_property(Program.WATCH, "StatusText").startswith("dark: ")
    finally:
        camera.power_off()
