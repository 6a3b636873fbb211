"""What a camera says of itself, sealed as an event is, so that nobody on the way can tell the two.

Off unless the policy says on. It holds nothing about people: no count of faces, no entry, no place
but the camera's own. It shares kind, size, chain and sequence with events; only who can open it
learns that it was none.
"""

from dataclasses import dataclass
from typing import Final

from nacl.public import PrivateKey

from formats.envelope import DIGEST_BYTES, ID_BYTES, TimeQuality, Verified, open_sealed
from formats.event import PAYLOAD_LIMIT, TEXT_LIMIT, MatchEvent, agreed
from formats.strict_json import UTC_HIGH_S, Fields, dumps, loads, parse

COLDEST_CENTI: Final = -10_000
HOTTEST_CENTI: Final = 20_000
"""Temperatures that a sensor can mean, in hundredths of a degree Celsius."""

_WORD: Final = "status"


@dataclass(frozen=True, slots=True)
class Status:
    """One camera at one moment, looking and in light: otherwise it says nothing."""

    camera: bytes
    """(16,) `sender_id` of the camera."""
    site: str
    boot_id: bytes
    """(16,) random, one per start of the camera."""
    sequence: int
    """From 1, never used twice in one boot; shared with events."""
    sent_utc_ms: int
    """The camera's clock, milliseconds since 1970."""
    time_quality: TimeQuality
    """How far `sent_utc_ms` can be believed."""
    looking_s: int
    """Seconds since this run of recognition began."""
    lease_id: bytes
    """(16,) the lamp lease under which it looks."""
    version: str
    """Of the camera's programs."""
    firmware_digest: bytes
    """(32,) of the same."""
    model_digest: bytes
    """(32,) digest of models and preprocessing."""
    runtime: str
    """What runs the models, with its version."""
    list_version: int
    list_digest: bytes
    """(32,) of the list in force."""
    list_expires_utc_s: int
    policy_digest: bytes
    """(32,) of the policy in force."""
    waiting: int
    """Envelopes in the outbox whose receipts have not come."""
    ledger_size: int
    """Records in the ledger of `watch`, so that none of them can be taken back."""
    ledger_digest: bytes
    """(32,) SHA-256 of the last of them."""
    temperature_centi: int | None
    """Hottest sensor in hundredths of a degree Celsius; None where there is none."""

    def to_payload(self) -> bytes:
        """The status in canonical JSON.

        Raises:
            Malformed: it could not be read back.
        """
        payload = dumps(
            {
                "kind": _WORD,
                "camera": self.camera.hex(),
                "site": self.site,
                "boot_id": self.boot_id.hex(),
                "sequence": self.sequence,
                "sent_utc_ms": self.sent_utc_ms,
                "time_quality": self.time_quality,
                "looking_s": self.looking_s,
                "lease_id": self.lease_id.hex(),
                "version": self.version,
                "firmware_digest": self.firmware_digest.hex(),
                "model_digest": self.model_digest.hex(),
                "runtime": self.runtime,
                "list_version": self.list_version,
                "list_digest": self.list_digest.hex(),
                "list_expires_utc_s": self.list_expires_utc_s,
                "policy_digest": self.policy_digest.hex(),
                "waiting": self.waiting,
                "ledger_size": self.ledger_size,
                "ledger_digest": self.ledger_digest.hex(),
                "temperature_centi": self.temperature_centi,
            }
        )
        Status.from_payload(payload)  # Sealed, nobody could mend what cannot be read.
        return payload

    @classmethod
    def from_payload(cls, payload: bytes) -> "Status":
        """The status that `to_payload` wrote.

        Raises:
            Malformed: not canonical JSON, or a field is missing, unknown or out of bounds.
            TooLarge: longer than an envelope can hold.
        """
        return parse(payload, _read, limit=PAYLOAD_LIMIT, what="status")


def open_message(verified: Verified, key: PrivateKey) -> MatchEvent | Status:
    """Whatever is in a verified envelope of a camera, for the eyes of one reviewer.

    Raises:
        Forged: envelope and message disagree about camera, boot, sequence or time quality.
        NotForThisKey, Malformed, TooLarge: see `open_sealed` and the messages' `from_payload`.
    """
    payload = open_sealed(verified, key)
    if loads(payload, limit=PAYLOAD_LIMIT).get("kind") == _WORD:
        return agreed(Status.from_payload(payload), verified)
    return agreed(MatchEvent.from_payload(payload), verified)


def _read(fields: Fields) -> Status:
    fields.constant("kind", _WORD)
    return Status(
        camera=fields.hex_bytes("camera", ID_BYTES),
        site=fields.text("site", at_most=TEXT_LIMIT),
        boot_id=fields.hex_bytes("boot_id", ID_BYTES),
        sequence=fields.integer("sequence", low=1),
        sent_utc_ms=fields.integer("sent_utc_ms", high=1000 * UTC_HIGH_S),
        time_quality=TimeQuality(fields.integer("time_quality", high=max(TimeQuality))),
        looking_s=fields.integer("looking_s"),
        lease_id=fields.hex_bytes("lease_id", ID_BYTES),
        version=fields.text("version", at_most=TEXT_LIMIT),
        firmware_digest=fields.hex_bytes("firmware_digest", DIGEST_BYTES),
        model_digest=fields.hex_bytes("model_digest", DIGEST_BYTES),
        runtime=fields.text("runtime", at_most=TEXT_LIMIT),
        list_version=fields.integer("list_version", low=1),
        list_digest=fields.hex_bytes("list_digest", DIGEST_BYTES),
        list_expires_utc_s=fields.utc_s("list_expires_utc_s"),
        policy_digest=fields.hex_bytes("policy_digest", DIGEST_BYTES),
        waiting=fields.integer("waiting"),
        ledger_size=fields.integer("ledger_size"),
        ledger_digest=fields.hex_bytes("ledger_digest", DIGEST_BYTES),
        temperature_centi=(
            None
            if fields.is_null("temperature_centi")
            else fields.integer("temperature_centi", low=COLDEST_CENTI, high=HOTTEST_CENTI)
        ),
    )
