"""Make the vectors of envelopes: valid ones as recipes, and damaged ones for each check."""

from base64 import b64encode

from nacl.public import PrivateKey

from formats.tests.plain_vectors import CANDIDATE
from formats.tests.second_encoder import (
    ALICE,
    BOB,
    CAMERA,
    COURIER,
    ESTATE,
    EVE,
    STRANGER,
    SUPPLIER,
    Recipe,
    Slot,
    canonical,
    key_id_of,
    name_of,
    secret,
    sign,
    with_order_added,
)

RECEIPT: dict[str, object] = {
    "kind": "receipt",
    "camera": name_of(CAMERA).hex(),
    "boot_id": secret("boot")[:16].hex(),
    "sequence": 7,
    "envelope_digest": secret("envelope").hex(),
    "stored_utc_ms": 1_767_225_600_456,
}

EVENT_ENVELOPE = Recipe(
    magic=b"TALLYEV1",
    domain=b"tallylight-event-v1\0",
    bucket=32 * 1024,
    payload=canonical(CANDIDATE),
    sender=CAMERA,
    slots=(Slot(ALICE), Slot(BOB)),
)
RECEIPT_ENVELOPE = Recipe(
    magic=b"TALLYRC1",
    domain=b"tallylight-receipt-v1\0",
    bucket=1024,
    payload=canonical(RECEIPT),
    sender=ESTATE,
    slots=(Slot(COURIER), Slot(BOB)),
)
LIST_ENVELOPE = Recipe(
    magic=b"TALLYWL1",
    domain=b"tallylight-list-v1\0",
    bucket=64 * 1024,
    payload=b"A list body: any bytes.",
    sender=SUPPLIER,
    slots=(Slot(EVE),),
)
LONELY = RECEIPT_ENVELOPE.but(slots=(Slot(COURIER),))


def envelopes() -> dict[str, object]:
    """Make envelope.json."""
    return {"good": _good(), "broken": _broken()}


def _good() -> list[dict[str, object]]:
    return [
        _envelope("an event for two reviewers", EVENT_ENVELOPE, ALICE, BOB),
        _envelope("a receipt for the courier and the estate", RECEIPT_ENVELOPE, COURIER, BOB),
        _envelope("a receipt for the courier alone", LONELY, COURIER),
        _envelope("an empty payload", RECEIPT_ENVELOPE.but(payload=b""), COURIER),
        _envelope("a full bucket", RECEIPT_ENVELOPE.but(payload=b"x" * (1024 - 44)), COURIER),
        _envelope("a list in its smallest bucket", LIST_ENVELOPE, EVE),
    ]


def _envelope(name: str, recipe: Recipe, *keys: PrivateKey) -> dict[str, object]:
    return {
        "name": name,
        "kind": _kind_of(recipe),
        "sender": bytes(recipe.sender.verify_key).hex(),
        "keys": [bytes(key).hex() for key in keys],
        "payload": b64encode(recipe.payload).decode(),
        "blob": b64encode(recipe.encode()).decode(),
    }


def _kind_of(recipe: Recipe) -> str:
    return recipe.domain.decode().split("-")[1].upper()


def _broken() -> list[dict[str, object]]:
    blobs = [
        *(("read", "Malformed", name, blob) for name, blob in _misshapen().items()),
        *(("verify", "Forged", name, blob) for name, blob in _unsigned().items()),
        *(("open", "Forged", name, blob) for name, blob in _signed_but_wrong().items()),
        ("open", "NotForThisKey", "sealed to others", _receipt(slots=(Slot(ALICE), Slot(BOB)))),
        ("open", "Malformed", "padding that is not zeros", _receipt(padding=b"\1")),
        ("open", "Malformed", "a payload longer than its bucket", _receipt(inside_length=981)),
        ("open", "Malformed", "a payload cut short", _receipt(inside_length=3)),
    ]
    return [
        {
            "name": name,
            "kind": "RECEIPT",
            "sender": bytes(ESTATE.verify_key).hex(),
            "key": bytes(COURIER).hex(),
            "refused_by": step,
            "refused_as": error,
            "blob": b64encode(blob).decode(),
        }
        for step, error, name, blob in blobs
    ]


def _receipt(**fields: object) -> bytes:
    return RECEIPT_ENVELOPE.but(**fields).encode()


def _misshapen() -> dict[str, bytes]:
    good = RECEIPT_ENVELOPE.encode()
    order = sorted((Slot(COURIER), Slot(BOB)), key=lambda slot: key_id_of(slot.key))
    return {
        "nothing": b"",
        "a header without its last byte": good[:110],
        "a header alone": good[:111],
        "one byte too few": good[:-1],
        "one byte too many": good + b"\0",
        "an event's magic": _receipt(magic=b"TALLYEV1"),
        "another suite": _receipt(suite=2),
        "sequence 0": _receipt(sequence=0),
        "a sequence of 64 bits": _receipt(sequence=2**63),
        "an unknown time quality": _receipt(time_quality=3),
        "no slots": _receipt(slots=()),
        "65 slots": _receipt(slot_count=65),
        "one slot more than there is": _receipt(slot_count=3),
        "one slot fewer than there are": _receipt(slot_count=1),
        "slots out of order": _receipt(slots=tuple(reversed(order)), keep_order=True),
        "one key with two slots": _receipt(slots=(Slot(COURIER), Slot(COURIER))),
        "a body length one too small": _receipt(body_length=1039),
        "another bucket": _receipt(bucket=2048),
    }


def _unsigned() -> dict[str, bytes]:
    good, unsigned = RECEIPT_ENVELOPE.encode(), RECEIPT_ENVELOPE.unsigned()
    return {
        "another sender": _receipt(sender=STRANGER),
        "another sender under the right name": _receipt(sender=STRANGER, named=name_of(ESTATE)),
        "signed as an event": sign(ESTATE, b"tallylight-event-v1\0", unsigned),
        "signed without a domain": sign(ESTATE, b"", unsigned),
        "a signature of zeros": unsigned + bytes(64),
        "the malleable twin of the signature": with_order_added(good),
        "a flipped bit in the key epoch": _flip(good, 49),
        "a flipped bit in the previous digest": _flip(good, 54),
        "a flipped bit in a slot": _flip(good, 119),
        "a flipped bit in the body": _flip(good, 111 + 240 + 4),
        "a flipped bit in the signature": _flip(good, len(good) - 1),
    }


def _flip(blob: bytes, at: int) -> bytes:
    return blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :]


def _signed_but_wrong() -> dict[str, bytes]:
    earlier = RECEIPT_ENVELOPE.but(sequence=6)
    whose, boot, sequence = name_of(ESTATE), secret("boot")[:16], (7).to_bytes(8, "little")
    reused = Slot(COURIER, bound_to=secret("another header"))
    weak = Slot(COURIER, ephemeral=bytes(32))
    strange = Slot(COURIER, ephemeral=bytes(EVE.public_key))
    return {
        "a slot filled for another header": _receipt(slots=(reused, Slot(BOB))),
        "a slot with an ephemeral key of low order": _receipt(slots=(weak, Slot(BOB))),
        "a slot with a strange ephemeral key": _receipt(slots=(strange, Slot(BOB))),
        "a body under another key": _receipt(body_key=secret("another key")),
        "a body bound to another front": _receipt(bound=earlier.front()),
        "another sender inside": _receipt(inside=name_of(CAMERA) + boot + sequence),
        "another boot inside": _receipt(inside=whose + secret("reboot")[:16] + sequence),
        "another sequence inside": _receipt(inside=whose + boot + bytes(8)),
    }
