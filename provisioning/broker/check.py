"""Test the ACL and the TLS settings of a running broker with real connections.

Two clients with fresh certificates act as cameras that do not exist. The auditor's certificate
listens. Messages go to the status and site topics of these two; receipts and site bundles that the
broker must refuse name the same two. Every refusal is tried beside a permission, so that a broker
that does not answer at all passes no test.

(0) A camera can write to its own topic, and to no other.
(1) A camera can read what is sent to it. It cannot read what is sent to or by another client.
(2) A certificate that is revoked or comes from another authority is refused, and so is a client
    without a certificate.
(3) A client that claims another client's id has its own rights only.
(4) TLS 1.2 and plain TCP are refused.
"""

import secrets
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from formats.signer import Ed25519Signer
from formats.topics import Channel, Topic
from provisioning.broker.certificates import Authority, private_pem
from provisioning.broker.configuration import (
    AUDITOR,
    AUTHORITY_FILE,
    PUBLISHER,
    RECEIVER,
    REVOKED_PROBE,
    authority_of,
    client_files,
)
from provisioning.errors import BrokerRefused
from provisioning.site.folder import Site
from wire.certificate import Address, Certificate
from wire.connection import Connection

WAIT_S: Final = 5.0
"""Longest wait for an answer that must come."""
QUIET_S: Final = 0.5
"""Time in which a message that must not come is waited for."""
CONNECT_V5: Final = bytes.fromhex("101200044d5154540502003c00") + b"\x00\x05spy-1"
"""An MQTT v5 CONNECT of client `spy-1` with a clean start."""
ACCEPTED: Final = (0x20, 0)
"""First byte and reason code of a CONNACK that accepts the client."""
REASON_INDEX: Final = 3
"""Index of the reason code in a CONNACK."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One test of the broker, and whether it passed."""

    what: str
    held: bool


@dataclass(frozen=True, slots=True)
class _TestedBroker:
    """The broker that is tested, and the certificates to test it with."""

    site: Site
    host: str
    port: int
    authority: Authority
    folder: Path

    def fresh_client(self, name: str, authority: Authority | None = None) -> Address:
        """Return the broker's address with a fresh certificate for a client of this name."""
        key = Ed25519PrivateKey.generate()
        chain, private = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        chain.write_bytes((authority or self.authority).client_certificate(name, key.public_key()))
        private.touch(mode=0o600)
        private.write_bytes(private_pem(key))
        return self._address(name, chain, private)

    def issued_client(self, name: str) -> Address:
        """Return the broker's address with the certificate that a client has in its folder."""
        return self._address(name, *client_files(self.site, name))

    def _address(self, name: str, chain: Path, key: Path) -> Address:
        files = Certificate(self.site.broker / AUTHORITY_FILE, chain, key)
        return Address(self.host, self.port, name, files)


def check_broker(
    site: Site, authority_key: Ed25519Signer, host: str, port: int, now: datetime
) -> Iterator[Finding]:
    """Run the tests one after the other; yield the finding of each.

    Raises:
        BrokerRefused: there is no broker to check: it does not accept the auditor.
    """
    with TemporaryDirectory() as folder:
        broker = _TestedBroker(
            site, host, port, authority_of(site, authority_key, now), Path(folder)
        )
        yield from _check_topics(broker)
        yield from _check_certificates(broker)


def _check_topics(broker: _TestedBroker) -> Iterator[Finding]:
    spy_topic, topic = (Topic(secrets.token_bytes(16), Channel.STATUS) for _ in range(2))
    site_topic = str(replace(topic, channel=Channel.SITE))
    with (
        _connect(broker.issued_client(AUDITOR), "#") as auditor,
        _connect(broker.fresh_client(spy_topic.camera.hex()), ("#", site_topic)) as spy,
        _connect(broker.fresh_client(topic.camera.hex()), site_topic) as camera,
        _connect(broker.issued_client(PUBLISHER), ()) as publisher,
    ):
        clients = _Clients((auditor, spy, camera, publisher))
        writes = clients.delivers(camera, str(topic))
        yield Finding("a camera writes to its own topic", writes)
        writes = clients.delivers(spy, str(topic))
        yield Finding("a camera cannot write to another's topic", not writes)
        for channel in (Channel.RECEIPT, Channel.SITE):
            writes = clients.delivers(spy, str(replace(spy_topic, channel=channel)))
            what = f"a camera cannot write to the {channel} topic, not even to its own"
            yield Finding(what, not writes)
        clients.delivers(publisher, site_topic)
        reads = clients.receives(camera, WAIT_S)
        yield Finding("a camera reads what is sent to it", reads)
        reads = clients.receives(spy, QUIET_S)
        yield Finding("a camera cannot read what others send or get", not reads)
        claimed = replace(broker.fresh_client(secrets.token_hex(16)), client_id=RECEIVER)
        with _connect(claimed, ()) as spoofer:
            forged = str(replace(topic, channel=Channel.RECEIPT))
            writes = _Clients((auditor, camera, spoofer)).delivers(spoofer, forged)
        yield Finding("a camera that calls itself receiver has no receiver's rights", not writes)


def _check_certificates(broker: _TestedBroker) -> Iterator[Finding]:
    good = broker.fresh_client(secrets.token_hex(16)).certificate.context()
    yield Finding("a client with a certificate gets in", _accepts(broker, good))
    revoked = broker.issued_client(REVOKED_PROBE).certificate.context()
    yield Finding("a revoked certificate is refused", not _accepts(broker, revoked))
    key = Ed25519PrivateKey.generate()
    other = Authority(key, broker.authority.name, broker.authority.now)
    foreign = broker.fresh_client(secrets.token_hex(16), other).certificate.context()
    yield Finding("a certificate of another authority is refused", not _accepts(broker, foreign))
    without = ssl.create_default_context(cafile=str(broker.site.broker / AUTHORITY_FILE))
    yield Finding("a client without a certificate is refused", not _accepts(broker, without))
    older = broker.fresh_client(secrets.token_hex(16)).certificate.context()
    older.minimum_version = older.maximum_version = ssl.TLSVersion.TLSv1_2
    yield Finding("TLS 1.2 is refused", not _accepts(broker, older))
    yield Finding("plain TCP is refused", not _accepts(broker, None))


@dataclass(frozen=True, slots=True)
class _Clients:
    """Connections whose network loops take turns."""

    connections: tuple[Connection, ...]

    def delivers(self, sender: Connection, topic: str) -> bool:
        """Return whether the broker accepts a message and delivers it to a subscriber."""
        number = sender.publish(topic, b"probe")
        until_s = time.monotonic() + WAIT_S
        while time.monotonic() < until_s:
            self._run_network()
            for answer in sender.take_acknowledged():
                if answer.number == number:
                    return answer.delivered
        return False

    def receives(self, listener: Connection, within_s: float) -> bool:
        """Return whether a message arrives within a time."""
        until_s = time.monotonic() + within_s
        while time.monotonic() < until_s:
            self._run_network()
            if list(listener.take_arrived()):
                return True
        return False

    def _run_network(self) -> None:
        for connection in self.connections:
            connection.run_network(0.01)


@contextmanager
def _connect(address: Address, subscription: str | tuple[str, ...]) -> Iterator[Connection]:
    connection = Connection(address, subscription)
    until_s = time.monotonic() + WAIT_S
    try:
        while not connection.connected:
            if time.monotonic() > until_s:
                raise BrokerRefused(
                    f"The broker at {address.host}:{address.port} does not let {address.client_id} "
                    "in: start it with the configuration that tallylight broker config wrote, or "
                    "name its --host and --port."
                )
            connection.run_network(0.02)
        yield connection
    finally:
        connection.close()


def _accepts(broker: _TestedBroker, context: ssl.SSLContext | None) -> bool:
    """Return whether the broker answers a CONNECT with a CONNACK of success."""
    try:
        with socket.create_connection((broker.host, broker.port), WAIT_S) as plain:
            plain.settimeout(WAIT_S)
            if context is None:
                return _accepts_connect(plain)
            with context.wrap_socket(plain, server_hostname=broker.host) as line:
                return _accepts_connect(line)
    except (ssl.SSLError, OSError):
        return False


def _accepts_connect(line: socket.socket) -> bool:
    line.sendall(CONNECT_V5)
    answer = line.recv(64)
    return len(answer) > REASON_INDEX and (answer[0], answer[REASON_INDEX]) == ACCEPTED
