"""The receiver's refusals, without a broker: no envelope is stored, no receipt is sent."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from nacl.public import PrivateKey
from nacl.signing import SigningKey
from sqlalchemy import select
from sqlalchemy.event import listen

from estate.errors import NoCamera, RowRefused, StoreRefused
from estate.intake.receiver import (
    GROUP,
    Receiver,
    handle_messages,
    read_cameras,
    receive,
)
from estate.store.arrivals import COPIES
from estate.store.envelopes import Store
from estate.store.ledger import ledger_records
from estate.tests.events import REVIEWERS, meet_recipients, recipients_file, sealed_event
from firmware.identity import watch_keys
from formats.envelope import Sealed
from formats.topics import Channel, Topic, every_camera
from wire.message import Message
from wire.tests.broker import Broker

STRANGER = SigningKey(bytes([9]) * 32)


@pytest.fixture
def broker(tmp_path: Path) -> Broker:
    """A broker's certificates; the broker is not started."""
    return Broker(tmp_path)


@pytest.fixture
def receiver(tmp_path: Path, broker: Broker) -> Iterator[Receiver]:
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    connection = broker.connection("receiver", every_camera(Channel.EVENT))
    cameras = {broker.camera.camera_id: broker.camera}
    yield Receiver(connection, store, cameras, SigningKey(bytes(32)), unwanted)
    store.close()


def unwanted(_: Sealed) -> None:
    pytest.fail("It was announced.")


def topic(camera: bytes, channel: Channel = Channel.EVENT) -> str:
    return str(Topic(camera, channel))


@pytest.mark.parametrize("payload", [b"", b"nonsense", b"TALLYEV1" + bytes(33_000)])
def test_what_is_no_envelope_is_not_kept(
    receiver: Receiver, broker: Broker, payload: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    handle_messages(receiver, [Message(1, topic(broker.camera.camera_id), payload)])
    assert receiver.store.count() == 0
    assert "A message was refused" in caplog.text


def test_an_event_of_an_unknown_camera_is_not_kept(receiver: Receiver) -> None:
    sealed = sealed_event(STRANGER)
    handle_messages(receiver, [Message(1, topic(sealed.header.sender), sealed.blob)])
    assert receiver.store.count() == 0


def test_an_event_that_another_key_signed_is_not_kept(receiver: Receiver, broker: Broker) -> None:
    forged = sealed_event(STRANGER).blob
    handle_messages(receiver, [Message(1, topic(broker.camera.camera_id), forged)])
    assert receiver.store.count() == 0


def test_an_event_with_a_flipped_bit_is_not_kept(receiver: Receiver, broker: Broker) -> None:
    blob = bytearray(sealed_event(watch_keys(broker.state).sign).blob)
    blob[-100] ^= 1
    handle_messages(receiver, [Message(1, topic(broker.camera.camera_id), bytes(blob))])
    assert receiver.store.count() == 0


@pytest.mark.parametrize("channel", [Channel.STATUS, Channel.RECEIPT, Channel.SITE])
def test_an_event_on_another_channel_is_not_kept(
    receiver: Receiver, broker: Broker, channel: Channel
) -> None:
    sealed = sealed_event(watch_keys(broker.state).sign)
    handle_messages(receiver, [Message(1, topic(broker.camera.camera_id, channel), sealed.blob)])
    assert receiver.store.count() == 0


def test_an_event_is_kept_even_if_the_receipt_cannot_be_sent(
    receiver: Receiver, broker: Broker
) -> None:
    """It is shown, too: when its camera sends it again, it is not new any more."""
    sealed, shown = sealed_event(watch_keys(broker.state).sign), list[Sealed]()
    receiver.on_stored = shown.append
    message = Message(1, topic(broker.camera.camera_id), sealed.blob)
    for _ in range(2):
        handle_messages(receiver, [message])
    assert list(receiver.store.envelopes()) == shown == [sealed]


def test_a_group_is_stored_in_the_order_of_its_arrival_and_each_event_once(
    receiver: Receiver, broker: Broker
) -> None:
    key, shown = watch_keys(broker.state).sign, list[Sealed]()
    receiver.on_stored = shown.append
    one, two, three, four = (sealed_event(key, number) for number in (1, 2, 3, 4))
    receiver.store.add_envelopes([two], 1)
    here = topic(broker.camera.camera_id)
    blobs = [one.blob, b"nonsense", two.blob, three.blob, one.blob]
    handle_messages(receiver, [Message(number, here, blob) for number, blob in enumerate(blobs, 1)])
    assert shown == [one, three]
    with receiver.store.reading() as connection:
        told = [record.body["envelope"] for record in ledger_records(connection)]
        rows = connection.execute(select(COPIES.c.event, COPIES.c.again)).all()
    assert told == [each.digest.hex() for each in (two, one, three)]
    assert {bytes(digest): again for digest, again in rows} == {one.digest: 1, two.digest: 1}
    handle_messages(receiver, [Message(9, here, four.blob)])
    assert list(receiver.store.envelopes(unshown=True)) == [two, four]  # The next group marks four.


def test_one_event_whose_row_was_changed_does_not_hide_the_others_of_its_group(
    receiver: Receiver, broker: Broker
) -> None:
    key, shown = watch_keys(broker.state).sign, list[Sealed]()
    bad, good = sealed_event(key, 1), sealed_event(key, 2)

    def show(sealed: Sealed) -> None:
        if sealed == bad:
            raise RowRefused(sealed.digest, "its row holds another envelope")
        shown.append(sealed)

    receiver.on_stored = show
    here = topic(broker.camera.camera_id)
    handle_messages(receiver, [Message(1, here, bad.blob), Message(2, here, good.blob)])
    receive(receiver, lambda: False)
    assert shown == [good]
    assert list(receiver.store.envelopes(unshown=True)) == [bad]


@pytest.mark.parametrize("again", [False, True], ids=["new events", "duplicates"])
def test_a_group_takes_no_more_statements_than_one_event(
    receiver: Receiver, broker: Broker, *, again: bool
) -> None:
    met(receiver, 1)
    receiver.on_stored = lambda _: None
    key, here = watch_keys(broker.state).sign, topic(broker.camera.camera_id)
    events = [sealed_event(key, number) for number in range(1, GROUP + 2)]
    messages = [Message(number, here, each.blob) for number, each in enumerate(events, 1)]
    if again:
        handle_messages(receiver, messages)
    made: list[str] = []
    note = lambda *told: made.append(told[2])  # noqa: E731  # SQLAlchemy takes any signature.
    listen(receiver.store.engine, "before_cursor_execute", note)
    handle_messages(receiver, messages[:1])
    alone = len(made)
    handle_messages(receiver, messages[1:])
    assert len(made) - alone <= alone + 1  # One more: the events before are marked as shown.


def test_what_was_shown_is_marked_in_the_next_turn_in_which_nothing_arrives(
    receiver: Receiver, broker: Broker
) -> None:
    sealed, shown = sealed_event(watch_keys(broker.state).sign), list[Sealed]()
    receiver.on_stored = shown.append
    message = Message(1, topic(broker.camera.camera_id), sealed.blob)
    receiver.connection = Arriving(message)  # type: ignore[assignment]
    marked: list[bool] = []

    def running() -> bool:
        marked.append(not list(receiver.store.envelopes(unshown=True)) and bool(shown))
        return len(marked) <= 2

    receive(receiver, running)
    assert shown == [sealed]
    assert marked == [False, False, True]


def test_what_was_shown_before_the_store_went_away_is_marked_and_not_shown_again(
    receiver: Receiver, broker: Broker
) -> None:
    sealed, shown = sealed_event(watch_keys(broker.state).sign), list[Sealed]()
    receiver.on_stored = shown.append
    handle_messages(receiver, [Message(1, topic(broker.camera.camera_id), sealed.blob)])
    assert list(receiver.store.envelopes(unshown=True)) == [sealed]
    receive(receiver, lambda: False)
    assert shown == [sealed]
    assert list(receiver.store.envelopes(unshown=True)) == []


def test_a_missing_event_is_told_of_once(
    receiver: Receiver, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    sealed = sealed_event(watch_keys(broker.state).sign, 7, previous=bytes([1]) * 32)
    receiver.store.add_envelopes([sealed], 1)
    receiver.losses.report(receiver.store)
    receiver.losses.report(receiver.store)
    (told,) = caplog.messages
    assert told == (
        f"Camera {broker.camera.camera_id.hex()}: at least one event before event 7 is missing."
    )


def test_a_fork_is_told_of_once(
    receiver: Receiver, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        receiver.store.add_envelopes([sealed_event(watch_keys(broker.state).sign)], 1)
    receiver.losses.report(receiver.store)
    receiver.losses.report(receiver.store)
    (told,) = caplog.messages
    assert "forks" in told


def test_a_refusal_is_logged_without_the_message(
    receiver: Receiver, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    handle_messages(receiver, [Message(1, topic(broker.camera.camera_id), b"a face")])
    assert "a face" not in caplog.text


def test_cameras_are_known_by_their_enrolment(broker: Broker) -> None:
    assert read_cameras(broker.state.root) == {broker.camera.camera_id: broker.camera}


def test_a_folder_without_enrolments_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoCamera, match="register a camera first"):
        read_cameras(tmp_path / "nothing")


@pytest.mark.parametrize("content", [b"", b"{}", b"\0" * 20_000])
def test_a_broken_enrolment_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "gate.json").write_bytes(content)
    with pytest.raises(NoCamera, match=r"gate\.json"):
        read_cameras(tmp_path)


def test_an_enrolment_that_was_changed_is_refused(tmp_path: Path, broker: Broker) -> None:
    request = (broker.state.root / "enrolment.json").read_bytes()
    forged = request.replace(
        bytes(broker.camera.sign_key).hex().encode(), bytes(STRANGER.verify_key).hex().encode()
    )
    (tmp_path / "forged").mkdir()
    (tmp_path / "forged" / "gate.json").write_bytes(forged)
    with pytest.raises(NoCamera, match="not signed"):
        read_cameras(tmp_path / "forged")


def met(receiver: Receiver, version: int = 1) -> None:
    """Let the receiver's store meet recipients, as a console does."""
    with receiver.store.writing() as connection:
        meet_recipients(connection, recipients_file(REVIEWERS, version))


def test_an_event_for_a_stranger_as_well_is_kept_and_not_announced(
    receiver: Receiver, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    met(receiver)
    others = [*REVIEWERS, PrivateKey(bytes([9]) * 32)]
    sealed = sealed_event(watch_keys(broker.state).sign, reviewers=others)
    handle_messages(receiver, [Message(1, topic(broker.camera.camera_id), sealed.blob)])
    receive(receiver, lambda: False)
    assert list(receiver.store.envelopes()) == [sealed]
    assert list(receiver.store.envelopes(unshown=True)) == []
    assert "kept as evidence, and not opened: It is sealed to strangers" in caplog.text


def test_an_event_for_exactly_the_reviewers_is_announced(
    receiver: Receiver, broker: Broker
) -> None:
    met(receiver)
    announced: list[Sealed] = []
    receiver.on_stored = announced.append
    sealed = sealed_event(watch_keys(broker.state).sign)
    handle_messages(receiver, [Message(1, topic(broker.camera.camera_id), sealed.blob)])
    receive(receiver, lambda: False)
    assert announced == [sealed]


@pytest.mark.parametrize("known", [None, 2])
def test_an_event_whose_recipients_were_not_met_is_said_to_be_unchecked(
    receiver: Receiver, broker: Broker, caplog: pytest.LogCaptureFixture, known: int | None
) -> None:
    if known:
        met(receiver, known)
    receiver.on_stored = lambda _: None
    sealed = sealed_event(watch_keys(broker.state).sign)
    handle_messages(receiver, [Message(1, topic(broker.camera.camera_id), sealed.blob)])
    receive(receiver, lambda: False)
    assert "is stored, but not checked: It is sealed to version 1" in caplog.text


class Arriving:
    """A connection on which messages arrive and are answered at once, without a network."""

    def __init__(self, *messages: Message) -> None:
        self.connected = True
        self._arrived = list(messages)

    def run_network(self, _longest_s: float) -> None:
        """Wait for nothing."""

    def take_arrived(self) -> Iterator[Message]:
        while self._arrived:
            yield self._arrived.pop(0)

    def take_acknowledged(self) -> Iterator[object]:
        return iter(())

    def publish(self, _topic: str, _payload: bytes) -> None:
        """Send nothing."""

    def acknowledge(self, _message: Message) -> None:
        """The broker forgets the message."""

    def close(self) -> None:
        """End nothing."""


def test_what_was_stored_before_the_store_went_away_is_shown_when_it_is_back(
    receiver: Receiver, broker: Broker
) -> None:
    key, shown = watch_keys(broker.state).sign, list[Sealed]()
    group = [sealed_event(key, number) for number in (1, 2, 3)]
    camera = topic(broker.camera.camera_id)
    messages = [Message(n, camera, each.blob) for n, each in enumerate(group, 1)]
    away = iter([False, True])

    def show(sealed: Sealed) -> None:
        if next(away, False):
            raise StoreRefused("The store cannot be read: check its disk and rights.")
        shown.append(sealed)

    receiver.on_stored, receiver.connection = show, Arriving(*messages)  # type: ignore[assignment]
    until_s = time.monotonic() + 10
    receive(
        receiver, lambda: len({each.digest for each in shown}) < 3 and time.monotonic() < until_s
    )
    assert {each.digest for each in shown} == {each.digest for each in group}
    assert list(receiver.store.envelopes(unshown=True)) == []
