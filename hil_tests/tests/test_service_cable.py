"""`tallylight check` and `locate` over a network link: the programs that ship, on both ends.

The camera is in a network of its own, at the end of a cable; systemd's own program starts the
doctor. Needs root, for namespaces.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import pytest
from typer.testing import CliRunner

from firmware.config import Config
from firmware.guard.leases import Users
from firmware.identity import make_identity
from firmware.service import caller
from firmware.service.caller import run
from firmware.supervisor import Supervisor
from firmware.tests.command import config_file, config_of
from firmware.tests.fakes import guarding
from firmware.tests.observations import eventually
from firmware.tests.registered import ROOT, TERMS
from formats.keyfile import Purpose, make_key, unlock_signing, write_key
from formats.registration_cable import CableStream, read_frame, write_frame
from formats.service_cable import HERE, LINK, ServiceHello, write_call, write_service_hello
from hil_tests.rig.simulated_cable import register_on_desk
from hil_tests.tests.test_registration_cables import Life, on_links
from provisioning.__main__ import app
from provisioning.errors import CameraRefused
from provisioning.inspection import service_cable
from provisioning.inspection.service_cable import ServiceCable
from provisioning.tests.workshop import CHEAP, PASSPHRASE

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces are root's"),
    pytest.mark.timeout(120),
]
KEY = make_key(Purpose.INSTALLER, "Example Installer", PASSPHRASE, CHEAP)
SIGNER = unlock_signing(KEY, PASSPHRASE)

Answer: TypeAlias = Callable[[socket.socket, bytes], None]
"""What a device does on its connection to the laptop."""


@pytest.fixture(autouse=True)
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    """Another port for each process, because tests run side by side."""
    found = 20_000 + os.getpid() % 20_000
    monkeypatch.setattr(caller, "PORT", found)
    monkeypatch.setattr(service_cable, "PORT", found)
    return found


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A camera that this laptop's installer registered."""
    made = config_of(tmp_path)
    register_on_desk(made.state, ROOT, tmp_path / "bench", SIGNER, TERMS)
    write_key(tmp_path / "installer.key", KEY)
    (tmp_path / "word").write_text(PASSPHRASE + "\n")
    return made


@pytest.fixture
def report_socket(config: Config, tmp_path: Path) -> Iterator[Path]:
    """Let systemd's program start the doctor for each connection, as its socket unit does."""
    path = tmp_path / "report"
    settings = config_file(config, tmp_path / "camera.toml")
    doctor = ["-m", "firmware", "--config", str(settings), "doctor", "--json"]
    words = ["systemd-socket-activate", "--accept", "--inetd", "-l", str(path), sys.executable]
    with subprocess.Popen([*words, *doctor], stderr=subprocess.DEVNULL) as program:
        eventually(path.exists)
        yield path
        program.terminate()


@contextmanager
def plugged_in(config: Config, report_socket: Path) -> Iterator[str]:
    """Run the camera's program at the end of a cable; yield the laptop's link."""

    def live(running: Callable[[], bool]) -> None:
        run(config, running, Supervisor(), report_socket=report_socket)

    with on_links([live], "tv") as (link,):
        yield link


def tallylight(noun: str, config: Config, link: str, *more: str) -> tuple[int, str]:
    """Run a command of the laptop for this camera; return its exit code and what it printed."""
    folder, camera = config.state.root.parent, make_identity(config.state).camera_id.hex()
    key = ("--key", str(folder / "installer.key"), "--passphrase-file", str(folder / "word"))
    done = CliRunner().invoke(app, [noun, camera[:8], *key, "--link", link, *more])
    return done.exit_code, done.output


def test_check_brings_the_doctors_report_over_the_cable(
    config: Config, report_socket: Path
) -> None:
    with plugged_in(config, report_socket) as link:
        code, printed = tallylight("check", config, link, "--json")
    found = json.loads(printed)
    assert (code, found["armed"]) == (1, False)
    assert make_identity(config.state).camera_id.hex() in str(found["lines"])


@pytest.mark.alone  # The guard judges times.
def test_locate_lets_this_camera_blink(config: Config, tmp_path: Path) -> None:
    users = Users(os.getuid() + 1, os.getuid())
    with guarding(tmp_path, users=users) as guard, plugged_in(config, tmp_path) as link:
        assert tallylight("locate", config, link)[0] == 0
        eventually(lambda: guard.has("locating"))
        code, printed = tallylight("locate", config, link)
    assert (code, "it blinks already" in printed) == (1, True)


def test_another_camera_on_the_cable_is_not_answered(config: Config, tmp_path: Path) -> None:
    with plugged_in(config, tmp_path) as link:
        cable = ServiceCable("0" * 8, SIGNER, [link], within_s=3)
        with pytest.raises(CameraRefused, match="it did not call"):
            cable.report()


def hostile(answer: Answer, camera: bytes, port: int) -> Life:
    """Return the life of a device that calls under a camera's name, and then does as it likes."""

    def live(running: Callable[[], bool]) -> None:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as bell:
            bell.settimeout(0.5)
            index = socket.if_nametoindex(LINK)
            while running():
                try:
                    bell.sendto(write_call(camera), ("ff02::1", port, 0, index))
                    heard, (host, *_) = bell.recvfrom(256)
                    assert heard == HERE
                    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as line:
                        line.settimeout(5)
                        line.connect((host.partition("%")[0], port, 0, index))
                        answer(line, camera)
                except OSError:
                    continue

    return live


def says_nothing(line: socket.socket, _camera: bytes) -> None:
    line.shutdown(socket.SHUT_WR)


def is_another(line: socket.socket, _camera: bytes) -> None:
    hello = write_service_hello(ServiceHello(bytes(16), bytes(32)))
    write_frame(CableStream(line, 5), hello)
    line.recv(1)


def answers_too_much(line: socket.socket, camera: bytes) -> None:
    stream = CableStream(line, 5)
    write_frame(stream, write_service_hello(ServiceHello(camera, bytes(32))))
    read_frame(stream)
    stream.write(b"\xff\xff\xff\xff")


@pytest.mark.parametrize(
    "answer",
    [
        says_nothing,
        pytest.param(is_another, marks=pytest.mark.long),
        pytest.param(answers_too_much, marks=pytest.mark.long),
    ],
)
def test_a_hostile_camera_gives_no_report_and_is_named(answer: Answer, port: int) -> None:
    camera = bytes(range(16))
    with on_links([hostile(answer, camera, port)], "tw") as (link,):
        cable = ServiceCable(camera.hex(), SIGNER, [link], within_s=4)
        with pytest.raises(CameraRefused, match=r"gave no answer within 4 s \((?!it did not call)"):
            cable.report()


def answers_nonsense(line: socket.socket, camera: bytes) -> None:
    stream = CableStream(line, 5)
    write_frame(stream, write_service_hello(ServiceHello(camera, bytes(32))))
    read_frame(stream)
    write_frame(stream, b'{"kind":"x"}')


def test_a_camera_that_does_not_say_that_it_blinks_is_not_believed(port: int) -> None:
    camera = bytes(range(16))
    with on_links([hostile(answers_nonsense, camera, port)], "tx") as (link,):
        cable = ServiceCable(camera.hex(), SIGNER, [link], within_s=20)
        with pytest.raises(CameraRefused, match="did not say that it blinks"):
            cable.locate()
