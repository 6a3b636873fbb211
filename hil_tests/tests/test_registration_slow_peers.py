"""A peer on a registration's cable that dribbles or hangs up holds neither side for long."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from firmware.registration import listener
from formats.registration_cable import read_frame, write_frame
from hil_tests.tests.registration_pair import Camera
from provisioning.registration import cable
from provisioning.registration.cable import LinkCable

BOUND_S = 0.3
DRIBBLE_S = 0.1
"""Between two bytes: no single wait is as long as the bound."""
LATE_S = 2.0


@contextmanager
def dribbling(line: socket.socket) -> Iterator[None]:
    """Send a frame of 64 bytes, one byte at a time."""
    over = threading.Event()

    def dribble() -> None:
        with suppress(OSError):
            for byte in (64).to_bytes(4, "big") + b" " * 64:
                line.sendall(bytes([byte]))
                if over.wait(DRIBBLE_S):
                    return

    thread = threading.Thread(target=dribble)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_laptop_that_sends_byte_by_byte_is_hung_up_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "SILENT_S", BOUND_S)
    ours, theirs = socket.socketpair()
    begun_s = time.monotonic()
    with ours, theirs, dribbling(theirs), pytest.raises(TimeoutError):
        listener._serve_one(Camera(tmp_path, "c1").session, ours)
    assert time.monotonic() - begun_s < LATE_S


def test_a_camera_that_answers_byte_by_byte_does_not_hold_the_bench(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cable, "ANSWER_S", BOUND_S)
    ours, theirs = socket.socketpair()
    link = LinkCable("lo", "port 1")
    monkeypatch.setattr(LinkCable, "_connect", lambda _: ours)
    begun_s = time.monotonic()
    with theirs, dribbling(theirs), pytest.raises(TimeoutError):
        link.ask(b"{}")
    assert time.monotonic() - begun_s < LATE_S


def test_a_camera_that_hung_up_while_others_were_looked_at_is_connected_to_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pairs = [socket.socketpair() for _ in range(2)]
    lines = iter([ours for ours, _ in pairs])
    monkeypatch.setattr(LinkCable, "_connect", lambda _: next(lines))

    def answer_one(line: socket.socket) -> None:
        with line, line.makefile("rwb") as stream:
            message = read_frame(stream)
            write_frame(stream, message)

    threads = [threading.Thread(target=answer_one, args=(theirs,)) for _, theirs in pairs]
    for thread in threads:
        thread.start()
    link = LinkCable("lo", "port 1")
    assert link.ask(b"first") == b"first"
    threads[0].join()
    assert link.ask(b"second") == b"second"
    threads[1].join()
    link.hang_up()
