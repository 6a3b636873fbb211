"""The chain of events against the ledger of `watch`: rollback, and events that are gone."""

from pathlib import Path

import pytest

from firmware.delivery.chain_check import UNKNOWN_BOOT, check_chain
from firmware.delivery.marks import Link
from firmware.delivery.outbox import Outbox
from firmware.record.ledger import Ledger
from firmware.tests.observations import records
from firmware.tests.outbox_events import event
from formats.ledger import Happening, Program

MARKS = ("chain", "chain-copy")


class Camera:
    """An outbox and the ledger of its `watch`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ledger = Ledger(folder, Program.WATCH)
        self.outbox = Outbox(folder / "outbox")
        self.links: list[Link] = []

    def seal(self, count: int = 1, *, recorded: bool = True, numbered: bool = True) -> None:
        for _ in range(count):
            sealed, link = event(len(self.links) + 1)
            self.outbox.put(sealed, link)
            self.links.append(link)
            body: dict[str, int | str] = {"sequence": link.sequence, "envelope": link.digest.hex()}
            if recorded:
                more = {"number": link.number} if numbered else {}
                self.ledger.append(Happening.EVENT_SEALED, body | more)

    def receipt(self, number: int) -> None:
        self.outbox.remove(f"{number:012d}")
        digest = self.links[number - 1].digest.hex()
        self.ledger.append(Happening.EVENT_RECEIPTED, {"sequence": number, "envelope": digest})

    def marks(self) -> dict[str, bytes]:
        """Return the chains' content as a start of `watch` writes it."""
        self.outbox.recover()
        return {name: (self.folder / "outbox" / name).read_bytes() for name in MARKS}

    def put_back(self, marks: dict[str, bytes]) -> None:
        for name, content in marks.items():
            (self.folder / "outbox" / name).write_bytes(content)

    def start(self) -> Link | None:
        return check_chain(self.outbox, self.ledger, self.outbox.recover().link)

    @property
    def faults(self) -> list[dict[str, int | str]]:
        return [dict(body) for body in records(self.folder, Happening.FAULT)]

    def take(self, number: int) -> None:
        (self.folder / "outbox" / "waiting" / f"{number:012d}").unlink()


@pytest.fixture
def camera(tmp_path: Path) -> Camera:
    return Camera(tmp_path)


def test_a_chain_that_agrees_with_the_ledger_goes_on(camera: Camera) -> None:
    camera.seal(3)
    camera.receipt(2)
    assert camera.start() == camera.links[2]
    assert camera.faults == []


def test_a_new_camera_has_neither(camera: Camera) -> None:
    assert camera.start() is None
    assert camera.faults == []


def test_a_chain_that_was_put_back_goes_on_from_the_newest_in_the_ledger(camera: Camera) -> None:
    camera.seal(2)
    before = camera.marks()
    camera.seal()
    camera.take(3)
    camera.put_back(before)
    newest = camera.links[2]
    assert camera.start() == Link(3, UNKNOWN_BOOT, 3, newest.digest)
    missing = {"code": "event_missing", "name": "000000000003", "to": "000000000003"}
    assert camera.faults == [missing, {"code": "chain_behind", "name": "000000000003"}]


def test_what_was_recorded_once_is_not_recorded_again(camera: Camera) -> None:
    camera.seal(3)
    camera.take(1)
    link = camera.start()
    said = camera.faults
    assert len(said) == 1
    assert camera.start() == link
    assert camera.faults == said


def test_events_that_are_gone_are_named_stretch_by_stretch(camera: Camera) -> None:
    camera.seal(7)
    for number in (1, 2, 5):
        camera.take(number)
    camera.receipt(4)
    assert camera.start() == camera.links[-1]
    assert [(fault["name"], fault["to"]) for fault in camera.faults] == [
        ("000000000001", "000000000002"),
        ("000000000005", "000000000005"),
    ]


def test_events_that_were_set_aside_or_have_lapsed_are_not_missing(camera: Camera) -> None:
    camera.seal(3)
    camera.outbox.set_aside("000000000001")
    camera.outbox.remove("000000000002")
    camera.ledger.append(Happening.EVENT_LAPSED, {"name": "000000000002"})
    assert camera.start() == camera.links[2]
    assert camera.faults == []


def test_after_a_power_cut_the_outbox_may_be_one_ahead_of_the_ledger(camera: Camera) -> None:
    camera.seal(2)
    camera.seal(recorded=False)
    assert camera.start() == camera.links[2]
    assert camera.faults == []


def test_without_any_mark_and_any_event_the_chain_goes_on_from_the_ledger(camera: Camera) -> None:
    camera.seal(2)
    for number in (1, 2):
        camera.receipt(number)
    for name in MARKS:
        (camera.folder / "outbox" / name).unlink()
    assert camera.start() == Link(2, UNKNOWN_BOOT, 2, camera.links[1].digest)
    assert camera.outbox.recover().link == camera.start()


def test_a_newest_event_that_broke_is_no_chain_that_was_put_back(camera: Camera) -> None:
    camera.seal(3)
    newest = camera.folder / "outbox" / "waiting" / "000000000003"
    newest.write_bytes(newest.read_bytes()[:-1])
    assert camera.start() == Link(3, UNKNOWN_BOOT, 3, camera.links[2].digest)
    assert camera.faults == []


def test_a_ledger_of_the_version_before_has_no_numbers_and_still_shows_a_rollback(
    camera: Camera,
) -> None:
    camera.seal(2, numbered=False)
    before = camera.marks()
    camera.seal(numbered=False)
    assert camera.start() == camera.links[2]
    camera.take(3)
    camera.put_back(before)
    link = camera.start()
    assert link is not None
    assert link.digest == camera.links[2].digest
    assert link.number >= 3
    assert [fault["code"] for fault in camera.faults] == ["chain_behind"]


def test_events_of_the_version_before_are_not_missed(camera: Camera) -> None:
    camera.seal(3, numbered=False)
    for number in (1, 2):
        camera.take(number)  # Its courier removed them, and only its ledger says so.
    camera.seal()
    assert camera.start() == camera.links[3]
    assert camera.faults == []
