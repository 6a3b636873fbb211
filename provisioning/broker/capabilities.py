"""Test what the product needs of a broker: packet size, retained messages, QoS 1, $share, expiry.

Fresh certificates act as cameras that do not exist; the publisher's and the auditor's certificates
send to them and listen. So no real camera or receiver gets a message or loses its connection. The
retained message of the test is removed at its end. `docs/broker.md` has a row for each finding.

(0) The limits that the broker announces in its CONNACK.
(1) A sealed event is delivered whole; the largest bundle is kept for a camera that comes later.
(2) Each message to a group of subscribers reaches one of them.
(3) A session is kept while its client is away; a message ends when its expiry is over.
(4) The name in the certificate is the client id.
"""

import secrets
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from formats.envelope import wire_size
from formats.envelope_header import Kind
from formats.site_bundle import LIMIT_BYTES
from formats.topics import Channel, Topic
from provisioning.broker.listener import AUDITOR, PUBLISHER
from provisioning.broker.mosquitto_files import MESSAGE_LIMIT
from provisioning.broker.probe import (
    DELIVERED,
    MAX_QOS,
    NO_SUBSCRIBERS,
    PACKET_SIZE,
    RECEIVE_MAXIMUM,
    RETAIN_AVAILABLE,
    SHARED_AVAILABLE,
    WAIT_S,
    Probe,
)
from provisioning.broker.tested_broker import Finding, TestedBroker
from wire.certificate import Address
from wire.limits import IN_FLIGHT

UNFIT_SHARED: Final = (
    "A broker without shared subscriptions (RabbitMQ is one) cannot serve several receivers."
)
UNFIT_RETAINED: Final = (
    "A broker that keeps no retained message for each exact topic cannot bring a list to a camera "
    "that was away."
)
UNFIT_NAMES: Final = (
    "A broker that cannot take user name and client id from the certificate cannot serve: its "
    "each client could then take the name of another one."
)
QUIET_S: Final = 0.5
"""Time in which a message that must not come is waited for."""
EXPIRES_S: Final = 1
ENDED_S: Final = EXPIRES_S + 1.5
"""By then a message has ended: a broker may count whole seconds."""
SESSION_S: Final = 60
GROUP_MESSAGES: Final = 6
"""Messages to a group of two: a broker that delivers each to both delivers 12."""


def announced_limits(broker: TestedBroker) -> Iterator[Finding]:
    """Yield the findings on what the broker announces to a client that it lets in."""
    with Probe(broker.fresh_client(secrets.token_hex(16))) as probe:
        limits = probe.limits
    yield Finding("messages of QoS 1 are taken", limits.get(MAX_QOS, 2) >= 1, "max_qos 2")
    keeps = limits.get(RETAIN_AVAILABLE, 1) == 1
    what = "retained messages are taken"
    yield Finding(what, keeps, "retain_available true", UNFIT_RETAINED)
    shares = limits.get(SHARED_AVAILABLE, 1) == 1
    what, line = "shared subscriptions are taken", "another broker, or its setting for it"
    yield Finding(what, shares, line, UNFIT_SHARED)
    size = limits.get(PACKET_SIZE, MESSAGE_LIMIT)
    what = f"packets of {MESSAGE_LIMIT} bytes are announced, or no limit"
    yield Finding(what, size >= MESSAGE_LIMIT, "no max_packet_size")
    window = limits.get(RECEIVE_MAXIMUM, 65_535)
    what = f"{IN_FLIGHT} messages of one client may be under way"
    yield Finding(what, window >= IN_FLIGHT, f"max_inflight_messages {IN_FLIGHT}")


def needs(broker: TestedBroker) -> Iterator[Finding]:
    """Yield the findings on what the broker does with messages of a camera that does not exist."""
    camera = secrets.token_bytes(16)
    address = broker.fresh_client(camera.hex())
    yield _whole_event(broker, address, str(Topic(camera, Channel.STATUS)))
    site = str(Topic(camera, Channel.SITE))
    with Probe(broker.issued_client(PUBLISHER)) as publisher:
        yield _kept_bundle(address, publisher, site)
        yield _one_of_a_group(broker, address, publisher, site)
        yield from _sessions(address, publisher, site)
    yield _named_by_certificate(address)


def _whole_event(broker: TestedBroker, camera: Address, topic: str) -> Finding:
    """Send the largest event on the status topic, because receivers keep what is on the other."""
    payload = secrets.token_bytes(wire_size(Kind.EVENT, max(Kind.EVENT.value.slots)))
    with Probe(broker.issued_client(AUDITOR)) as auditor, Probe(camera) as sender:
        auditor.subscribe(topic)
        whole = sender.publish(topic, payload) == DELIVERED and [
            each.payload for each in auditor.receive(WAIT_S)
        ] == [payload]
    what = f"an event of {len(payload)} bytes is delivered whole"
    return Finding(what, whole, f"message_size_limit {MESSAGE_LIMIT}, no max_packet_size")


def _kept_bundle(camera: Address, publisher: Probe, topic: str) -> Finding:
    bundle = secrets.token_bytes(LIMIT_BYTES)
    taken = publisher.publish(topic, bundle, retain=True) in {DELIVERED, NO_SUBSCRIBERS}
    with Probe(camera) as late:
        late.subscribe(topic)
        arrived = late.receive(WAIT_S if taken else 0.0)
    publisher.publish(topic, b"", retain=True)
    kept = [(each.payload, each.retained) for each in arrived] == [(bundle, True)]
    what = f"a list of {len(bundle)} bytes is kept for a camera that comes later"
    lines = f"retain_available true, message_size_limit {MESSAGE_LIMIT}, no max_packet_size"
    return Finding(what, kept, lines, UNFIT_RETAINED)


def _one_of_a_group(broker: TestedBroker, camera: Address, publisher: Probe, topic: str) -> Finding:
    group = f"$share/check/{topic}"
    with Probe(camera) as one, Probe(broker.issued_client(AUDITOR)) as other:
        granted = one.subscribe(group) and other.subscribe(group)
        for _ in range(GROUP_MESSAGES if granted else 0):
            publisher.publish(topic, b"probe")
        reached = len(one.receive(QUIET_S, GROUP_MESSAGES))
        reached += len(other.receive(QUIET_S, GROUP_MESSAGES))
    what = "each message to a group of subscribers ($share) reaches one of them"
    line = "another broker, or its setting for shared subscriptions"
    return Finding(what, granted and reached == GROUP_MESSAGES, line, UNFIT_SHARED)


def _sessions(camera: Address, publisher: Probe, topic: str) -> Iterator[Finding]:
    with Probe(camera, session_s=SESSION_S) as first:
        first.subscribe(topic)
    publisher.publish(topic, b"short", expires_s=EXPIRES_S)
    publisher.publish(topic, b"long", expires_s=SESSION_S)
    time.sleep(ENDED_S)
    with Probe(camera, session_s=SESSION_S) as again:
        found = {each.payload for each in again.receive(QUIET_S, 2)}
    with Probe(camera):  # A clean start ends the session.
        pass
    kept = b"long" in found
    line = "persistent_client_expiration of more than 5m, max_queued_messages 1000"
    yield Finding("a message waits for a client that is away for a moment", kept, line)
    ended = b"short" not in found
    yield Finding("a message ends when its expiry is over", ended, "another broker: MQTT v5 has it")


def _named_by_certificate(camera: Address) -> Finding:
    """Connect twice with one certificate and two client ids: the second takes the first's place."""
    with Probe(camera) as first, Probe(replace(camera, client_id="another")) as second:
        named = first.accepted and not first.alive() and second.alive()
    what = "the name in the certificate is the client id"
    return Finding(what, named, "use_username_as_clientid true", UNFIT_NAMES)
