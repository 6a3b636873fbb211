"""A bench registers many cameras at once, one of them blinking at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from firmware.registration.kept import check_registration
from firmware.tests.observations import eventually
from formats.registration_record import Registration
from hil_tests.tests.registration_pair import TERMS, Camera, Laptop
from provisioning.errors import CameraRefused
from provisioning.papers.labels import LAYOUTS, draw_labels, label_of
from provisioning.registration.bench import MEND, Bench, Row, Step
from provisioning.registration.cable import Cable
from provisioning.registration.code_reader import Blink

WAITING = {Step.LOOK, Step.QUEUED}


@dataclass
class Simulated:
    """A cable with a simulated camera, which can be pulled out."""

    camera: Camera
    place: str
    also: frozenset[str] = frozenset()
    dies_at: int = -1
    """The message at which this laptop is killed; never if negative."""
    asked: int = 0
    plugged_in: Callable[[], bool] = lambda: True

    def who(self) -> frozenset[str]:
        if not self.plugged_in():
            return frozenset()
        new = frozenset() if self.camera.session.ended else frozenset({self.camera.serial})
        return new | self.also

    def ask(self, message: bytes) -> bytes:
        self.asked += 1
        if 0 <= self.dies_at < self.asked:
            raise ConnectionResetError(104, "Connection reset by peer")
        return self.camera.ask(message)

    def hang_up(self) -> None:
        """There is no connection."""


@dataclass
class Person:
    """A person who looks at one place, and reads what the lamp there does."""

    cameras: dict[str, Camera]
    looked: list[str] = field(default_factory=list)
    waits_until: Callable[[], bool] = lambda: True
    """In the first look."""

    def read(self, place: str, serial: str, blink: Blink) -> tuple[int, ...]:
        self.looked.append(serial)
        if len(self.looked) == 1:
            eventually(self.waits_until)
        lamp = self.cameras[place].lamp
        before = {key: len(camera.lamp.changes) for key, camera in self.cameras.items()}
        blink()
        lit = {
            key for key, camera in self.cameras.items() if len(camera.lamp.changes) > before[key]
        }
        assert lit == {place}  # All others are dark.
        groups: list[int] = []
        last_ms = -10_000
        for at_ms, on in lamp.changes[before[place] :]:
            if on and at_ms - last_ms > 1000:
                groups.append(0)
            groups[-1] += on
            last_ms = at_ms
        return tuple(groups)


@dataclass
class Desk:
    """A laptop with its labels and its screen."""

    laptop: Laptop
    person: Person
    labels: list[str] = field(default_factory=list)
    drawn: set[bytes] = field(default_factory=set)
    printer_fails: bool = False
    rows: list[Sequence[Row]] = field(default_factory=list)

    def run(self, cables: Sequence[Cable], count: int) -> None:
        bench = Bench(
            self.laptop.manifest(), TERMS, self.person, self.label, self.rows.append, retry_s=0.01
        )
        bench.run(cables, count)

    def label(self, registration: Registration) -> None:
        serial = registration.board.serial
        assert self.person.looked[-1:] in ([serial], [])
        if self.printer_fails:
            raise CameraRefused(f"No label of {serial}.")
        self.labels.append(serial)
        self.drawn.add(draw_labels([label_of(registration)], LAYOUTS["roll"]))


@pytest.mark.parametrize("many", [6, pytest.param(50, marks=pytest.mark.long)])
def test_cameras_side_by_side_get_their_own_keys_and_none_twice_after_a_killed_laptop(
    tmp_path: Path, many: int
) -> None:
    cameras = {f"port {n}": Camera(tmp_path, f"c{n}") for n in range(many)}
    desk = Desk(Laptop(tmp_path / "site"), Person(cameras))
    # The laptop is killed while one has its certificate and no record, and others wait.
    cables = [Simulated(camera, place) for place, camera in cameras.items()]
    desk.run(cables, many // 2)
    before = desk.laptop.manifest().path.read_bytes()
    desk.run([Simulated(camera, place) for place, camera in cameras.items()], many - many // 2)
    found = desk.laptop.manifest().found
    assert desk.laptop.manifest().path.read_bytes().startswith(before)
    assert (
        sorted(desk.person.looked) == sorted(desk.labels) == sorted(c.board.serial for c in found)
    )
    assert len({key for one in found for key in one.identity.public_keys}) == 5 * many
    assert len({label_of(one).code for one in found}) == len(desk.drawn) == many
    for place, camera in cameras.items():
        kept = check_registration(camera.state)
        assert (kept.board.serial, kept.acceptance.place) == (camera.serial, place)


@pytest.mark.parametrize("message", [2, 3], ids=["certificate", "record"])
def test_a_laptop_that_was_killed_after_the_look_asks_no_person_again(
    tmp_path: Path, message: int
) -> None:
    camera = Camera(tmp_path, "c1")
    desk = Desk(Laptop(tmp_path / "site"), Person({"port 1": camera}))
    exchange = desk.laptop.exchange("c1")
    cable = Simulated(camera, "port 1", dies_at=message)
    exchange.greet(cable.ask)
    exchange.show(cable.ask)
    exchange.check_code(exchange.code)
    with pytest.raises(ConnectionResetError):
        exchange.finish(cable.ask)
    camera.start()
    desk.run([Simulated(camera, "port 1")], 1)
    assert desk.person.looked == []
    assert check_registration(camera.state) == desk.laptop.manifest().found[0]


def test_a_link_that_shows_two_cameras_is_refused_and_the_row_says_so(tmp_path: Path) -> None:
    camera = Camera(tmp_path, "c1")
    other = Camera(tmp_path, "c2")
    desk = Desk(Laptop(tmp_path / "site"), Person({"port 1": camera, "port 2": other}))
    mixed = Simulated(camera, "port 1", also=frozenset({"c9"}))
    desk.run([mixed, Simulated(other, "port 2")], 1)
    rows = {row.place: row for row in desk.rows[-1]}
    assert mixed.asked == 0
    assert rows["port 1"].step is Step.REFUSED
    assert "Two cameras hang on this link (c1, c9)" in rows["port 1"].sentence


def test_the_row_that_waits_for_a_person_is_on_top(tmp_path: Path) -> None:
    cameras = {f"port {n}": Camera(tmp_path, f"c{n}") for n in range(3)}
    desk = Desk(Laptop(tmp_path / "site"), Person(cameras))
    desk.run([Simulated(camera, place) for place, camera in cameras.items()], 3)
    with_a_look = [rows for rows in desk.rows if any(row.step is Step.LOOK for row in rows)]
    assert with_a_look
    assert all(rows[0].step is Step.LOOK for rows in with_a_look)


def test_a_printer_that_fails_undoes_no_registration_and_the_row_says_it(tmp_path: Path) -> None:
    cameras = {f"port {n}": Camera(tmp_path, f"c{n}") for n in range(2)}
    desk = Desk(Laptop(tmp_path / "site"), Person(cameras), printer_fails=True)
    desk.run([Simulated(camera, place) for place, camera in cameras.items()], 2)
    assert len(desk.laptop.manifest().found) == 2
    assert {(row.step, row.sentence) for row in desk.rows[-1]} == {
        (Step.DONE, "No label of c0."),
        (Step.DONE, "No label of c1."),
    }


def test_the_others_are_greeted_while_one_camera_is_looked_at(tmp_path: Path) -> None:
    cameras = {f"port {n}": Camera(tmp_path, f"c{n}") for n in range(3)}
    desk = Desk(Laptop(tmp_path / "site"), Person(cameras))

    def all_are_greeted() -> bool:
        return bool(desk.rows) and all(row.step in WAITING for row in desk.rows[-1])

    desk.person.waits_until = all_are_greeted
    cables = [Simulated(camera, place) for place, camera in cameras.items()]
    for late in cables[1:]:
        late.plugged_in = lambda: bool(desk.person.looked)
    desk.run(cables, 3)
    assert len(desk.laptop.manifest().found) == 3


def test_a_camera_with_a_broken_lamp_gets_one_turn_until_it_was_switched_off(
    tmp_path: Path,
) -> None:
    cameras = {f"port {n}": Camera(tmp_path, f"c{n}") for n in range(2)}
    broken, sound = cameras.values()
    broken.lamp.wire_cut = True
    desk = Desk(Laptop(tmp_path / "site"), Person(cameras))
    rounds: list[bool] = []
    looked: list[int] = []

    def plugged_in() -> bool:
        """Stay through 20 rounds after the sentence; then be switched off once, and mended."""
        rounds.append(any(MEND in row.sentence for rows in desk.rows for row in rows))
        if sum(rounds) != 20:
            return True
        looked.append(desk.person.looked.count("c0"))
        broken.lamp.wire_cut = False
        return False

    cables = [Simulated(broken, "port 0", plugged_in=plugged_in), Simulated(sound, "port 1")]
    desk.run(cables, 2)
    assert (looked, desk.person.looked.count("c0")) == ([1], 2)
    assert {camera.session.ended for camera in cameras.values()} == {True}
