"""Each program loads only what it may have."""

import subprocess
import sys

import pytest

LOADED = "import sys, {module}; print(*sorted(name.split('.')[0] for name in sys.modules))"


def loaded(module: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(module=module)],
        check=True,
        capture_output=True,
        text=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("forbidden", ["paho", "wire", "estate", "provisioning", "cv2"])
def test_the_loop_that_looks_loads_no_way_to_the_broker(forbidden: str) -> None:
    eye = "firmware.looking.sight, firmware.looking.tracks, firmware.hardware.camera"
    assert forbidden not in loaded(eye)


@pytest.mark.parametrize("forbidden", ["paho", "wire", "cv2"])
def test_the_program_that_sees_faces_cannot_speak_to_a_broker(forbidden: str) -> None:
    assert forbidden not in loaded("firmware.__main__, firmware.assembly")


@pytest.mark.parametrize("forbidden", ["numpy", "PIL", "recognition", "gpiozero", "tuf"])
def test_the_program_with_the_network_cannot_see(forbidden: str) -> None:
    assert forbidden not in loaded("firmware.__main__, firmware.courier")


@pytest.mark.parametrize("forbidden", ["paho", "ssl", "numpy", "recognition", "tuf", "picamera2"])
def test_the_program_with_the_lamp_has_nothing_else(forbidden: str) -> None:
    assert forbidden not in loaded("firmware.__main__, firmware.guard.lampguard")
