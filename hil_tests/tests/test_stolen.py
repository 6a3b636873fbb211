"""Theft of the camera, or of the broker's disk: no key on them opens an event."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from nacl.public import PrivateKey
from nacl.signing import SigningKey

from estate.tests.events import EVENT, REVIEWERS
from firmware.tests.observations import eventually
from formats.envelope import Sealed, open_sealed, verify
from formats.errors import FormatError
from formats.message import open_event
from formats.topics import Channel, Topic
from hil_tests.tests.line import Line
from hil_tests.tests.test_delivery import delivering, run_until
from wire.tests.broker import Broker
from wire.tests.exchanges import receiver

pytestmark = [
    pytest.mark.broker,
    pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning"),
]

TELLING = (
    b"candidate",
    EVENT.entry.hex().encode(),
    EVENT.entry,
    b"a face",
    b"score_ppm",
    b'"site":"',
)
"""Words that only the plain text of an event holds."""


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    line = Line(Broker(tmp_path), tmp_path)
    line.broker.start()
    yield line
    line.broker.kill()
    line.store.close()


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def stolen_keys(state: Path) -> list[PrivateKey]:
    """Return each secret on the camera's disk as an X25519 key, in each possible way."""
    keys = []
    for content in files(state).values():
        if len(content) == 32:
            keys += [PrivateKey(content), SigningKey(content).to_curve25519_private_key()]
        elif b"PRIVATE KEY" in content:
            tls = load_pem_private_key(content, None)
            assert isinstance(tls, EllipticCurvePrivateKey)
            number = tls.private_numbers().private_value
            keys += [PrivateKey(number.to_bytes(32, order)) for order in ("big", "little")]
    return keys


def opens(line: Line, sealed: Sealed, key: PrivateKey) -> bool:
    try:
        open_sealed(verify(sealed, line.broker.camera.sign_key), key)
    except FormatError:
        return False
    return True


def test_a_stolen_camera_opens_no_event_that_waits_and_none_that_it_ever_sent(line: Line) -> None:
    sent = line.put(3)
    with delivering(line, line.receiver()):
        eventually(lambda: not line.waiting())
    waiting = line.put(6)[3:]
    keys = stolen_keys(line.broker.state.root)
    assert len(keys) >= 8  # Three keys of 32 bytes, one of TLS, each in two ways.
    events = sent + waiting
    assert not any(opens(line, sealed, key) for sealed in events for key in keys)
    assert all(opens(line, sealed, REVIEWERS[0]) for sealed in events)


def test_a_stolen_camera_holds_no_plain_word_of_an_event(line: Line) -> None:
    line.put(3)
    for content in files(line.broker.state.root).values():
        assert not any(word in content for word in TELLING)


def test_of_an_event_that_was_receipted_a_stolen_camera_holds_nothing_but_its_digest(
    line: Line,
) -> None:
    (sealed,) = line.put()
    with delivering(line, line.receiver()):
        eventually(lambda: not line.waiting())
    pieces = [sealed.blob[at : at + 32] for at in range(0, len(sealed.blob) - 32, 32)]
    for content in files(line.broker.state.root).values():
        assert not any(piece in content for piece in pieces)


def taken_disk(line: Line, payload: bytes) -> bytes:
    """Return the disk of a broker that keeps a message for an absent receiver."""
    topic = str(Topic(line.broker.camera.camera_id, Channel.EVENT))
    with closing(receiver(line.broker, session_s=60)) as absent:
        run_until(absent, lambda: absent.connected)
    sender = line.broker.connection(line.broker.name, ())
    with closing(sender):
        run_until(sender, lambda: sender.connected)
        sender.publish(topic, payload)
        run_until(sender, lambda: sender._acknowledged)
    line.broker.stop()
    return b"".join(files(line.broker.files.parent / "broker-state").values())


def test_a_stolen_broker_holds_no_plain_word_of_an_event(line: Line) -> None:
    (sealed,) = line.put()
    disk = taken_disk(line, sealed.blob)
    assert sealed.blob in disk
    assert not any(word in disk for word in TELLING)


def test_a_plain_event_on_the_brokers_disk_would_be_found(line: Line) -> None:
    (sealed,) = line.put()
    verified = verify(sealed, line.broker.camera.sign_key)
    plain = open_event(verified, REVIEWERS[0]).to_payload()
    assert any(word in taken_disk(line, plain) for word in TELLING)
