"""The act: one reviewer's signed word on one sealed event: hold, release, export, opened, a status.

The estate's database holds rows about events. A row that delays or hastens the destruction of an
event counts only with such an act behind it. `hold` and `release` count when two different people
have signed them with the same reason, `export` with the same recipient. Tables:
docs/formats/act.md.

This module reads an act and checks its signature. The estate decides whether the signer may act.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Final

from nacl.exceptions import CryptoError
from nacl.signing import SigningKey, VerifyKey

from formats.envelope import sender_id
from formats.envelope_header import DIGEST_BYTES, ID_BYTES
from formats.errors import Forged, Malformed
from formats.strict_json import UTC_HIGH_S, Fields, JsonValue, dumps, parse

ACT_LIMIT: Final = 4096
"""Most bytes of a signed act: one with a reason of 500 characters has up to 2,400."""
REASON_LIMIT: Final = 500
"""Most characters of a reason."""
TO_LIMIT: Final = 128
"""Most characters of a recipient's name."""
AGE_KEY: Final = re.compile("age1[02-9ac-hj-np-z]{58}")
"""An age public key: 32 bytes in Bech32 (https://age-encryption.org/v1)."""
BOTH: Final = ("first", "second")
"""What a record of the ledger calls the two people who signed it."""
_DOMAIN: Final = b"tallylight-act-v1\0"
SIGNATURE_BYTES: Final = 64
"""Bytes of an Ed25519 signature."""


class Kind(StrEnum):
    """What a reviewer can do with an event, besides giving a verdict."""

    HOLD = "hold"
    """Keep it beyond its time."""
    RELEASE = "release"
    """End a hold."""
    EXPORT = "export"
    """Hand the confirmed match over to one recipient."""
    OPENED = "opened"
    """It was opened, and says itself when it must be destroyed."""
    STATUS = "status"
    """It was opened, and is a camera's status."""


@dataclass(frozen=True, slots=True)
class Act:
    """One reviewer's act on one event."""

    kind: Kind
    event: bytes
    """(32,) digest of the sealed event."""
    reviewer: bytes
    """(16,) `sender_id` of the verdict key that signs."""
    given_utc_ms: int
    """By the reviewer's clock, milliseconds since 1970."""
    reason: str | None = None
    """One line of 1 to `REASON_LIMIT` characters; of `hold` and `release` only."""
    retain_until_utc_s: int | None = None
    """When the event must be destroyed, as it says itself; of `opened` only."""
    status: bytes | None = None
    """(32,) SHA-256 of the status that the event held; of `status` only."""
    to: str | None = None
    """Name of the recipient, one line of 1 to `TO_LIMIT` characters; of `export` only."""
    recipient: str | None = None
    """The recipient's age public key, as `AGE_KEY`; of `export` only."""


def sign_act(act: Act, key: SigningKey) -> bytes:
    """Return `act` with its signature, as one canonical JSON object.

    Raises:
        Forged: it names another reviewer than `key`.
        Malformed: it could not be read back.
    """
    if act.reviewer != sender_id(key.verify_key):
        raise Forged("The act names another reviewer than the owner of the signing key.")
    signature = key.sign(_statement(act)).signature
    signed = dumps({**_members(act), "signature": signature.hex()})
    if _parse(signed)[0] != act:
        raise Malformed("The act has a member that its kind does not have.")
    return signed


def read_act(data: bytes, key: VerifyKey) -> Act:
    """Return the act in `data`, signed by `key`.

    Raises:
        Malformed, TooLarge: `data` is not an act.
        Forged: it names another reviewer, or the signature does not hold.
    """
    act, signature = _parse(data)
    verify_act(act, signature, key)
    return act


def verify_act(act: Act, signature: bytes, key: VerifyKey) -> None:
    """Verify a (64,) signature over an act whose members come from elsewhere, as from a ledger.

    Raises:
        Forged: it names another reviewer than `key`, or the signature does not hold.
    """
    if act.reviewer != sender_id(key):
        raise Forged("The act names another reviewer.")
    try:
        key.verify(_statement(act), signature)
    except (CryptoError, ValueError) as error:  # ValueError: not 64 bytes.
        raise Forged("The act's signature does not hold.") from error


def signature_of(data: bytes) -> bytes:
    """Return the (64,) signature in a signed act, for the ledger.

    Raises:
        Malformed, TooLarge: `data` is not an act.
    """
    return _parse(data)[1]


def recorded_acts(
    body: Mapping[str, int | str], kind: Kind
) -> tuple[tuple[Act, bytes], tuple[Act, bytes]]:
    """Return two people's acts, each with its (64,) signature, from a record; nothing is proven.

    Args:
        body: of a record `held`, `released` or `exported` of the estate's ledger.
        kind: of the acts: hold, release or export.

    Raises:
        Malformed: it carries no two such acts; records of earlier versions carry none.
    """
    members: dict[str, JsonValue] = dict(body)
    return parse(dumps(members), partial(_read_pair, kind=kind), limit=ACT_LIMIT, what="record")


def claimed_act(data: bytes) -> Act:
    """Return the act that `data` claims to be; nothing is proven.

    Raises:
        Malformed, TooLarge: `data` is not an act.
    """
    return _parse(data)[0]


def _members(act: Act) -> dict[str, JsonValue]:
    members: dict[str, JsonValue] = {
        "kind": str(act.kind),
        "event": act.event.hex(),
        "reviewer": act.reviewer.hex(),
        "given_utc_ms": act.given_utc_ms,
    }
    if act.kind in {Kind.HOLD, Kind.RELEASE}:
        members["reason"] = act.reason
    if act.kind is Kind.OPENED:
        members["retain_until_utc_s"] = act.retain_until_utc_s
    if act.kind is Kind.STATUS:
        members["status"] = None if act.status is None else act.status.hex()
    if act.kind is Kind.EXPORT:
        members |= {"to": act.to, "recipient": act.recipient}
    return members


def _statement(act: Act) -> bytes:
    return _DOMAIN + dumps(_members(act))


def _parse(data: bytes) -> tuple[Act, bytes]:
    return parse(data, _read, limit=ACT_LIMIT, what="act")


def _read(fields: Fields) -> tuple[Act, bytes]:
    act = _unsigned(fields, fields.choice("kind", Kind), "event")
    return _signed(fields, act, "reviewer", "given_utc_ms", "signature")


def _read_pair(fields: Fields, kind: Kind) -> tuple[tuple[Act, bytes], tuple[Act, bytes]]:
    act = _unsigned(fields, kind, "envelope")
    for digest in ("file", "archive") if kind is Kind.EXPORT else ():
        fields.hex_bytes(digest, DIGEST_BYTES)
    first, second = (
        _signed(fields, act, which, f"{which}_utc_ms", f"{which}_signature") for which in BOTH
    )
    return first, second


def _unsigned(fields: Fields, kind: Kind, event: str) -> Act:
    """Read what does not depend on the reviewer; `event` is the name of the event's member."""
    with_reason = kind in {Kind.HOLD, Kind.RELEASE}
    return Act(
        kind=kind,
        event=fields.hex_bytes(event, DIGEST_BYTES),
        reviewer=b"",
        given_utc_ms=0,
        reason=fields.text("reason", at_most=REASON_LIMIT) if with_reason else None,
        retain_until_utc_s=fields.utc_s("retain_until_utc_s") if kind is Kind.OPENED else None,
        status=fields.hex_bytes("status", DIGEST_BYTES) if kind is Kind.STATUS else None,
        to=fields.text("to", at_most=TO_LIMIT) if kind is Kind.EXPORT else None,
        recipient=_age_key(fields) if kind is Kind.EXPORT else None,
    )


def _signed(
    fields: Fields, act: Act, reviewer: str, given: str, signature: str
) -> tuple[Act, bytes]:
    """Read a reviewer's part of `act`, from the members of these names."""
    mine = replace(
        act,
        reviewer=fields.hex_bytes(reviewer, ID_BYTES),
        given_utc_ms=fields.integer(given, high=1000 * UTC_HIGH_S),
    )
    return mine, fields.hex_bytes(signature, SIGNATURE_BYTES)


def _age_key(fields: Fields) -> str:
    key = fields.text("recipient", at_most=ACT_LIMIT)
    if not AGE_KEY.fullmatch(key):
        raise Malformed("act.recipient is no age public key: it begins with age1.")
    return key
