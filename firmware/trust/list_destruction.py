"""Destroy the sealed body of a list that expired or was replaced, and sign a record of it.

Templates live in memory only. The card holds the sealed body, which is overwritten in place and
removed. Flash may keep old blocks all the same: their content is sealed to this camera's key.
"""

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from nacl.signing import SigningKey

from firmware.delivery import durable
from firmware.errors import FloorsBroken
from firmware.record.ledger import Ledger
from firmware.trust.accepted import accepted_folder
from formats.casefile import read_casefile
from formats.envelope import sender_id
from formats.errors import FormatError
from formats.ledger import Happening
from formats.list_end import End, ListEnd, sign_list_end


@dataclass(frozen=True, slots=True)
class HeldList:
    """The list whose body is on the card."""

    version: int
    digest: bytes
    """(32,) SHA-256 of the case file."""
    body_digest: bytes
    expires_utc_s: int
    """When the list itself expires, apart from the freshness of its timestamp."""
    bodies: tuple[Path, ...]


def held_list(metadata: Path) -> HeldList | None:
    """Return the list that was accepted last, while its body is still there."""
    try:
        targets = accepted_folder(metadata).resolve() / "targets"
    except FloorsBroken:
        return None  # `firmware.trust.site_verifier` refuses it by name.
    bodies = tuple(targets.glob("*.sealed"))
    for path in targets.glob("*watchlist-*.json"):
        content = path.read_bytes()
        try:
            case = read_casefile(content)
        except FormatError:
            continue
        if bodies:
            digest = sha256(content).digest()
            return HeldList(case.version, digest, case.body_digest, case.expires_utc_s, bodies)
    return None


@dataclass(frozen=True, slots=True)
class DestructionLog:
    """The signed records and the ledger that say that a list is destroyed."""

    records: Path
    """Folder of the signed records."""
    key: SigningKey = field(repr=False)
    """The camera's signing key."""
    ledger: Ledger
    """The ledger of `watch`."""


def destroy_body(before: HeldList, end: End, log: DestructionLog, now_s: int) -> None:
    """Overwrite and remove what is left of a list's body; sign and record its destruction.

    Raises:
        OSError: the card cannot be written; the body may still be there, and nothing was signed.
    """
    for path in before.bodies:
        if path.exists():
            durable.overwrite(path)
            path.unlink()
            durable.sync_folder(path.parent)
    record = ListEnd(
        sender_id(log.key.verify_key),
        before.version,
        before.digest,
        before.body_digest,
        end,
        now_s,
    )
    log.records.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"{before.version:06}-{before.digest.hex()[:16]}.json"
    durable.replace(log.records / name, sign_list_end(record, log.key))
    body: dict[str, int | str] = {"version": before.version, "digest": before.digest.hex()}
    log.ledger.append(Happening.LIST_DESTROYED, body | {"end": str(end)})
