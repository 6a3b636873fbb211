"""What delivery costs on this machine, with real programs and a real broker; nothing is asserted.

One camera's outbox through courier, broker and receiver; many cameras to one receiver and to four;
two hundred cameras that all lost their broker; a camera that was away while 10,000 events waited.
"""

import argparse
import logging
import os
import platform
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nacl.public import PrivateKey
from nacl.signing import SigningKey
from sqlalchemy import func, select

from estate.store import ENVELOPES, Store
from estate.tests.events import sealed_event
from estate.tests.postgres import Missing, cluster
from firmware.delivery import marks
from firmware.delivery.marks import Link
from firmware.delivery.outbox import CHAINS
from firmware.identity import watch_keys
from formats.enrolment import CameraIdentity, write_request
from formats.envelope import NO_PREVIOUS, sender_id
from formats.topics import Channel, Topic
from hil_tests.chaos.yard import Held, Yard, open_yard
from provisioning.certificates import Authority, private_pem
from wire.certificate import Address, Certificate
from wire.connection import Connection
from wire.tests.broker import HOST, Broker

LIMIT_S: Final = 240.0
CAMERAS: Final = 20
EVENTS_EACH: Final = 40
FLEET: Final = 200
START_S: Final = 12.0
"""Until every receiver listens, on a busy machine."""


@dataclass(slots=True)
class Camera:
    """A simulated camera: its key and its connection."""

    key: SigningKey
    connection: Connection
    sent: dict[int, bytes] = field(default_factory=dict)
    """By number of the message."""

    def send(self, blob: bytes) -> None:
        """Send an event, and again for as long as nobody listens."""
        self.sent[self.connection.publish(self.topic, blob)] = blob

    def turn(self) -> None:
        """Do the network's work."""
        self.connection.turn(0.0005)
        for answer in self.connection.acknowledged():
            blob = self.sent.pop(answer.number, None)
            if blob is not None and not answer.delivered:
                self.send(blob)

    @property
    def topic(self) -> str:
        """Of its events."""
        return str(Topic(sender_id(self.key.verify_key), Channel.EVENT))


def fill(yard: Yard, count: int) -> None:
    """Put events into the outbox of a camera that is away, without waiting for the disk."""
    key, previous = watch_keys(yard.broker.state).sign, NO_PREVIOUS
    outbox, link = yard.state / "outbox", Link(0, bytes(16), 0, bytes(32))
    for number in range(1, count + 1):
        sealed = sealed_event(key, number, previous=previous)
        (outbox / "waiting" / f"{number:012d}").write_bytes(sealed.blob)
        previous = sealed.digest
        link = Link(number, sealed.header.boot_id, number, sealed.digest)
    for name in CHAINS:
        marks.write(outbox / name, link)


def drain(count: int) -> tuple[float, float]:
    """Return events per second from outbox to receipt, and the courier's most memory in MiB."""
    with yard_of(small=False) as yard:
        fill(yard, count)
        yard.receiver.keep()
        time.sleep(2)
        yard.courier.keep()
        waiting, courier = yard.state / "outbox" / "waiting", yard.courier.process
        assert courier is not None
        begun_s = await_first(waiting, count)
        while any(waiting.iterdir()):
            assert time.monotonic() - begun_s < LIMIT_S, "It took too long."
            time.sleep(0.1)
        return count / (time.monotonic() - begun_s), peak_mib(courier.pid)


def await_first(waiting: Path, count: int) -> float:
    """Wait until the first event has left; return when."""
    until_s = time.monotonic() + LIMIT_S
    while len(list(waiting.iterdir())) == count:
        assert time.monotonic() < until_s, "Nothing left the outbox."
        time.sleep(0.02)
    return time.monotonic()


def peak_mib(pid: int) -> float:
    """The most memory that a process ever had."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def receivers(workers: int, url: str) -> float:
    """Return events per second that many cameras bring into the store of some receivers."""
    with yard_of(small=True, url=url) as yard, ExitStack() as stack:
        fleet = cameras(yard.broker, CAMERAS, yard.folder / "cameras")
        for held in workers_of(yard, workers):
            stack.callback(held.stop)
            held.keep()
        time.sleep(START_S)
        for one in fleet:
            stack.callback(one.connection.close)
        turn_all(fleet, lambda: all(one.connection.connected for one in fleet))
        events = {
            one.topic: [sealed_event(one.key, at) for at in range(1, EVENTS_EACH + 1)]
            for one in fleet
        }
        store, begun_s = Store(yard.url), time.monotonic()
        for one in fleet:
            for sealed in events[one.topic]:
                one.send(sealed.blob)
        turn_all(fleet, lambda: stored(store) == CAMERAS * EVENTS_EACH)
        wall_s = time.monotonic() - begun_s
        store.close()
        return CAMERAS * EVENTS_EACH / wall_s


def stored(store: Store) -> int:
    """Return how many events are in the store."""
    with store.engine.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(ENVELOPES)).scalar_one())


def reconnect() -> tuple[float, int]:
    """Return how long it takes until a fleet that lost its broker is back, and its attempts."""
    with yard_of(small=True) as yard, ExitStack() as stack:
        fleet = cameras(yard.broker, FLEET, yard.folder / "cameras", port=yard.uplink.port)
        for one in fleet:
            stack.callback(one.connection.close)
        turn_all(fleet, lambda: all(one.connection.connected for one in fleet))
        before = yard.uplink.counts.connections
        yard.broker.kill()
        turn_all(fleet, lambda: not any(one.connection.connected for one in fleet))
        yard.broker.start()
        begun_s = time.monotonic()
        turn_all(fleet, lambda: all(one.connection.connected for one in fleet))
        return time.monotonic() - begun_s, yard.uplink.counts.connections - before


def turn_all(fleet: list[Camera], done: object) -> None:
    """Turn every camera's connection until something holds."""
    assert callable(done)
    until_s = time.monotonic() + LIMIT_S
    while not done():
        assert time.monotonic() < until_s, "It did not happen in time."
        for one in fleet:
            one.turn()


def cameras(broker: Broker, count: int, enrolled: Path, port: int = 0) -> list[Camera]:
    """Make cameras with keys and certificates of their own, and enrol them at the receiver."""
    authority = Authority(
        Ed25519PrivateKey.from_private_bytes(bytes(32)), "Tallylight mill", datetime.now(UTC)
    )
    return [camera(broker, authority, number, enrolled, port) for number in range(count)]


def camera(broker: Broker, authority: Authority, number: int, enrolled: Path, port: int) -> Camera:
    """Make one of them."""
    key = SigningKey(number.to_bytes(32, "big"))
    name = sender_id(key.verify_key).hex()
    secret = PrivateKey.generate().public_key
    public = key.verify_key
    identity = CameraIdentity(public, secret, secret, lampguard_key=public, courier_key=public)
    request = write_request(key, identity, b"none")
    (enrolled / f"{name}.json").write_bytes(request)
    private = Ed25519PrivateKey.generate()
    folder = broker.folder / "fleet"
    folder.mkdir(exist_ok=True)
    files = Certificate(broker.files / "ca.pem", folder / f"{name}.pem", folder / f"{name}.key")
    files.chain.write_bytes(authority.client(name, private.public_key()))
    files.key.write_bytes(private_pem(private))
    address = Address(HOST, port or broker.port, name, files)
    return Camera(key, Connection(address, str(Topic(sender_id(key.verify_key), Channel.RECEIPT))))


def workers_of(yard: Yard, count: int) -> list[Held]:
    """Receivers that share one store, each with a certificate of its own."""
    held, settings = [yard.receiver], (yard.folder / "receiver.toml").read_text()
    command = [str(word) for word in yard.receiver.command]
    for number in range(2, count + 1):
        name = f"receiver-{number}"
        path = yard.folder / f"{name}.toml"
        changed = settings.replace("clients/receiver.", f"clients/{name}.")
        path.write_text(changed.replace("name = 'receiver'", f"name = '{name}'"))
        own = [str(path) if word.endswith("receiver.toml") else word for word in command]
        held.append(Held(own, yard.folder / f"{name}.log"))
    return held


@contextmanager
def yard_of(*, small: bool, url: str = "") -> Iterator[Yard]:
    """A yard in a folder that goes away."""
    folder = Path(tempfile.mkdtemp(prefix="tallylight-bench-"))
    try:
        with open_yard(folder / "yard", count=0, pause_s=0, url=url, small=small) as yard:
            yield yard
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Measure and print, each figure as soon as it is there."""
    parser = argparse.ArgumentParser(prog="make bench-delivery", description=__doc__)
    parser.add_argument("--queued", type=int, default=10_000)
    chosen = parser.parse_args()
    logging.getLogger("wire").setLevel(logging.ERROR)  # Every camera would say that it lost it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # Leave no server and no disk behind.
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    )
    say(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {platform.machine()}, "
        f"Python {platform.python_version()}, events of 33,203 bytes",
        "",
    )
    rate, mib = drain(chosen.queued)
    say(f"courier to receiver, {chosen.queued:,} waiting, SQLite", f"{rate:.0f} events/s")
    say("most memory of that courier", f"{mib:.0f} MiB")
    wall_s, attempts = reconnect()
    say(f"{FLEET} cameras back after their broker was killed", f"{wall_s:.1f} s")
    say("connections that they needed", str(attempts))
    for workers in (1, 4):
        rate = receivers(workers, "")
        say(f"{CAMERAS} cameras to {workers} receivers, SQLite", f"{rate:.0f} events/s")
    try:
        with cluster() as server:
            for workers in (1, 4):
                rate = receivers(workers, server.new_database())
                say(f"{CAMERAS} cameras to {workers} receivers, PostgreSQL", f"{rate:.0f} events/s")
    except Missing as reason:
        say("PostgreSQL", str(reason))
    return 0


def say(what: str, figure: str) -> None:
    """Print one line."""
    print(f"{what:56}{figure:>16}".rstrip(), flush=True)  # What users read.


if __name__ == "__main__":
    sys.exit(main())
