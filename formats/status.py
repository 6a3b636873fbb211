"""The status: a camera's own version, list, outbox, ledger head and temperature, sealed.

Cameras send it only if the policy says so. It holds nothing about people: no count of faces, no
entry, no place but the camera's own. It has the kind, size, chain and sequence of events, so a
relay cannot tell the two apart. Only a reviewer who opens it (`formats.message`) can.
"""

from dataclasses import dataclass
from typing import Final

from formats.envelope_header import DIGEST_BYTES, ID_BYTES, TimeQuality
from formats.event import PAYLOAD_LIMIT, TEXT_LIMIT
from formats.strict_json import UTC_HIGH_S, Fields, dumps, parse

COLDEST_CENTI: Final = -10_000
HOTTEST_CENTI: Final = 20_000
"""Temperatures that a sensor can mean, in hundredths of a degree Celsius."""

KIND: Final = "status"
"""The member `kind` of a status, by which it is told from a candidate."""


@dataclass(frozen=True, slots=True)
class Status:
    """One camera at one moment, while it looks in light: otherwise it sends no status."""

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
    """Version of the camera's programs."""
    firmware_digest: bytes
    """(32,) digest of the camera's programs."""
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
    """Records in the ledger of `watch`: a later cut of its end can be detected."""
    ledger_digest: bytes
    """(32,) SHA-256 of the last of them."""
    temperature_centi: int | None
    """Hottest sensor in hundredths of a degree Celsius; None where there is none."""

    def to_payload(self) -> bytes:
        """Return the status in canonical JSON.

        Raises:
            Malformed: it could not be read back.
        """
        payload = dumps(
            {
                "kind": KIND,
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
        Status.from_payload(payload)  # Once sealed, it can no longer be corrected.
        return payload

    @classmethod
    def from_payload(cls, payload: bytes) -> "Status":
        """Return the status that `to_payload` wrote.

        Raises:
            Malformed: not canonical JSON, or a field is missing, unknown or out of bounds.
            TooLarge: longer than an envelope can hold.
        """
        return parse(payload, _read, limit=PAYLOAD_LIMIT, what="status")


def _read(fields: Fields) -> Status:
    fields.constant("kind", KIND)
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
