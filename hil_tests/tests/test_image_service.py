"""The service cable of the image: sandboxes, socket unit, firewall and doctor that ship.

The image of the virtual board is booted as a container with a real registration; a pair of virtual
links is its USB cable. As the tests of the image, these need root and an image that `make image`
made.
"""

import subprocess
from pathlib import Path

import pytest

from formats.registration_cable import RefusedByCamera
from hil_tests.rig.virtual.machine import Machine
from hil_tests.tests.registration_pair import INSTALLER
from hil_tests.tests.test_image import pytestmark
from hil_tests.tests.test_image_network import booted, registered, waited
from provisioning.inspection.report import read_report
from provisioning.inspection.service_cable import ServiceCable

__all__ = ["pytestmark", "registered"]
CABLE = "tuservice"


def plug_in(camera: Machine) -> None:
    """Give the camera the link usb0, with this machine at its other end."""
    ip = ["/usr/sbin/ip", "link"]
    peer = ["type", "veth", "peer", "name", "usb0", "netns", str(camera.first_process())]
    subprocess.run([*ip, "add", CABLE, *peer], check=True)
    subprocess.run([*ip, "set", CABLE, "addrgenmode", "eui64", "up"], check=True)
    camera.run("ip", "link", "set", "usb0", "addrgenmode", "eui64", "up")


def test_a_laptop_on_the_usb_cable_gets_the_report_of_the_image_s_own_doctor(
    registered: Path, tmp_path: Path
) -> None:
    with booted(tmp_path, registered) as camera:
        waited(lambda: camera.systemctl("is-active", "tallylight-service") == "active")
        plug_in(camera)
        name = (registered / "courier" / "camera-id").read_text("ascii")
        cable = ServiceCable(name, INSTALLER, [CABLE], within_s=60)
        report = read_report(cable.report())
        found = {part.name: part for part in report.parts}
        assert found["keys"].words == f"this camera is {name}"
        assert found["registration"].there
        assert "lets this camera in" not in found["broker"].words
        assert "Permission" not in " ".join(part.words for part in report.parts)
        with pytest.raises(RefusedByCamera, match="guard does not answer"):
            cable.locate()  # A container has no line of a lamp.
        assert camera.run("ss", "-Hltnu") == ""
