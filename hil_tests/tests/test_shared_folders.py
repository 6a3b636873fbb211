"""Shared folders with the camera's own users: what a program that was taken over can do there.

The folders are made by systemd-tmpfiles from the image's own file. Children of the test run as the
user of `watch` or of the courier.
"""

import os
import shutil
import signal
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

import pytest

from firmware.config import State
from firmware.courier import Courier, events_due, send_event, subscriptions, tidy
from firmware.delivery.hand_over import HandOver
from firmware.delivery.inbox import Inbox
from firmware.delivery.marks import Terms
from firmware.delivery.outbox import Outbox
from firmware.delivery.receipts import Receipts
from firmware.delivery.removal import Removal
from firmware.delivery.waiting import WaitingEvents
from firmware.errors import FolderShared
from firmware.identity import camera_identity, courier_key, watch_keys
from firmware.record.ledger import Ledger
from firmware.tests.observations import records
from firmware.tests.outbox_events import ESTATE, event
from formats.ledger import Happening, Program
from hil_tests.rig.camera_users import COURIER, SHARED, WATCH, make_folders
from wire.connection import Connection
from wire.line import Line as ConnectionLine
from wire.tests.broker import Broker

LONGEST_S: Final = 5.0
"""What is refused is refused at once; the rest of this is for a busy machine."""
FIRST = "000000000001"

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("systemd-tmpfiles") is None,
    reason="It becomes other users and runs systemd-tmpfiles: that takes root and systemd.",
)


@dataclass(frozen=True)
class Camera:
    """A camera's folders, and a certificate for its broker."""

    broker: Broker

    @property
    def root(self) -> Path:
        return self.broker.folder

    @property
    def state(self) -> State:
        return self.broker.state


@pytest.fixture
def camera() -> Iterator[Camera]:
    """A camera with keys and one event that waits."""
    root = Path(tempfile.mkdtemp(prefix="tallylight-users-"))
    root.chmod(0o755)
    camera = Camera(Broker(root))
    (camera.state.root / "enrolment.json").chmod(0o644)
    make_folders(camera.root)
    as_user(WATCH, lambda: seal(camera))
    as_user(COURIER, lambda: Receipts(camera.state.receipts).reserve())
    yield camera
    shutil.rmtree(root)


def seal(camera: Camera) -> None:
    outbox = Outbox(camera.state.outbox)
    outbox.put(*event(1, key=watch_keys(camera.state).sign))
    outbox.set_terms(Terms(bytes(ESTATE.verify_key), 30))


def as_user(uid: int, action: Callable[[], object]) -> None:
    """Run `action` in a child as a program of the camera runs; it must not raise."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([SHARED])
            os.setgid(uid)
            os.setuid(uid)
            os.umask(0o027)
            action()
            code = 0
        except BaseException:  # noqa: BLE001  # The child must not go on in pytest.
            traceback.print_exc()
        finally:
            os._exit(code)
    until_s = time.monotonic() + LONGEST_S
    while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0):
        if time.monotonic() > until_s:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            pytest.fail("It hangs.")
        time.sleep(0.005)
    assert os.waitstatus_to_exitcode(ended[1]) == 0


def write(path: Path) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK))


def rename(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))


def delete(path: Path) -> None:
    path.rmdir() if path.is_dir() else path.unlink()


def plant_link(path: Path) -> None:
    (path if path.is_dir() else path.parent).joinpath("000000000002").symlink_to("/etc/hostname")


def plant_fifo(path: Path) -> None:
    os.mkfifo((path if path.is_dir() else path.parent) / "000000000002")


def open_to_all(path: Path) -> None:
    path.chmod(0o777)


ATTACKS = [write, rename, delete, plant_link, plant_fifo, open_to_all]


def below(*folders: Path) -> list[Path]:
    return list(chain.from_iterable((folder, *folder.rglob("*")) for folder in folders))


def attempts(paths: list[Path], attack: Callable[[Path], None]) -> None:
    """Try an attack on each path, deepest first; each must be refused."""
    done = []
    for path in sorted(paths, reverse=True):
        try:
            attack(path)
        except (PermissionError, IsADirectoryError):
            continue
        done.append(path)
    assert not done, done


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_courier_that_was_taken_over_changes_nothing_where_watch_writes(
    camera: Camera, attack: Callable[[Path], None]
) -> None:
    paths = below(camera.state.outbox, camera.state.watch)
    assert camera.state.outbox / "waiting" / FIRST in paths
    as_user(COURIER, lambda: attempts(paths, attack))


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_watch_that_was_taken_over_changes_nothing_where_the_courier_writes(
    camera: Camera, attack: Callable[[Path], None]
) -> None:
    paths = below(camera.state.receipts, camera.state.inbox, camera.state.courier)
    assert camera.state.courier / "tls.key" in paths
    as_user(WATCH, lambda: attempts(paths, attack))


def test_each_reads_what_the_other_hands_over(camera: Camera) -> None:
    as_user(COURIER, lambda: WaitingEvents(camera.state.outbox).read_sealed(FIRST))
    as_user(COURIER, lambda: Receipts(camera.state.receipts).put(FIRST, b"a receipt"))
    as_user(WATCH, lambda: Receipts(camera.state.receipts).read(FIRST))


def test_an_outbox_of_the_version_before_is_refused_until_it_is_the_cameras(
    camera: Camera,
) -> None:
    outbox = camera.state.outbox
    for path in below(outbox):
        path.chmod(0o2770 if path.is_dir() else 0o660)
    os.chown(outbox / "leaving", COURIER, SHARED)
    (outbox / "leaving" / "000000000009").write_bytes(b"half overwritten")

    def refuse() -> None:
        with pytest.raises(FolderShared, match="systemd-tmpfiles"):
            Outbox(outbox)

    as_user(WATCH, refuse)
    make_folders(camera.root)
    as_user(WATCH, lambda: Outbox(outbox).recover())
    assert sorted(os.listdir(outbox / "leaving")) == []  # noqa: PTH208  # Names alone.
    assert WaitingEvents(outbox).names() == [FIRST]


def test_a_link_in_the_outbox_is_not_chowned_through(camera: Camera) -> None:
    victim = camera.root / "victim"
    victim.write_text("root's")
    (camera.state.outbox / "waiting" / "000000000002").symlink_to(victim)
    make_folders(camera.root)
    assert victim.stat().st_uid == 0


# What `watch` could plant in its own outbox, for the courier to follow.


def link_to_key(camera: Camera) -> None:
    key = camera.state.courier / "tls.key"
    (camera.state.outbox / "waiting" / "000000000002").symlink_to(key)


def link_of_the_folder(camera: Camera) -> None:
    outbox = camera.state.outbox
    (outbox / "waiting").rename(outbox / "gone")
    (outbox / "waiting").symlink_to(camera.state.courier)


def link_of_the_terms(camera: Camera) -> None:
    (camera.state.outbox / "terms").unlink()
    (camera.state.outbox / "terms").symlink_to(camera.state.courier / "tls.key")


def fifo(camera: Camera) -> None:
    os.mkfifo(camera.state.outbox / "waiting" / "000000000002")


def folder(camera: Camera) -> None:
    (camera.state.outbox / "waiting" / "000000000002").mkdir()


def sparse_terabyte(camera: Camera) -> None:
    with (camera.state.outbox / "waiting" / "000000000002").open("wb") as file:
        file.truncate(2**40)


def one_round(camera: Camera, connection: Connection) -> None:
    """Do what the courier does while it is connected, short of the network."""
    state = camera.state
    connection.connected, connection._line = True, ConnectionLine()
    outbox, ledger = WaitingEvents(state.outbox), Ledger(state.courier, Program.COURIER)
    handed = HandOver(outbox, Receipts(state.receipts), courier_key(state), ledger)
    key = camera_identity(state).sign_key
    courier = Courier(outbox, connection, handed, key, Inbox(state.inbox), ledger)
    for _ in range(2):
        tidy(courier)
        for name in events_due(courier):
            send_event(courier, name)


@pytest.mark.parametrize("plant", [link_to_key, link_of_the_folder, fifo, folder, sparse_terabyte])
def test_the_courier_follows_nothing_that_watch_plants_and_records_it_once(
    camera: Camera, plant: Callable[[Camera], None]
) -> None:
    keys = {path: path.read_bytes() for path in camera.state.courier.glob("*key*")}
    as_user(WATCH, lambda: plant(camera))
    connection = camera.broker.connection(camera.broker.name, subscriptions(bytes(16)))
    as_user(COURIER, lambda: one_round(camera, connection))
    assert {path: path.read_bytes() for path in keys} == keys
    (fault,) = records(camera.state.courier, Happening.FAULT)
    assert fault["code"] == "outbox_broken"
    assert fault["name"] in {"000000000002", "waiting"}


def test_terms_that_are_a_link_are_no_terms(camera: Camera) -> None:
    as_user(WATCH, lambda: link_of_the_terms(camera))

    def read() -> None:
        assert WaitingEvents(camera.state.outbox).terms() is None

    as_user(COURIER, read)


@pytest.mark.parametrize("closed", [FIRST, "."])
def test_a_receipt_that_its_mode_closes_is_refused_by_name_and_ends_nothing(
    camera: Camera, closed: str
) -> None:
    state = camera.state
    as_user(COURIER, lambda: Receipts(state.receipts).put(FIRST, b"a receipt"))
    as_user(COURIER, lambda: (state.receipts / closed).chmod(0o000))

    def remove() -> None:
        ledger = Ledger(state.watch, Program.WATCH)
        Removal(Outbox(state.outbox), Receipts(state.receipts), ledger, lambda: None).round()

    as_user(WATCH, remove)
    (fault,) = records(state.watch, Happening.FAULT)
    name = FIRST if closed == FIRST else "receipts"
    assert fault == {"code": "receipt_refused", "name": name}
    assert WaitingEvents(state.outbox).names() == [FIRST]


@pytest.mark.parametrize("closed", [FIRST, "."])
def test_an_event_that_its_mode_closes_ends_no_courier(camera: Camera, closed: str) -> None:
    as_user(WATCH, lambda: (camera.state.outbox / "waiting" / closed).chmod(0o000))
    connection = camera.broker.connection(camera.broker.name, subscriptions(bytes(16)))
    as_user(COURIER, lambda: one_round(camera, connection))
    (fault,) = records(camera.state.courier, Happening.FAULT)
    assert fault["code"] == "outbox_broken"
