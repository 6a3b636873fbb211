"""What a registered camera answers over its service cable, and what a hostile laptop gets."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from firmware.errors import FirmwareError, NotRegistered
from firmware.guard.leases import Users
from firmware.service import acts, caller
from firmware.service.acts import fetch_report
from firmware.service.caller import Service, has_carrier, run
from firmware.supervisor import Supervisor
from firmware.tests.command import config_of
from firmware.tests.fakes import guarding
from firmware.tests.observations import eventually
from firmware.tests.registered import INSTALLER
from formats.errors import FormatError
from formats.registration_cable import (
    FRAME_LIMIT,
    CableStream,
    RefusedByCamera,
    raise_refusal,
    read_frame,
    write_frame,
)
from formats.service_cable import (
    LOCATED,
    Act,
    ServiceHello,
    read_service_hello,
    write_service_request,
)

CAMERA = bytes(range(16))
STRANGER = SigningKey(bytes([91]) * 32)
REPORT = b'{"armed":true}'
PATIENCE_S = 10.0


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """A camera without guard and doctor."""
    return Service(CAMERA, INSTALLER.verify_key, tmp_path / "lamp.sock", tmp_path / "report")


@contextmanager
def doctor(path: Path, report: bytes) -> Iterator[None]:
    """Answer one connection to a local socket, as tallylight-report.socket does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.bind(str(path))
        door.listen(1)
        door.settimeout(PATIENCE_S)

        def answer() -> None:
            line, _ = door.accept()
            with line:
                line.sendall(report)

        thread = threading.Thread(target=answer)
        thread.start()
        yield
        thread.join(PATIENCE_S)


def asked(service: Service, request: Callable[[ServiceHello], bytes]) -> bytes:
    """Return what the camera answers to a laptop's request."""
    camera, laptop = socket.socketpair()
    with camera, laptop:
        thread = threading.Thread(target=service.converse, args=(camera,))
        thread.start()
        stream = CableStream(laptop, PATIENCE_S)
        hello = read_service_hello(read_frame(stream))
        assert hello.camera == CAMERA
        write_frame(stream, request(hello))
        answer = read_frame(stream)
        thread.join(PATIENCE_S)
    return answer


def refused(answer: bytes) -> str:
    with pytest.raises(RefusedByCamera) as caught:
        raise_refusal(answer)
    return str(caught.value)


def test_the_installer_of_its_registration_gets_the_doctors_report(service: Service) -> None:
    with doctor(service.report_socket, REPORT + b"\n"):
        answer = asked(service, lambda hello: write_service_request(Act.REPORT, hello, INSTALLER))
    assert answer == REPORT


@pytest.mark.alone  # The guard's self-test measures time.
def test_the_lamp_blinks_for_the_installer(service: Service) -> None:
    users = Users(os.getuid() + 1, os.getuid())
    with guarding(service.lamp_socket.parent, users=users) as guard:
        answer = asked(service, lambda hello: write_service_request(Act.LOCATE, hello, INSTALLER))
        assert answer == LOCATED
        eventually(lambda: guard.has("locating"))
        again = asked(service, lambda hello: write_service_request(Act.LOCATE, hello, INSTALLER))
    assert "blinks already" in refused(again)


@pytest.mark.parametrize("act", list(Act))
def test_another_installer_gets_nothing(service: Service, act: Act) -> None:
    answer = asked(service, lambda hello: write_service_request(act, hello, STRANGER))
    assert "signature" in refused(answer)


@pytest.mark.parametrize(
    "other", [ServiceHello(bytes(16), bytes(32)), ServiceHello(CAMERA, bytes(32))]
)
def test_a_request_of_another_camera_or_connection_counts_for_nothing(
    service: Service, other: ServiceHello
) -> None:
    answer = asked(service, lambda _: write_service_request(Act.REPORT, other, INSTALLER))
    assert "another" in refused(answer)


def test_a_request_that_was_recorded_counts_once(service: Service) -> None:
    heard: list[bytes] = []

    def record(hello: ServiceHello) -> bytes:
        heard.append(write_service_request(Act.REPORT, hello, INSTALLER))
        return heard[0]

    with doctor(service.report_socket, REPORT):
        assert asked(service, record) == REPORT
    assert "of another connection" in refused(asked(service, lambda _: heard[0]))


@given(message=st.binary(min_size=1, max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_any_bytes_are_refused_in_one_sentence(service: Service, message: bytes) -> None:
    assert refused(asked(service, lambda _: message))


@pytest.mark.parametrize(
    "written", [b"", b"\0\0", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\x09half"]
)
def test_a_laptop_that_sends_no_frame_is_hung_up_on(service: Service, written: bytes) -> None:
    camera, laptop = socket.socketpair()
    with camera, laptop:
        laptop.sendall(written)
        laptop.shutdown(socket.SHUT_WR)
        with suppress(FormatError):
            service.converse(camera)
        camera.close()
        stream = CableStream(laptop, PATIENCE_S)
        read_service_hello(read_frame(stream))
        assert read_frame(stream) == b""


def test_a_laptop_that_says_nothing_is_not_waited_for(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caller, "SILENT_S", 0.1)
    camera, laptop = socket.socketpair()
    with camera, laptop, pytest.raises(TimeoutError):
        service.converse(camera)


def test_without_doctor_and_guard_the_camera_says_so(service: Service) -> None:
    report = asked(service, lambda hello: write_service_request(Act.REPORT, hello, INSTALLER))
    blink = asked(service, lambda hello: write_service_request(Act.LOCATE, hello, INSTALLER))
    assert "doctor cannot be asked" in refused(report)
    assert "guard does not answer" in refused(blink)


@pytest.mark.parametrize("report", [b"", b" \n", b"x" * (FRAME_LIMIT + 1)])
def test_a_doctor_that_says_nothing_or_too_much_gives_no_report(
    service: Service, report: bytes
) -> None:
    with doctor(service.report_socket, report):
        answer = asked(service, lambda hello: write_service_request(Act.REPORT, hello, INSTALLER))
    assert "gave no report" in refused(answer)


def test_a_doctor_that_hangs_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acts, "REPORT_S", 0.1)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.bind(str(tmp_path / "report"))
        door.listen(1)
        with pytest.raises(FirmwareError, match="timed out"):
            fetch_report(tmp_path / "report")


def test_a_camera_that_is_new_has_no_service(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    config.state.root.mkdir(parents=True)
    with pytest.raises(NotRegistered):
        run(config, lambda: True, Supervisor())


def test_a_link_without_a_cable_or_that_is_not_there_has_no_carrier() -> None:
    assert has_carrier("lo")
    assert not has_carrier("no-such-link")
