"""The camera's wheel: each file in it was reviewed, and none is a desk's."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

WHEEL = Path(__file__).parents[2] / "provisioning" / "device" / "wheel"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The wheel's files with their text."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.rmtree(WHEEL / "build", ignore_errors=True)  # Files of an older build would get in.
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"),
            *("--no-build-isolation", "--wheel-dir", str(folder), str(WHEEL)),
        ],
        check=True,
        capture_output=True,
    )
    shutil.rmtree(WHEEL / "build")
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    return {name: text for name, text in files.items() if ".dist-info/" not in name}


def test_the_camera_installs_exactly_the_files_that_were_reviewed(wheel: dict[str, str]) -> None:
    assert sorted(wheel) == (WHEEL / "files.txt").read_text().split()


@pytest.mark.parametrize(
    "word", ["hil_tests", "cv2", "VideoCapture", "PiGPIOFactory", "MockFactory", "unittest"]
)
def test_no_desk_source_and_no_simulated_lamp_is_on_a_camera(
    wheel: dict[str, str], word: str
) -> None:
    assert [name for name, text in wheel.items() if word in text] == []


def test_only_what_the_camera_needs_is_imported(wheel: dict[str, str]) -> None:
    imported = {
        line.split()[1].split(".")[0]
        for text in wheel.values()
        for line in text.splitlines()
        if line.lstrip().startswith(("import ", "from ")) and len(line.split()) > 1
    }
    third_party = imported - set(sys.stdlib_module_names) - {name.split("/")[0] for name in wheel}
    assert third_party == {
        *("ai_edge_litert", "tflite_runtime", "numpy", "PIL", "nacl", "tuf", "securesystemslib"),
        *("paho", "gpiozero", "picamera2"),
    }
