"""Wrong inputs of the demo: one sentence, exit 1, and no file is written."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hil_tests.demo.build_folder import emptied
from hil_tests.rig.desk_site import DeskSite
from hil_tests.scenes.portraits import Person, portrait


def refused(tmp_path: Path, *words: str, path: str | None = None) -> str:
    """Run the demo, which must refuse; return its sentence."""
    build = tmp_path / "build"
    environment = os.environ | ({"PATH": path} if path is not None else {})
    done = subprocess.run(
        [sys.executable, "-m", "hil_tests.demo", "--build", str(build), *words],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        env=environment,
    )
    assert done.returncode == 1
    assert not build.exists()
    assert done.stdout == ""
    (sentence,) = done.stderr.strip().splitlines()
    return sentence


@pytest.fixture
def two_faces(tmp_path: Path) -> Path:
    pictures = [Image.open(portrait(person)).convert("RGB").resize((512, 512)) for person in Person]
    Image.fromarray(np.hstack([np.asarray(one) for one in pictures])).save(tmp_path / "two.png")
    return tmp_path / "two.png"


def test_a_missing_picture(tmp_path: Path) -> None:
    said = refused(tmp_path, "--source", "street", "--person", str(tmp_path / "nobody.jpg"))
    assert "There is no file nobody.jpg" in said


def test_a_broken_picture(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(portrait(Person.HOPPER).read_bytes()[:5000])
    said = refused(tmp_path, "--source", "street", "--person", str(tmp_path / "broken.jpg"))
    assert "broken.jpg is broken" in said


def test_a_picture_without_a_face(tmp_path: Path) -> None:
    Image.new("RGB", (400, 400), "grey").save(tmp_path / "wall.png")
    said = refused(tmp_path, "--source", "street", "--person", str(tmp_path / "wall.png"))
    assert "There is no face" in said


def test_a_picture_with_two_faces(tmp_path: Path, two_faces: Path) -> None:
    said = refused(tmp_path, "--source", "street", "--person", str(two_faces))
    assert "There are 2 faces" in said


def test_an_unreadable_video(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"this is no film")
    said = refused(
        tmp_path, "--source", str(tmp_path / "film.mp4"), "--person", str(portrait(Person.HOPPER))
    )
    assert "film.mp4 cannot be read" in said


def test_a_source_that_is_not_there(tmp_path: Path) -> None:
    said = refused(tmp_path, "--source", "nowhere", "--person", str(portrait(Person.HOPPER)))
    assert "There is no file or folder nowhere" in said


def test_a_folder_without_pictures(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    said = refused(
        tmp_path, "--source", str(tmp_path / "empty"), "--person", str(portrait(Person.HOPPER))
    )
    assert "holds no picture" in said


def test_a_source_without_a_person(tmp_path: Path) -> None:
    assert "belong together" in refused(tmp_path, "--source", "street")


def test_a_taken_port(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"Port {port} is taken" in refused(tmp_path, "--port", str(port))


@pytest.mark.parametrize("number", ["80000", "-1", "ssh"])
def test_a_port_that_is_none(tmp_path: Path, number: str) -> None:
    assert f"PORT={number} is no port" in refused(tmp_path, f"--port={number}")


def test_a_person_who_is_not_in_the_street(tmp_path: Path) -> None:
    assert "choose hopper or collins" in refused(tmp_path, "--listed", "Earhart")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = refused(tmp_path, "--build", str(tmp_path / "file" / "build"))
    assert said == f"make demo: Not a directory: {tmp_path / 'file' / 'build'}."


def test_a_second_demo_on_the_same_folder_leaves_the_first_alone(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    desk = DeskSite(mine / "desk", 0)
    desk.folder.mkdir(parents=True)
    desk.passphrase.write_text("of the first demo")
    with emptied(mine, desk):
        desk.folder.mkdir()
        desk.passphrase.write_text("of the second demo")
        assert "Another demo runs" in refused(tmp_path, "--build", str(mine))
        assert desk.passphrase.read_text() == "of the second demo"


def test_ctrl_c_while_the_libraries_load_leaves_no_traceback() -> None:
    strike = (
        "import os, runpy, signal, sys\n"
        "class Strike:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'hil_tests.demo.figures':\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Strike())\n"
        "runpy.run_module('hil_tests.demo', run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", strike], capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == -signal.SIGINT
    assert done.stdout == done.stderr == ""


def test_no_broker(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    assert "install mosquitto" in refused(tmp_path, path=str(tmp_path / "bin"))


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep me")
    done = subprocess.run(
        [sys.executable, "-m", "hil_tests.demo", "--build", str(tmp_path / "mine")],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 1
    assert "holds something else" in done.stderr
    assert (tmp_path / "mine" / "letter.txt").read_text() == "keep me"
