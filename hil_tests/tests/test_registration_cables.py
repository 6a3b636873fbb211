"""Registrations over network links: each camera in a network of its own, at the end of a cable.

Two links of this machine's own are enough for the code of sockets. Needs root, for namespaces.
"""

import ctypes
import os
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self, TypeAlias

import pytest

from firmware.config import Config
from firmware.errors import AlreadyRunning
from firmware.guard.blinks import Seen
from firmware.registration import listener
from firmware.registration.kept import check_registration
from firmware.registration.listener import listen_on, run, serve
from firmware.supervisor import Supervisor
from firmware.tests.command import config_of
from firmware.tests.observations import eventually
from hil_tests.rig.simulated_cable import SimulatedLamp
from hil_tests.tests.registration_pair import ROOT, Camera, Laptop, register
from hil_tests.tests.test_registration_bench import Desk, Person
from provisioning.registration.cable import Cable, LinkCable, named_cables

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces are root's"),
    pytest.mark.timeout(300),
]
NEW_NETWORK = 0x40000000
"""CLONE_NEWNET of unshare(2)."""


Life: TypeAlias = Callable[[Callable[[], bool]], None]
"""What a camera does while it is told to run."""


def listening(camera: Camera) -> Life:
    """Return the life of a camera that listens on its one link until it is registered."""

    def live(running: Callable[[], bool]) -> None:
        link = listen_on("usb0")
        assert link is not None
        while running() and not camera.session.ended:
            serve(camera.session, [link])
        link.close()

    return live


def ip(*words: str) -> None:
    subprocess.run(["/usr/sbin/ip", *words], check=True, capture_output=True, timeout=30)


@contextmanager
def on_links(lives: Sequence[Life], name: str) -> Generator[list[str]]:
    """Give each camera a network of its own with one link, and let it live; yield the links."""
    ready, stopped = threading.Barrier(len(lives) + 1), threading.Event()
    namespaces: list[int] = []

    def begin(live: Life) -> None:
        assert ctypes.CDLL(None).unshare(NEW_NETWORK) == 0  # Of this thread alone.
        namespaces.append(threading.get_native_id())
        ready.wait(60)
        ready.wait(60)
        live(lambda: not stopped.is_set())

    threads = []
    links = [f"{name}{number}" for number in range(len(lives))]
    order: list[int] = []
    for live in lives:
        thread = threading.Thread(target=begin, args=(live,))
        thread.start()
        threads.append(thread)
        while len(namespaces) == len(order):
            pass
        order.append(namespaces[-1])
    try:
        ready.wait(60)
        for link, thread_id in zip(links, order, strict=True):
            peer = ("type", "veth", "peer", "name", "usb0", "netns", str(thread_id))
            ip("link", "add", link, *peer)
            enter = ["/usr/bin/nsenter", f"--net=/proc/{thread_id}/ns/net"]
            up = [*enter, "/usr/sbin/ip", "link", "set", "usb0", "addrgenmode", "eui64", "up"]
            subprocess.run(up, check=True, timeout=30)
            ip("link", "set", link, "addrgenmode", "eui64", "up")
        ready.wait(60)
        yield links
    finally:
        stopped.set()
        for thread in threads:
            thread.join(60)
        for link in links:
            subprocess.run(["/usr/sbin/ip", "link", "del", link], check=False, capture_output=True)


@pytest.mark.parametrize("many", [2, pytest.param(50, marks=pytest.mark.long)])
def test_cameras_on_links_of_their_own_are_registered_and_close_their_sockets(
    tmp_path: Path, many: int
) -> None:
    cameras = [Camera(tmp_path, f"c{number}") for number in range(many)]
    with on_links(list(map(listening, cameras)), "tl") as links:
        cables: list[Cable] = [*named_cables(links)]
        places = dict(zip(links, cameras, strict=True))
        desk = Desk(Laptop(tmp_path / "site"), Person(places))
        desk.run(cables, many)
        assert all(LinkCable(link, link).who() == frozenset() for link in links)
    for link, camera in places.items():
        kept = check_registration(camera.state)
        assert (kept.board.serial, kept.acceptance.place) == (camera.serial, link)
    assert len({one.identity.camera_id for one in desk.laptop.manifest().found}) == many


def test_a_switch_that_mixes_two_cameras_up_is_noticed(tmp_path: Path) -> None:
    cameras = [Camera(tmp_path, "c1"), Camera(tmp_path, "c2")]
    with on_links(list(map(listening, cameras)), "ts") as links:
        ip("link", "add", "tsbridge", "address", "02:00:00:00:00:99", "type", "bridge")
        try:
            for link in links:
                ip("link", "set", link, "master", "tsbridge")
            ip("link", "set", "tsbridge", "addrgenmode", "eui64", "up")
            cable = LinkCable("tsbridge", "switch")
            eventually(lambda: cable.who() == {"c1", "c2"}, within_s=10)
        finally:
            ip("link", "del", "tsbridge")


def test_a_code_takes_longer_than_a_laptop_may_be_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "SILENT_S", 0.5)
    camera = Camera(tmp_path, "c1")
    blink = camera.session.blink

    def slowly(code: tuple[int, ...]) -> Seen:
        time.sleep(0.7)
        return blink(code)

    camera.session.blink = slowly
    with on_links([listening(camera)], "tc") as (link,):
        cable = LinkCable(link, link)
        eventually(lambda: cable.who() == {"c1"})
        register(Laptop(tmp_path / "site").exchange("c1"), cable.ask)
        cable.hang_up()
    assert check_registration(camera.state).board.serial == "c1"


class Lines(SimulatedLamp):
    """The lamp's lines, as a program opens and closes them."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.drive(high=False)


@pytest.mark.long  # The program blinks on the real clock.
def test_the_program_register_blinks_is_registered_and_ends(tmp_path: Path) -> None:
    config = made_bare(tmp_path)
    lines = Lines()

    def live(running: Callable[[], bool]) -> None:
        run(config, ["usb0"], lambda: lines, running, Supervisor())

    with on_links([live], "tp") as (link,):
        cable, found = LinkCable(link, link), frozenset[str]()
        while not found:
            found = cable.who()
        laptop = Laptop(tmp_path / "site")
        with pytest.raises(AlreadyRunning):
            run(config, [], Lines, lambda: True, Supervisor())
        register(laptop.exchange(min(found)), cable.ask)
        cable.hang_up()
        eventually(lambda: cable.who() == frozenset())
    kept = check_registration(config.state)
    assert kept == laptop.manifest().found[0]
    assert kept.lamp.lit_samples > 100


def made_bare(folder: Path) -> Config:
    """Return the settings of a camera that has its image and nothing else."""
    config = config_of(folder)
    config.trusted_root.write_bytes(ROOT)
    return config
