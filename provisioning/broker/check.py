"""Proves with real connections that the broker refuses what it must, and serves what it must.

Two probes with fresh certificates play cameras that nobody has; the auditor's certificate listens
in. Nothing is sent but on the probes' own status topics, which no receiver reads. Whatever is
refused is tried beside something that is allowed, so that a broker that is simply dead passes
nothing.

(0) A camera writes to its own topic, and its own alone.
(1) It reads what is sent to it, and nothing that is sent to another or by another.
(2) A certificate that was revoked, or that another authority issued, or none at all, is refused.
(3) A client that gives another's name has its own rights only.
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
from provisioning.broker.certificates import Authority, Ed25519Elsewhere, private_pem
from provisioning.broker.configuration import (
    AUDITOR,
    AUTHORITY_FILE,
    PUBLISHER,
    RECEIVER,
    REVOKED_PROBE,
)
from provisioning.errors import BrokerRefused
from provisioning.site.folder import Site
from wire.certificate import Address, Certificate
from wire.connection import Connection

WAIT_S: Final = 5.0
"""Longest wait for anything that must happen."""
QUIET_S: Final = 0.5
"""How long nothing must happen."""
CONNECT_V5: Final = bytes.fromhex("101200044d5154540502003c00") + b"\x00\x05spy-1"
"""An MQTT v5 CONNECT of client `spy-1` with a clean start."""
ACCEPTED: Final = (0x20, 0)
"""First byte and reason code of a CONNACK that lets somebody in."""
REASON_AT: Final = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried."""

    what: str
    held: bool


@dataclass(frozen=True, slots=True)
class _Desk:
    """What the checks work with."""

    site: Site
    host: str
    port: int
    authority: Authority
    folder: Path

    def probe(self, name: str, authority: Authority | None = None) -> Address:
        """Return an address with a fresh certificate in a name."""
        key = Ed25519PrivateKey.generate()
        chain, private = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        chain.write_bytes((authority or self.authority).client(name, key.public_key()))
        private.touch(mode=0o600)
        private.write_bytes(private_pem(key))
        return self._address(name, chain, private)

    def kept(self, name: str) -> Address:
        """Return an address with a certificate from the broker's folder."""
        clients = self.site.broker / "clients"
        return self._address(name, clients / f"{name}.pem", clients / f"{name}.key")

    def _address(self, name: str, chain: Path, key: Path) -> Address:
        files = Certificate(self.site.broker / AUTHORITY_FILE, chain, key)
        return Address(self.host, self.port, name, files)


def check(
    site: Site, authority_key: Ed25519Signer, host: str, port: int, now: datetime
) -> Iterator[Finding]:
    """Yield every finding as it is made.

    Raises:
        BrokerRefused: there is no broker to check: the auditor is not let in.
    """
    authority = Authority(Ed25519Elsewhere(authority_key), f"Tallylight {site.policy.site}", now)
    with TemporaryDirectory() as folder:
        desk = _Desk(site, host, port, authority, Path(folder))
        yield from _topics(desk)
        yield from _strangers(desk)


def _topics(desk: _Desk) -> Iterator[Finding]:
    one, other = (Topic(secrets.token_bytes(16), Channel.STATUS) for _ in range(2))
    to_other = str(replace(other, channel=Channel.SITE))
    with (
        _open(desk.kept(AUDITOR), "#") as auditor,
        _open(desk.probe(one.camera.hex()), ("#", to_other)) as spy,
        _open(desk.probe(other.camera.hex()), to_other) as camera,
        _open(desk.kept(PUBLISHER), ()) as publisher,
    ):
        room = _Room((auditor, spy, camera, publisher))
        yield Finding("a camera writes to its own topic", room.takes(camera, str(other)))
        yield Finding("a camera cannot write to another's topic", not room.takes(spy, str(other)))
        for channel in (Channel.RECEIPT, Channel.SITE):
            mine = str(replace(one, channel=channel))
            what = f"a camera cannot write to the {channel} topic, not even to its own"
            yield Finding(what, not room.takes(spy, mine))
        room.takes(publisher, to_other)
        yield Finding("a camera reads what is sent to it", room.hears(camera, WAIT_S))
        yield Finding("a camera cannot read what others send or get", not room.hears(spy, QUIET_S))
        spoofing = replace(desk.probe(secrets.token_hex(16)), client_id=RECEIVER)
        with _open(spoofing, ()) as spoofer:
            forged = str(replace(other, channel=Channel.RECEIPT))
            taken = _Room((auditor, camera, spoofer)).takes(spoofer, forged)
        yield Finding("a camera that calls itself receiver has no receiver's rights", not taken)


def _strangers(desk: _Desk) -> Iterator[Finding]:
    good = desk.probe(secrets.token_hex(16)).certificate.context()
    yield Finding("a client with a certificate gets in", _lets_in(desk, good))
    revoked = desk.kept(REVOKED_PROBE).certificate.context()
    yield Finding("a revoked certificate is refused", not _lets_in(desk, revoked))
    key = Ed25519PrivateKey.generate()
    stranger = Authority(key, desk.authority.name, desk.authority.now)
    foreign = desk.probe(secrets.token_hex(16), stranger).certificate.context()
    yield Finding("a certificate of another authority is refused", not _lets_in(desk, foreign))
    nobody = ssl.create_default_context(cafile=str(desk.site.broker / AUTHORITY_FILE))
    yield Finding("a client without a certificate is refused", not _lets_in(desk, nobody))
    older = desk.probe(secrets.token_hex(16)).certificate.context()
    older.minimum_version = older.maximum_version = ssl.TLSVersion.TLSv1_2
    yield Finding("TLS 1.2 is refused", not _lets_in(desk, older))
    yield Finding("plain TCP is refused", not _lets_in(desk, None))


@dataclass(frozen=True, slots=True)
class _Room:
    """Connections that are turned together."""

    connections: tuple[Connection, ...]

    def takes(self, sender: Connection, topic: str) -> bool:
        """Whether the broker takes a message and somebody hears it."""
        number = sender.publish(topic, b"probe")
        until_s = time.monotonic() + WAIT_S
        while time.monotonic() < until_s:
            self._turn()
            for answer in sender.take_acknowledged():
                if answer.number == number:
                    return answer.delivered
        return False

    def hears(self, listener: Connection, within_s: float) -> bool:
        """Whether anything arrives within a time."""
        until_s = time.monotonic() + within_s
        while time.monotonic() < until_s:
            self._turn()
            if list(listener.take_arrived()):
                return True
        return False

    def _turn(self) -> None:
        for connection in self.connections:
            connection.run_network(0.01)


@contextmanager
def _open(address: Address, subscription: str | tuple[str, ...]) -> Iterator[Connection]:
    connection = Connection(address, subscription)
    until_s = time.monotonic() + WAIT_S
    try:
        while not connection.connected:
            if time.monotonic() > until_s:
                raise BrokerRefused(
                    f"The broker at {address.host}:{address.port} does not let {address.client_id} "
                    "in: start it with the configuration that was written, or name its host and "
                    "port."
                )
            connection.run_network(0.02)
        yield connection
    finally:
        connection.close()


def _lets_in(desk: _Desk, context: ssl.SSLContext | None) -> bool:
    """Whether the broker answers a CONNECT with a CONNACK of success."""
    try:
        with socket.create_connection((desk.host, desk.port), WAIT_S) as plain:
            plain.settimeout(WAIT_S)
            if context is None:
                return _greets(plain)
            with context.wrap_socket(plain, server_hostname=desk.host) as line:
                return _greets(line)
    except (ssl.SSLError, OSError):
        return False


def _greets(line: socket.socket) -> bool:
    line.sendall(CONNECT_V5)
    answer = line.recv(64)
    return len(answer) > REASON_AT and (answer[0], answer[REASON_AT]) == ACCEPTED
