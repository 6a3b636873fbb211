"""Statuses: read as written, like events to a relay, refused if they contradict their envelope."""

import json
from dataclasses import replace

import pytest

from formats.envelope import NO_PREVIOUS, Kind, Origin, read, seal, verify
from formats.errors import Forged, FormatError
from formats.message import CameraMessage, open_event, open_message, seal_event
from formats.status import Status
from formats.tests.make_vectors import FOLDER
from formats.tests.second_encoder import ALICE, BOB, CAMERA
from formats.tests.test_event import EVENT

VECTORS = json.loads((FOLDER / "status.json").read_text())
STATUS = Status.from_payload(VECTORS["good"]["with a sensor"].encode())


def sent(message: CameraMessage) -> bytes:
    recipients = [ALICE.public_key, BOB.public_key]
    return seal_event(
        message, sender=CAMERA, recipients=recipients, key_epoch=3, previous=NO_PREVIOUS
    ).blob


@pytest.mark.parametrize("text", VECTORS["good"].values(), ids=VECTORS["good"])
def test_a_good_status_is_read_and_spelled_again(text: str) -> None:
    assert Status.from_payload(text.encode()).to_payload() == text.encode()


@pytest.mark.parametrize("text", VECTORS["broken"].values(), ids=VECTORS["broken"])
def test_a_broken_status_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        Status.from_payload(text.encode())


def test_a_relay_cannot_tell_a_status_from_an_event() -> None:
    blobs = [sent(EVENT), sent(replace(EVENT, crop_jpeg=None)), sent(STATUS)]
    sealed = [read(Kind.EVENT, blob) for blob in blobs]
    assert len({len(blob) for blob in blobs}) == 1
    plain = {(each.header.sender, each.header.key_epoch, each.blob[:8]) for each in sealed}
    assert len(plain) == 1


def test_a_reviewer_who_opens_it_learns_which_it_was() -> None:
    for message in (EVENT, STATUS):
        verified = verify(read(Kind.EVENT, sent(message)), CAMERA.verify_key)
        assert open_message(verified, ALICE) == message


def test_a_status_is_never_taken_for_a_candidate() -> None:
    verified = verify(read(Kind.EVENT, sent(STATUS)), CAMERA.verify_key)
    with pytest.raises(FormatError):
        open_event(verified, ALICE)


@pytest.mark.parametrize("lie", [{"camera": bytes(16)}, {"sequence": 9}, {"boot_id": bytes(16)}])
def test_a_status_that_contradicts_its_envelope_is_refused(lie: dict[str, object]) -> None:
    lying = replace(STATUS, **lie)  # type: ignore[arg-type]  # One field of any type.
    origin = Origin(STATUS.boot_id, STATUS.sequence, 3, STATUS.time_quality, NO_PREVIOUS)
    recipients = [ALICE.public_key, BOB.public_key]
    sealed = seal(
        Kind.EVENT, lying.to_payload(), sender=CAMERA, recipients=recipients, origin=origin
    )
    with pytest.raises(Forged):
        open_message(verify(sealed, CAMERA.verify_key), ALICE)
