"""The verdict: one reviewer's signed judgement of one candidate: match, not a match, cannot tell.

A `Verdict` names the sealed event by its digest, so it counts for no other event. It repeats what
the event rested on (list, model, policy, light), so that the books can be checked after the event
is destroyed. It says which enrolment picture (portrait) was shown beside the event. It holds no
entry, no score and no face. This module reads it and checks its signature. The estate decides
whether the signer may judge, and whether two verdicts decide.
Tables: docs/formats/verdict.md.
"""

from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from hashlib import sha256
from typing import Final

from nacl.exceptions import CryptoError
from nacl.signing import SigningKey, VerifyKey

from formats.envelope import sender_id
from formats.envelope_header import DIGEST_BYTES, ID_BYTES
from formats.errors import Forged
from formats.event import PPM, MatchEvent
from formats.hexadecimal import read_hex
from formats.strict_json import UTC_HIGH_S, Fields, JsonValue, dumps, parse

VERDICT_LIMIT: Final = 4096
"""Most bytes of a signed verdict: it has about 1,100."""
NO_PORTRAIT: Final = b""
"""What `Verdict.portrait` is if the reviewer was shown none."""
_NONE: Final = "none"
_DOMAIN: Final = b"tallylight-verdict-v1\0"
_PORTRAIT_DOMAIN: Final = b"tallylight-portrait-shown-v1\0"
_SIGNATURE_BYTES: Final = 64


class Judgement(StrEnum):
    """The three judgements that a reviewer can give."""

    MATCH = "match"
    NOT_A_MATCH = "not_a_match"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, slots=True)
class Basis:
    """The data that the event rested on, as the reviewer read them inside the event."""

    camera: bytes
    """(16,) `sender_id` of the camera."""
    captured_utc_ms: int
    """By the camera's clock."""
    lease_id: bytes
    """(16,) lamp lease: the period of use in the camera's ledger has it, too."""
    list_version: int
    list_digest: bytes
    """(32,) SHA-256 of the case file that was searched."""
    model_digest: bytes
    """(32,)"""
    policy_digest: bytes
    """(32,)"""
    threshold_ppm: int
    """The score from which on the camera reported; not the event's own score."""
    retain_until_utc_s: int
    """When the event must be destroyed."""

    @classmethod
    def of(cls, event: MatchEvent) -> "Basis":
        """Return what `event` rests on."""
        return cls(**{field.name: getattr(event, field.name) for field in fields(cls)})


@dataclass(frozen=True, slots=True)
class Verdict:
    """One reviewer's judgement of one candidate."""

    event: bytes
    """(32,) digest of the sealed event."""
    judgement: Judgement
    reviewer: bytes
    """(16,) `sender_id` of the key that signs."""
    given_utc_ms: int
    """By the reviewer's clock."""
    basis: Basis
    portrait: bytes | None = None
    """(32,) `portrait_digest` of what the reviewer was shown, or `NO_PORTRAIT`; None in a verdict
    of an earlier version, which does not say it."""

    def to_members(self) -> dict[str, int | str]:
        """Return all fields as flat JSON values, as the ledger holds them."""
        basis = {name: _spell(value) for name, value in asdict(self.basis).items()}
        if self.portrait is not None:
            basis["portrait_digest"] = self.portrait.hex() or _NONE
        return {
            "event": self.event.hex(),
            "judgement": str(self.judgement),
            "reviewer": self.reviewer.hex(),
            "given_utc_ms": self.given_utc_ms,
            **basis,
        }


def portrait_digest(event: MatchEvent, jpeg: bytes) -> bytes:
    """Return the (32,) digest of a portrait that was shown beside `event`.

    It covers the opened event, too: otherwise each portrait would have one digest, and the ledger
    would count how often its person was found. Once an event is destroyed, its digest can no longer
    be compared with any picture.
    """
    opened = sha256(event.to_payload()).digest()
    return sha256(_PORTRAIT_DOMAIN + opened + jpeg).digest()


def sign_verdict(verdict: Verdict, key: SigningKey) -> bytes:
    """Return `verdict` with its signature, as one canonical JSON object.

    Raises:
        Forged: it names another reviewer than `key`.
        Malformed: it could not be read back.
    """
    if verdict.reviewer != sender_id(key.verify_key):
        raise Forged("The verdict names another reviewer than the owner of the signing key.")
    signature = key.sign(_statement(verdict)).signature
    signed = dumps({**_members(verdict), "signature": signature.hex()})
    _parse(signed)  # What cannot be read back would count as no verdict.
    return signed


def read_verdict(data: bytes, key: VerifyKey) -> Verdict:
    """Return the verdict in `data`, signed by `key`.

    Raises:
        Malformed, TooLarge: `data` is not a verdict.
        Forged: it names another reviewer, or the signature does not hold.
    """
    verdict, signature = _parse(data)
    if verdict.reviewer != sender_id(key):
        raise Forged("The verdict names another reviewer.")
    try:
        key.verify(_statement(verdict), signature)
    except CryptoError as error:
        raise Forged("The verdict's signature does not hold.") from error
    return verdict


def named_reviewer(data: bytes) -> bytes:
    """Return the (16,) id of the reviewer that `data` names; nothing is proven.

    Raises:
        Malformed, TooLarge: `data` is not a verdict.
    """
    return _parse(data)[0].reviewer


def signature_of(data: bytes) -> bytes:
    """Return the (64,) signature in a signed verdict, for the ledger.

    Raises:
        Malformed, TooLarge: `data` is not a verdict.
    """
    return _parse(data)[1]


def _spell(value: bytes | int) -> int | str:
    return value.hex() if isinstance(value, bytes) else value


def _members(verdict: Verdict) -> dict[str, JsonValue]:
    return {"kind": "verdict", **verdict.to_members()}


def _statement(verdict: Verdict) -> bytes:
    return _DOMAIN + dumps(_members(verdict))


def _parse(data: bytes) -> tuple[Verdict, bytes]:
    return parse(data, _read, limit=VERDICT_LIMIT, what="verdict")


def _read(members: Fields) -> tuple[Verdict, bytes]:
    members.constant("kind", "verdict")
    basis = Basis(
        camera=members.hex_bytes("camera", ID_BYTES),
        captured_utc_ms=members.integer("captured_utc_ms", high=1000 * UTC_HIGH_S),
        lease_id=members.hex_bytes("lease_id", ID_BYTES),
        list_version=members.integer("list_version", low=1),
        list_digest=members.hex_bytes("list_digest", DIGEST_BYTES),
        model_digest=members.hex_bytes("model_digest", DIGEST_BYTES),
        policy_digest=members.hex_bytes("policy_digest", DIGEST_BYTES),
        threshold_ppm=members.integer("threshold_ppm", low=-PPM, high=PPM),
        retain_until_utc_s=members.utc_s("retain_until_utc_s"),
    )
    verdict = Verdict(
        event=members.hex_bytes("event", DIGEST_BYTES),
        judgement=members.choice("judgement", Judgement),
        reviewer=members.hex_bytes("reviewer", ID_BYTES),
        given_utc_ms=members.integer("given_utc_ms", high=1000 * UTC_HIGH_S),
        basis=basis,
        portrait=_read_portrait(members) if members.has("portrait_digest") else None,
    )
    return verdict, members.hex_bytes("signature", _SIGNATURE_BYTES)


def _read_portrait(members: Fields) -> bytes:
    said = members.text("portrait_digest", at_most=2 * DIGEST_BYTES)
    return NO_PORTRAIT if said == _NONE else read_hex(said, DIGEST_BYTES)
