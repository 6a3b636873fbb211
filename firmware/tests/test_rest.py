"""The guard's sleep: edges that arrive let it rest, and edges that do not end the rest."""

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from firmware.guard.interlock import REST_S, SILENCE_S, TICK_S
from firmware.guard.rest import LEAST_S, Rest
from firmware.hardware.edges import Edges
from firmware.tests.fakes import Bulb, guarding
from firmware.tests.interlock_rig import Rig
from formats.lease import Grant, Reason, Refused, Request, decode_answer, encode_request


@pytest.fixture
def edges() -> Iterator[Edges]:
    edges = Edges()
    yield edges
    edges.close()


@pytest.fixture
def rest(edges: Edges) -> Rest:
    rest = Rest(edges)
    rest.note(edge=False, sensed=True)
    rest.note(edge=True, sensed=True)
    return rest


def slept(rest: Rest, longest_s: float, *callers: socket.socket) -> float:
    began_s = time.monotonic()
    rest.sleep(longest_s, callers)
    return time.monotonic() - began_s


def test_before_an_edge_came_the_guard_looks_every_10_ms(edges: Edges) -> None:
    assert not Rest(edges).trusted
    assert TICK_S <= slept(Rest(edges), 5.0) < 1.0


def test_a_line_without_edges_is_looked_at_every_10_ms() -> None:
    rest = Rest(None)
    rest.note(edge=False, sensed=True)
    assert TICK_S <= slept(rest, 5.0) < 1.0


def test_an_edge_wakes_the_guard(rest: Rest, edges: Edges) -> None:
    edges.note()
    assert slept(rest, 5.0) < 1.0
    assert edges.take()
    assert not edges.take()


def test_a_caller_wakes_the_guard_and_not_too_often(rest: Rest) -> None:
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with here, there:
        there.send(b"1")
        assert LEAST_S <= slept(rest, 5.0, here) < 1.0


def test_a_level_that_changed_without_an_edge_ends_the_trust(rest: Rest) -> None:
    assert rest.trusted
    rest.note(edge=False, sensed=False)
    assert slept(rest, 5.0) < 1.0
    rest.note(edge=False, sensed=False)
    assert not rest.trusted


def test_an_edge_may_come_just_after_its_level_was_read(rest: Rest) -> None:
    rest.note(edge=False, sensed=False)
    rest.note(edge=True, sensed=False)
    assert rest.trusted


def test_an_edge_that_is_noted_after_the_end_is_lost(edges: Edges) -> None:
    other = Edges()
    other.close()
    other.note()
    assert not edges.take()


def off(rig: Rig) -> None:
    rig.run(0.3)


def on(rig: Rig) -> None:
    rig.lit()


def hold(rig: Rig) -> None:
    rig.lit().interlock.stop("holder stopped")


def fault(rig: Rig) -> None:
    rig.lit().bulb.wire_cut = True
    rig.step()


@pytest.mark.parametrize("prepare", [off, on, hold, fault])
def test_a_steady_lamp_is_read_every_50_ms(prepare: Callable[[Rig], None]) -> None:
    rig = Rig()
    prepare(rig)
    rig.run(0.03)
    assert (str(rig.state), rig.interlock.rest_s()) == (prepare.__name__, REST_S)


def test_while_the_lamp_arms_it_is_read_every_10_ms() -> None:
    rig = Rig().armed()
    assert rig.interlock.rest_s() == TICK_S


def test_the_guard_does_not_rest_beyond_a_silent_holders_time() -> None:
    rig = Rig().lit()
    rig.interlock.beat()
    rig.step(SILENCE_S - 0.02)
    assert TICK_S <= rig.interlock.rest_s() <= 0.03


@pytest.mark.alone
def test_a_lamp_that_dies_is_seen_by_its_edge_within_10_ms(tmp_path: Path) -> None:
    bulb = Bulb(edges=Edges())
    with guarding(tmp_path, bulb=bulb) as guard, guard.called() as caller:
        caller.send(encode_request(Request.ASK))
        for _ in range(3):
            assert isinstance(decode_answer(caller.recv(64)), Grant)
        bulb.cut_wire()
        died_s = time.monotonic()
        assert decode_answer(caller.recv(64)) == Refused(Reason.FAULT)
        assert time.monotonic() - died_s < 0.01


@pytest.mark.alone
def test_a_lamp_that_dies_without_an_edge_is_seen_at_the_next_renewal(tmp_path: Path) -> None:
    bulb = Bulb(edges=Edges())
    with guarding(tmp_path, bulb=bulb) as guard, guard.called() as caller:
        caller.send(encode_request(Request.ASK))
        for _ in range(3):
            assert isinstance(decode_answer(caller.recv(64)), Grant)
        bulb.wire_cut = True
        died_s = time.monotonic()
        assert decode_answer(caller.recv(64)) == Refused(Reason.FAULT)
        assert time.monotonic() - died_s < REST_S + 0.01


@pytest.mark.alone
def test_in_steady_light_the_sense_line_is_read_20_times_a_second(tmp_path: Path) -> None:
    bulb = CountedBulb(edges=Edges())
    with guarding(tmp_path, bulb=bulb) as guard, guard.called() as caller:
        caller.send(encode_request(Request.ASK))
        grants = [decode_answer(caller.recv(64)) for _ in range(2)]
        bulb.readings = 0
        for _ in range(10):
            grants.append(decode_answer(caller.recv(64)))
            caller.send(encode_request(Request.BEAT))
        assert all(isinstance(grant, Grant) for grant in grants)
        assert bulb.readings <= 15


class CountedBulb(Bulb):
    """A lamp that counts the readings of its sense line."""

    readings = 0

    def senses_current(self) -> bool:
        self.readings += 1
        return super().senses_current()
