"""The proxy of network faults: each fault does what it says, and no more."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hil_tests.rig.network_faults import HOST, FaultProxy, Faults

PAYLOAD = bytes(range(256)) * 40


@contextmanager
def echo() -> Iterator[int]:
    """An echo server; yields its port."""
    ended = threading.Event()

    def serve(door: socket.socket) -> None:
        door.settimeout(0.05)
        while not ended.is_set():
            try:
                caller, _ = door.accept()
            except TimeoutError:
                continue
            threading.Thread(target=answer, args=(caller,), daemon=True).start()

    def answer(caller: socket.socket) -> None:
        with caller:
            caller.settimeout(5)
            try:
                while piece := caller.recv(4096):
                    caller.sendall(piece)
            except OSError:
                return

    with socket.create_server((HOST, 0)) as door:
        thread = threading.Thread(target=serve, args=(door,))
        thread.start()
        try:
            yield int(door.getsockname()[1])
        finally:
            ended.set()
            thread.join()


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    with echo() as port, FaultProxy(port).running() as proxy:
        yield proxy


@contextmanager
def call(proxy: FaultProxy) -> Iterator[socket.socket]:
    with socket.create_connection((HOST, proxy.port), 5) as line:
        yield line


def heard(line: socket.socket, payload: bytes = PAYLOAD) -> bytes:
    """Return the echo, until all came back or the connection ends."""
    got = b""
    try:
        line.sendall(payload)
        while len(got) < len(payload) and (piece := line.recv(4096)):
            got += piece
    except (ConnectionError, TimeoutError):
        pass
    return got


def test_without_faults_everything_passes(proxy: FaultProxy) -> None:
    with call(proxy) as line:
        assert heard(line) == PAYLOAD
    assert (proxy.counts.connections, proxy.counts.passed_bytes) == (1, 2 * len(PAYLOAD))


def test_a_cut_ends_a_connection_in_the_middle(proxy: FaultProxy) -> None:
    proxy.faults = Faults(cut_after=12_000)
    with call(proxy) as line:
        assert len(heard(line)) < len(PAYLOAD)
    assert proxy.counts.cut == 1


def test_one_bit_is_flipped(proxy: FaultProxy) -> None:
    proxy.faults = Faults(corrupt_at=5)
    with call(proxy) as line:
        got = heard(line)
    assert [at for at in range(len(PAYLOAD)) if got[at] != PAYLOAD[at]] == [5]


def test_a_half_open_connection_says_nothing_and_goes_on_later(proxy: FaultProxy) -> None:
    with call(proxy) as line:
        assert heard(line) == PAYLOAD
        proxy.faults = Faults(half_open=True)
        line.settimeout(0.3)
        assert heard(line) == b""
        proxy.faults = Faults()
        line.settimeout(5)
        assert line.recv(4096) == PAYLOAD[:4096]


def test_a_delay_holds_every_piece_back(proxy: FaultProxy) -> None:
    proxy.faults = Faults(delay_s=0.1)
    with call(proxy) as line:
        begun_s = time.monotonic()
        assert heard(line, b"x") == b"x"
        assert time.monotonic() - begun_s >= 0.2


def test_a_slow_line_takes_its_time(proxy: FaultProxy) -> None:
    proxy.faults = Faults(bytes_per_s=len(PAYLOAD))
    with call(proxy) as line:
        begun_s = time.monotonic()
        assert heard(line) == PAYLOAD
        assert time.monotonic() - begun_s >= 1.0


def test_every_connection_can_be_reset_at_once(proxy: FaultProxy) -> None:
    with call(proxy) as one, call(proxy) as other:
        assert heard(one) == heard(other) == PAYLOAD
        proxy.cut()
        assert heard(one) == heard(other) == b""


def test_without_anybody_behind_it_a_call_ends(proxy: FaultProxy) -> None:
    proxy.upstream_port = 1
    with call(proxy) as line:
        assert heard(line) == b""
