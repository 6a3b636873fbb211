"""A camera's firewall in network namespaces: the real rules, and packets of another machine.

The camera and the other machine are two networks of this kernel, at the two ends of a wire. Needs
root and nft.
"""

import ctypes
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import TypeVar

import pytest

from firmware.config import Config
from firmware.errors import FirmwareError
from firmware.firewall import rules, set_firewall
from firmware.registration.kept import record_path
from firmware.tests.command import config_of
from firmware.tests.observations import eventually
from formats.registration_cable import PORT
from formats.service_cable import PORT as SERVICE_PORT

NFT = shutil.which("nft", path=f"{os.environ['PATH']}:/usr/sbin")
CLOSED = Path("provisioning/device/boot/files/usr/lib/tallylight/closed.nft")
TOP = Path(__file__).parents[2]
T = TypeVar("T")
BROKER, TIME, OTHER = "192.0.2.7", "192.0.2.5", "192.0.2.9"
NEW_NETWORK = 0x40000000
in_namespaces = pytest.mark.skipif(
    os.geteuid() != 0 or NFT is None, reason="network namespaces are root's, and nft is missing"
)
"""CLONE_NEWNET of setns(2)."""


def camera_config(folder: Path, *, registered: bool) -> Config:
    config = config_of(folder, broker_port=8883)
    config = replace(config, broker_host=BROKER)
    settings = config.state_folder / "settings"
    settings.mkdir(parents=True)
    (settings / "site.sources").write_text(f"server {TIME} iburst\n")
    if registered:
        record_path(config.state).write_text("{}")
    return config


@dataclass(frozen=True)
class Wire:
    """Two networks and the wire between them."""

    camera: int
    """Process in the camera's network."""
    other: int
    link: str

    def at(self, process: int, act: Callable[[], T]) -> T:
        """Do something in a network, in a thread of its own."""
        done: list[T] = []

        def do() -> None:
            with Path(f"/proc/{process}/ns/net").open() as network:
                assert ctypes.CDLL(None).setns(network.fileno(), NEW_NETWORK) == 0
            done.append(act())

        thread = Thread(target=do)
        thread.start()
        thread.join(10)
        return done[0]


def ip(process: int, *words: str) -> None:
    enter = ["nsenter", "-t", str(process), "-n", "/usr/sbin/ip", *words]
    subprocess.run(enter, check=True, timeout=30)


@contextmanager
def network() -> Iterator[int]:
    with subprocess.Popen(["unshare", "--net", "sleep", "100"]) as process:
        try:
            inside = Path(f"/proc/{process.pid}/ns/net")
            eventually(lambda: inside.readlink() != Path("/proc/self/ns/net").readlink())
            yield process.pid
        finally:
            process.kill()


@contextmanager
def wire(link: str) -> Iterator[Wire]:
    with network() as camera, network() as other:
        ends = ("link", "add", link, "type", "veth", "peer", "name", "laptop")
        ip(camera, *ends, "netns", str(other))
        for process, name, last in ((camera, link, ("21",)), (other, "laptop", ("5", "7", "9"))):
            ip(process, "link", "set", "lo", "up")
            ip(process, "link", "set", name, "up", "addrgenmode", "none")
            own = "fe80::c" if process == camera else "fe80::1"
            ip(process, "address", "add", f"{own}/64", "dev", name, "nodad")
            for each in last:
                ip(process, "address", "add", f"192.0.2.{each}/24", "dev", name)
        yield Wire(camera, other, link)


def load(wire: Wire, text: str) -> None:
    command = ["nsenter", "-t", str(wire.camera), "-n", str(NFT), "-f", "-"]
    subprocess.run(command, input=text.encode(), check=True, timeout=30)


def reaches(wire: Wire, host: str, port: int, *, udp: bool = False, inward: bool = False) -> bool:
    """Return whether a packet from one network reaches a socket of the other."""
    return arrives(wire, (host, port), 5.0, udp=udp, inward=inward)


def stops(wire: Wire, host: str, port: int, *, udp: bool = False, inward: bool = False) -> bool:
    """Return whether it does not; without rules it takes less than a millisecond."""
    return not arrives(wire, (host, port), 0.3, udp=udp, inward=inward)


def arrives(wire: Wire, to: tuple[str, int], within_s: float, *, udp: bool, inward: bool) -> bool:
    host, port = to
    kind = socket.SOCK_DGRAM if udp else socket.SOCK_STREAM
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    source, target = (wire.other, wire.camera) if inward else (wire.camera, wire.other)

    def bound() -> socket.socket:
        door = socket.socket(family, kind)
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.settimeout(within_s)
        door.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", port))  # noqa: S104
        if not udp:
            door.listen(1)
        return door

    def sent() -> socket.socket | None:
        line = socket.socket(family, kind)
        line.settimeout(within_s)
        scope = socket.if_nametoindex("laptop" if inward else wire.link)
        address = (host, port, 0, scope) if family == socket.AF_INET6 else (host, port)
        try:
            line.connect(address)
            line.send(b"x")
        except OSError:
            line.close()
            return None
        return line

    with ExitStack() as opened:
        door = opened.enter_context(wire.at(target, bound))
        line = wire.at(source, sent)
        if line is None:
            return False
        opened.enter_context(line)
        try:
            got = door if udp else opened.enter_context(door.accept()[0])
            return bool(got.recv(1))
        except TimeoutError:
            return False


@in_namespaces
def test_without_rules_everything_passes_here() -> None:
    """So that the other tests measure the rules."""
    with wire("eth0") as both:
        assert reaches(both, OTHER, 22)
        assert reaches(both, "192.0.2.21", 22, inward=True)
        assert reaches(both, "fe80::c", PORT, udp=True, inward=True)


@in_namespaces
@pytest.mark.parametrize("link", ["usb0", "eth0"])
def test_a_new_camera_answers_a_laptop_and_reaches_nothing(tmp_path: Path, link: str) -> None:
    with wire(link) as both:
        load(both, rules(camera_config(tmp_path, registered=False)))
        assert reaches(both, "fe80::c", PORT, inward=True)
        assert reaches(both, "fe80::c", PORT, udp=True, inward=True)
        assert stops(both, "192.0.2.21", PORT, inward=True)
        assert stops(both, "fe80::c", 22, inward=True)
        assert stops(both, BROKER, 8883)
        assert stops(both, TIME, 123, udp=True)


@in_namespaces
def test_a_new_camera_answers_no_other_link(tmp_path: Path) -> None:
    with wire("eth1") as both:
        load(both, rules(camera_config(tmp_path, registered=False)))
        assert stops(both, "fe80::c", PORT, inward=True)


@in_namespaces
def test_a_registered_camera_reaches_its_broker_and_time_server_and_accepts_nothing(
    tmp_path: Path,
) -> None:
    with wire("eth0") as both:
        load(both, rules(camera_config(tmp_path, registered=True)))
        assert reaches(both, BROKER, 8883)
        assert reaches(both, BROKER, 8884)
        assert reaches(both, TIME, 123, udp=True)
        assert stops(both, OTHER, 8883)
        assert stops(both, BROKER, 22)
        assert stops(both, OTHER, 53, udp=True)
        assert stops(both, "192.0.2.21", 22, inward=True)
        assert stops(both, "fe80::c", PORT, inward=True)
        assert stops(both, "fe80::1", SERVICE_PORT)  # On its USB link alone.


@in_namespaces
def test_a_registered_camera_calls_a_laptop_on_its_usb_link(tmp_path: Path) -> None:
    with wire("usb0") as both:
        load(both, rules(camera_config(tmp_path, registered=True)))
        assert reaches(both, "fe80::1", SERVICE_PORT)
        assert reaches(both, "fe80::1", SERVICE_PORT, udp=True)
        assert stops(both, "fe80::1", 22)
        assert stops(both, "fe80::c", PORT, inward=True)


@in_namespaces
def test_before_the_settings_are_read_nothing_passes() -> None:
    with wire("eth0") as both:
        load(both, (TOP / CLOSED).read_text())
        assert stops(both, TIME, 123, udp=True)
        assert stops(both, "fe80::c", PORT, inward=True)


def test_a_host_that_is_a_name_opens_no_way(tmp_path: Path) -> None:
    config = replace(camera_config(tmp_path, registered=True), broker_host="broker.example")
    assert "8883" not in rules(config)


def test_a_time_server_that_proves_its_identity_opens_the_way_of_nts(tmp_path: Path) -> None:
    config = camera_config(tmp_path, registered=True)
    (config.state_folder / "settings" / "site.sources").write_text(
        "server 2001:db8::5 iburst nts\n"
    )
    text = rules(config)
    assert "ip6 daddr 2001:db8::5 udp dport 123 accept" in text
    assert "ip6 daddr 2001:db8::5 tcp dport 4460 accept" in text


@pytest.mark.parametrize("word", ["192.0.2.5;accept", "0.0.0.0/0", "fe80::5%x;accept"])
def test_no_word_of_the_settings_becomes_a_rule(tmp_path: Path, word: str) -> None:
    config = camera_config(tmp_path, registered=True)
    (config.state_folder / "settings" / "site.sources").write_text(f"server {word}\n")
    assert "123" not in rules(config)


def test_rules_that_nft_refuses_end_in_one_sentence(tmp_path: Path) -> None:
    config = camera_config(tmp_path, registered=True)
    with pytest.raises(FirmwareError, match="nft refuses"):
        set_firewall(config, ("/bin/sh", "-c", "echo no such table >&2; exit 1"))
    with pytest.raises(FirmwareError, match="does not run"):
        set_firewall(config, (str(tmp_path / "nft"),))
