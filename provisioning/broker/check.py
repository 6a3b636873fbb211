"""Test the ACL and the TLS settings of a running broker with real connections.

Two clients with fresh certificates act as cameras that do not exist. The auditor's certificate
listens. Messages go to the status and site topics of these two; receipts and site bundles that the
broker must refuse name the same two. Every refusal is tried beside a permission, so that a broker
that does not answer at all passes no test.

(0) The site's own broker answers: `door.py`. It refuses a certificate that is revoked or comes from
    another authority, a client without a certificate, TLS 1.2 and plain TCP.
(1) The broker announces and does what the product needs: `capabilities.py`.
(2) A camera can write to its own topic, and to no other.
(3) A camera can read what is sent to it. It cannot read what is sent to or by another client.
(4) A client that claims another client's id has its own rights only.
"""

import secrets
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from formats.signer import Ed25519Signer
from formats.topics import Channel, Topic
from provisioning.broker.capabilities import QUIET_S, announced_limits, needs
from provisioning.broker.certificates import Authority
from provisioning.broker.configuration import REVOKED_PROBE, authority_of, client_files, is_of
from provisioning.broker.door import refuse_other_door
from provisioning.broker.listener import AUDITOR, PUBLISHER, RECEIVER
from provisioning.broker.mosquitto_files import AUTHORITY_FILE
from provisioning.broker.probe import DELIVERED, WAIT_S, Probe
from provisioning.broker.tested_broker import Finding, TestedBroker
from provisioning.errors import BrokerRefused
from provisioning.site.folder import Site
from wire.certificate import Address

CONNECT_V5: Final = bytes.fromhex("101200044d5154540502003c00") + b"\x00\x05spy-1"
"""An MQTT v5 CONNECT of client `spy-1` with a clean start."""
ACCEPTED: Final = (0x20, 0)
"""First byte and reason code of a CONNACK that accepts the client."""
OLDER_MQTT: Final = frozenset({bytes.fromhex("20020001"), bytes.fromhex("20020000")})
"""A CONNACK of MQTT 3.1.1: it has no properties. The first one says *unacceptable version*."""
NO_V5: Final = 0x84
"""The reason code of MQTT v5 for a version that the broker does not speak."""
REASON_INDEX: Final = 3
"""Index of the reason code in a CONNACK."""


def check_broker(
    site: Site, authority_key: Ed25519Signer, host: str, port: int, now: datetime
) -> Iterator[Finding]:
    """Run the tests one after the other; yield the finding of each.

    Raises:
        BrokerRefused: there is no broker to check, or it does not accept the auditor.
    """
    with TemporaryDirectory() as folder:
        authority = authority_of(site, authority_key, now)
        broker = TestedBroker(site, host, port, authority, Path(folder))
        _refuse_old_files(broker)
        refuse_other_door(host, port, site.broker / AUTHORITY_FILE)
        _refuse_older_mqtt(broker)
        yield from _check_certificates(broker)
        with _connected(broker.issued_client(AUDITOR)):
            pass
        limits = list(announced_limits(broker))
        yield from limits
        if limits[0].held:  # Each further test sends messages of QoS 1.
            yield from needs(broker)
            yield from _check_topics(broker)


def _refuse_old_files(broker: TestedBroker) -> None:
    """Raise if the desk lacks a certificate that the check needs, or all are of an older key."""
    file = broker.site.broker / AUTHORITY_FILE
    needed = (client_files(broker.site, name)[0] for name in (AUDITOR, PUBLISHER, REVOKED_PROBE))
    is_current = file.exists() and is_of(broker.authority, file.read_bytes())
    if not is_current or not all(path.exists() for path in needed):
        raise BrokerRefused(
            "A certificate is missing here, or all are of an older key: run tallylight broker "
            "config, and install broker.tar again."
        )


def _refuse_older_mqtt(broker: TestedBroker) -> None:
    """Raise if the broker answers a CONNECT of MQTT v5 as one that does not speak it."""
    context = broker.fresh_client(secrets.token_hex(16)).certificate.context()
    try:
        answer = _answer(broker, context)
    except OSError:
        return  # The findings say what is wrong.
    if answer in OLDER_MQTT or (len(answer) > REASON_INDEX and answer[REASON_INDEX] == NO_V5):
        raise BrokerRefused(
            f"The broker at {broker.host}:{broker.port} does not speak MQTT version 5, which has "
            "the reason codes, expiry and shared subscriptions that the programs need: turn "
            "version 5 on in its settings, or take another broker."
        )


def _check_topics(broker: TestedBroker) -> Iterator[Finding]:
    spy_topic, topic = (Topic(secrets.token_bytes(16), Channel.STATUS) for _ in range(2))
    site_topic = str(replace(topic, channel=Channel.SITE))
    with (
        _connected(broker.issued_client(AUDITOR), "#"),
        _connected(broker.fresh_client(spy_topic.camera.hex()), "#", site_topic) as spy,
        _connected(broker.fresh_client(topic.camera.hex()), site_topic) as camera,
        _connected(broker.issued_client(PUBLISHER)) as publisher,
    ):
        writes = camera.publish(str(topic), b"probe") == DELIVERED
        line = "use_identity_as_username true, acl_file"
        yield Finding("a camera writes to its own topic", writes, line)
        writes = spy.publish(str(topic), b"probe") == DELIVERED
        yield Finding("a camera cannot write to another's topic", not writes, "acl_file")
        for channel in (Channel.RECEIPT, Channel.SITE):
            forged = str(replace(spy_topic, channel=channel))
            writes = spy.publish(forged, b"probe") == DELIVERED
            what = f"a camera cannot write to the {channel} topic, not even to its own"
            yield Finding(what, not writes, "acl_file")
        publisher.publish(site_topic, b"probe")
        reads = bool(camera.receive(WAIT_S))
        yield Finding("a camera reads what is sent to it", reads, "acl_file")
        reads = bool(spy.receive(QUIET_S))
        yield Finding("a camera cannot read what others send or get", not reads, "acl_file")
        claimed = replace(broker.fresh_client(secrets.token_hex(16)), client_id=RECEIVER)
        with _connected(claimed) as spoofer:
            receipt = str(replace(topic, channel=Channel.RECEIPT))
            writes = spoofer.publish(receipt, b"probe") == DELIVERED
        what = "a camera that calls itself receiver has no receiver's rights"
        yield Finding(what, not writes, "use_identity_as_username true, acl_file")


def _check_certificates(broker: TestedBroker) -> Iterator[Finding]:
    good = broker.fresh_client(secrets.token_hex(16)).certificate.context()
    admitted = _accepts(broker, good)
    line = "use_identity_as_username true, cafile"
    yield Finding("a client with a certificate gets in", admitted, line)
    revoked = broker.issued_client(REVOKED_PROBE).certificate.context()
    yield Finding(
        "a revoked certificate is refused",
        not _accepts(broker, revoked),
        "crlfile, and the newest crl.pem",
    )
    key = Ed25519PrivateKey.generate()
    other = Authority(key, broker.authority.name, broker.authority.now)
    foreign = broker.fresh_client(secrets.token_hex(16), other).certificate.context()
    what = "a certificate of another authority is refused"
    yield Finding(what, not _accepts(broker, foreign), "cafile")
    without = ssl.create_default_context(cafile=str(broker.site.broker / AUTHORITY_FILE))
    what = "a client without a certificate is refused, and before it speaks MQTT"
    held = _is_refused_by_tls(broker, without)
    yield Finding(what, held, "require_certificate true, allow_anonymous false")
    older = broker.fresh_client(secrets.token_hex(16)).certificate.context()
    older.minimum_version = older.maximum_version = ssl.TLSVersion.TLSv1_2
    yield Finding("TLS 1.2 is refused", not _accepts(broker, older), "tls_version tlsv1.3")
    yield Finding("plain TCP is refused", not _accepts(broker, None), "certfile, keyfile")


@contextmanager
def _connected(address: Address, *subscriptions: str) -> Iterator[Probe]:
    with Probe(address) as probe:
        if not probe.accepted:
            raise BrokerRefused(
                f"The broker at {address.host}:{address.port} does not let {address.client_id} in: "
                "start it with the configuration that tallylight broker config wrote."
            )
        for subscription in subscriptions:
            probe.subscribe(subscription)
        yield probe


def _accepts(broker: TestedBroker, context: ssl.SSLContext | None) -> bool:
    """Return whether the broker answers a CONNECT with a CONNACK of success."""
    try:
        answer = _answer(broker, context)
    except OSError:
        return False
    return len(answer) > REASON_INDEX and (answer[0], answer[REASON_INDEX]) == ACCEPTED


def _is_refused_by_tls(broker: TestedBroker, context: ssl.SSLContext) -> bool:
    """Return whether TLS itself ends the connection: no MQTT answer, and no orderly end."""
    try:
        _answer(broker, context)
    except (ssl.SSLError, ConnectionError):
        return True
    except OSError:
        return False
    return False


def _answer(broker: TestedBroker, context: ssl.SSLContext | None) -> bytes:
    """Send a CONNECT; return the first bytes of the answer.

    Raises:
        OSError: the connection ended before an answer.
    """
    with socket.create_connection((broker.host, broker.port), WAIT_S) as plain:
        plain.settimeout(WAIT_S)
        if context is None:
            plain.sendall(CONNECT_V5)
            return plain.recv(64)
        with context.wrap_socket(plain, server_hostname=broker.host) as line:
            line.sendall(CONNECT_V5)
            return line.recv(64)
