"""Registrations over network links: each camera in a network of its own, at the end of a cable.

Two links of this machine's own are enough for the code of sockets. Needs root, for namespaces.
"""

import ctypes
import os
import subprocess
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from firmware.registration.kept import check_registration
from firmware.registration.listener import listen_on, serve
from firmware.tests.observations import eventually
from hil_tests.tests.registration_pair import Camera, Laptop
from hil_tests.tests.test_registration_bench import Desk, Person
from provisioning.registration.cable import Cable, LinkCable, named_cables

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces are root's"),
    pytest.mark.timeout(300),
]
NEW_NETWORK = 0x40000000
"""CLONE_NEWNET of unshare(2)."""


def ip(*words: str) -> None:
    subprocess.run(["/usr/sbin/ip", *words], check=True, capture_output=True, timeout=30)


@contextmanager
def cameras_on_links(cameras: list[Camera], name: str) -> Generator[list[str]]:
    """Give each camera a network of its own with one link, and let it listen; yield the links."""
    ready, stopped = threading.Barrier(len(cameras) + 1), threading.Event()
    namespaces: list[int] = []

    def live(camera: Camera) -> None:
        assert ctypes.CDLL(None).unshare(NEW_NETWORK) == 0  # Of this thread alone.
        namespaces.append(threading.get_native_id())
        ready.wait(60)
        ready.wait(60)
        link = listen_on("usb0")
        assert link is not None
        while not stopped.is_set() and not camera.session.ended:
            serve(camera.session, [link])
        link.close()

    threads = []
    links = [f"{name}{number}" for number in range(len(cameras))]
    order: list[int] = []
    for camera in cameras:
        thread = threading.Thread(target=live, args=(camera,))
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
    with cameras_on_links(cameras, "tl") as links:
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
    with cameras_on_links(cameras, "ts") as links:
        ip("link", "add", "tsbridge", "address", "02:00:00:00:00:99", "type", "bridge")
        try:
            for link in links:
                ip("link", "set", link, "master", "tsbridge")
            ip("link", "set", "tsbridge", "addrgenmode", "eui64", "up")
            cable = LinkCable("tsbridge", "switch")
            eventually(lambda: cable.who() == {"c1", "c2"}, within_s=10)
        finally:
            ip("link", "del", "tsbridge")
