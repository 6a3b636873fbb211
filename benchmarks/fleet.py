"""A fleet of simulated cameras, and the place where they deliver: broker, receiver, courier.

Each camera has a key and a certificate of its own and speaks to a real broker over TLS. It has no
outbox: it sends an event again until the broker confirms it.
"""

import logging
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nacl.public import PrivateKey
from nacl.signing import SigningKey

from formats.camera_request import CameraIdentity, write_request
from formats.envelope import sender_id
from formats.topics import Channel, Topic
from hil_tests.long.chaos.testbed import Testbed, open_testbed
from provisioning.broker.certificates import Authority, private_pem
from wire.certificate import Address, Certificate
from wire.connection import Connection
from wire.tests.broker import HOST, Broker

LIMIT_S: Final = 240.0
"""Longest wait for one thing; the benchmark stops after it."""

FILES_MAX: Final = 4096
"""Open files, one for each connection and more."""


@dataclass(slots=True)
class Camera:
    """A simulated camera: its key and its connection."""

    key: SigningKey
    connection: Connection
    sent: dict[int, bytes] = field(default_factory=dict)
    """Events that the broker has not confirmed, by number of the message."""

    def send(self, blob: bytes) -> None:
        """Publish an event; `turn` publishes it again until the broker has confirmed it."""
        self.sent[self.connection.publish(self.topic, blob)] = blob

    def turn(self) -> None:
        """Do the network's work; take receipts and forget them."""
        self.connection.run_network(0.0005)
        for receipt in self.connection.take_arrived():
            self.connection.acknowledge(receipt)
        for answer in self.connection.take_acknowledged():
            blob = self.sent.pop(answer.number, None)
            if blob is not None and not answer.delivered:
                self.send(blob)

    @property
    def topic(self) -> str:
        """The topic of its events."""
        return str(Topic(sender_id(self.key.verify_key), Channel.EVENT))


def prepare_process() -> None:
    """Allow many connections, stop every server on SIGTERM, and log errors only."""
    logging.getLogger("wire").setLevel(logging.ERROR)  # Every camera would log each lost broker.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES_MAX, most))


def await_all(fleet: list[Camera], done: Callable[[], bool]) -> None:
    """Turn every camera's connection until `done`; stop the benchmark after `LIMIT_S`."""
    until_s = time.monotonic() + LIMIT_S
    while not done():
        if time.monotonic() > until_s:
            raise SystemExit(f"The cameras were not served within {LIMIT_S:.0f} s: run it again.")
        for one in fleet:
            one.turn()


def cameras(broker: Broker, count: int, registered: Path, port: int = 0) -> list[Camera]:
    """Make cameras with keys and certificates of their own, and register them at the receiver.

    Args:
        broker: where they deliver.
        count: how many.
        registered: the receiver's folder of cameras.
        port: where they reach the broker, if not directly.
    """
    authority = Authority(
        Ed25519PrivateKey.from_private_bytes(bytes(32)), "Tallylight mill", datetime.now(UTC)
    )
    keys = camera_keys(count)
    return [_camera(broker, authority, key, registered, port) for key in keys]


def camera_keys(count: int) -> list[SigningKey]:
    """Return the keys of so many cameras, the same each time."""
    return [SigningKey(number.to_bytes(32, "big")) for number in range(count)]


def _camera(
    broker: Broker, authority: Authority, key: SigningKey, registered: Path, port: int
) -> Camera:
    name = sender_id(key.verify_key).hex()
    secret = PrivateKey.generate().public_key
    public = key.verify_key
    identity = CameraIdentity(public, secret, secret, lampguard_key=public, courier_key=public)
    request = write_request(key, identity, b"none")
    (registered / f"{name}.json").write_bytes(request)
    private = Ed25519PrivateKey.generate()
    folder = broker.folder / "fleet"
    folder.mkdir(exist_ok=True)
    files = Certificate(broker.files / "ca.pem", folder / f"{name}.pem", folder / f"{name}.key")
    files.chain.write_bytes(authority.client_certificate(name, private.public_key()))
    files.key.write_bytes(private_pem(private))
    address = Address(HOST, port or broker.port, name, files)
    return Camera(key, Connection(address, str(Topic(sender_id(key.verify_key), Channel.RECEIPT))))


@contextmanager
def scratch_testbed(*, small: bool, url: str = "", on: Path | None = None) -> Iterator[Testbed]:
    """Open a testbed in a temporary folder, `on` a given disk; it is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="tallylight-bench-", dir=on))
    try:
        with open_testbed(folder / "testbed", count=0, pause_s=0, url=url, small=small) as testbed:
            yield testbed
    finally:
        shutil.rmtree(folder, ignore_errors=True)
