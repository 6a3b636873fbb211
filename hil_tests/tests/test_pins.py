"""The simulated GPIO lines, driven by gpiozero's real devices."""

import socket
import struct
from collections.abc import Iterator

import pytest
from gpiozero import DigitalInputDevice
from gpiozero.pins.mock import MockFactory
from gpiozero.pins.pigpio import PiGPIOFactory

from firmware.config import LampEye
from firmware.errors import LampFault
from firmware.hardware.pins import LED_GPIO, GpioPins, lgpio_factory
from firmware.tests.observations import eventually
from hil_tests.rig.contract import Edge, LampDefect
from hil_tests.rig.desk.pins import UNKNOWN, Board, PinServer


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def factory(board: Board) -> Iterator[PiGPIOFactory]:
    with PinServer(board) as server:
        factory = PiGPIOFactory("127.0.0.1", server.port)
        yield factory
        factory.close()


def test_gpiozero_drives_the_lamp_and_senses_its_current(factory: PiGPIOFactory) -> None:
    with GpioPins(factory) as pins:
        pins.drive(high=True)
        assert pins.senses_current()
        pins.drive(high=False)
        assert not pins.senses_current()


def test_the_sense_lines_edges_are_told(factory: PiGPIOFactory, board: Board) -> None:
    with GpioPins(factory) as pins:
        edges = pins.edges
        assert not edges.take()
        pins.drive(high=True)
        eventually(edges.take)
        board.set_defect(LampDefect.OPEN_CIRCUIT)
        eventually(edges.take)


def test_the_lamp_is_dark_until_it_is_driven(factory: PiGPIOFactory, board: Board) -> None:
    with GpioPins(factory) as pins:
        assert not pins.senses_current()
    assert [edge.high for edge in board.edges] in ([], [False])


def test_a_cut_wire_carries_no_current(factory: PiGPIOFactory, board: Board) -> None:
    with GpioPins(factory) as pins:
        pins.drive(high=True)
        board.set_defect(LampDefect.OPEN_CIRCUIT)
        assert not pins.senses_current()


def test_a_line_tied_high_is_sensed_though_the_lamp_is_off(
    factory: PiGPIOFactory, board: Board
) -> None:
    with GpioPins(factory) as pins:
        board.set_defect(LampDefect.SENSE_STUCK_HIGH)
        assert pins.senses_current()


def test_a_mended_lamp_shines_again(factory: PiGPIOFactory, board: Board) -> None:
    with GpioPins(factory) as pins:
        pins.drive(high=True)
        board.set_defect(LampDefect.OPEN_CIRCUIT)
        board.set_defect(None)
        assert pins.senses_current()


def test_the_lamp_is_dark_afterwards_even_if_the_program_failed(
    factory: PiGPIOFactory, board: Board
) -> None:
    with pytest.raises(ZeroDivisionError), GpioPins(factory) as pins:
        fail_in_light(pins)
    assert not board.edges[-1].high


def fail_in_light(pins: GpioPins) -> None:
    pins.drive(high=True)
    raise ZeroDivisionError


def test_the_board_remembers_when_there_was_light(factory: PiGPIOFactory, board: Board) -> None:
    with GpioPins(factory) as pins:
        for high in (True, False, True):
            pins.drive(high=high)
    times = [edge.at_ns for edge in board.edges]
    assert [edge.high for edge in board.edges if edge.high] == [True, True]
    assert times == sorted(times)


@pytest.mark.parametrize(
    ("start_ns", "end_ns", "lit_ns"),
    [(0, 40, 10), (10, 20, 10), (12, 16, 4), (20, 30, 0), (0, 11, 1)],
)
def test_the_board_tells_how_long_there_was_light(start_ns: int, end_ns: int, lit_ns: int) -> None:
    board = Board(edges=[Edge(10, high=True), Edge(20, high=False)])
    assert board.lit_ns(start_ns, end_ns) == lit_ns


def test_light_that_goes_on_counts_to_the_end() -> None:
    assert Board(edges=[Edge(10, high=True)]).lit_ns(0, 50) == 40


def test_an_unknown_command_is_refused_as_pigpiod_does(board: Board) -> None:
    with PinServer(board) as server, socket.create_connection(("127.0.0.1", server.port)) as line:
        line.sendall(struct.pack("<4I", 250, 1, 2, 0))
        assert struct.unpack("<4I", line.recv(16)) == (250, 1, 2, UNKNOWN)


def test_a_request_may_come_in_pieces(board: Board) -> None:
    with PinServer(board) as server, socket.create_connection(("127.0.0.1", server.port)) as line:
        request = struct.pack("<4I", 4, LED_GPIO, 1, 0)
        line.sendall(request[:5])
        line.sendall(request[5:])
        line.recv(16)
        assert board.edges[-1].high


def test_a_factory_that_only_pretends_never_shines() -> None:
    factory = MockFactory()
    with GpioPins(factory) as pins:
        pins.drive(high=True)
        assert not pins.senses_current()
    factory.close()


def test_a_line_that_is_taken_is_not_shared(factory: PiGPIOFactory) -> None:
    with GpioPins(factory), pytest.raises(Exception, match="already in use"):
        DigitalInputDevice(LED_GPIO, pin_factory=factory)


def test_without_gpio_lines_there_is_no_lamp() -> None:
    with pytest.raises(LampFault, match="lgpio"):
        lgpio_factory()


def test_a_photodiode_sees_the_lamp_until_it_is_covered(
    factory: PiGPIOFactory, board: Board
) -> None:
    with GpioPins(factory, LampEye.PHOTODIODE) as pins:
        assert pins.sees_light() is False
        pins.drive(high=True)
        assert pins.sees_light() is True
        board.set_defect(LampDefect.COVERED)
        assert (pins.sees_light(), pins.senses_current()) == (False, True)


def test_where_nothing_sees_the_lamp_nothing_is_said(factory: PiGPIOFactory) -> None:
    with GpioPins(factory) as pins:
        assert pins.sees_light() is None
