"""Destroys the body of a list that has ended, and signs that it is gone.

A list ends when a newer one takes its place or when its own time is over. Templates live in memory
only; what is on the card is the sealed body, which is overwritten where it lies and removed. Flash
may keep old blocks all the same: what they hold is sealed to this camera's key.
"""

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from nacl.signing import SigningKey

from firmware.delivery import durable
from firmware.record.ledger import Ledger
from firmware.trust.accepted import accepted
from formats.casefile import read_casefile
from formats.envelope import sender_id
from formats.errors import FormatError
from formats.ledger import Happening
from formats.list_end import End, ListEnd, sign_list_end


@dataclass(frozen=True, slots=True)
class Held:
    """The list whose body lies on the card."""

    version: int
    digest: bytes
    """(32,) SHA-256 of the case file."""
    body_digest: bytes
    expires_utc_s: int
    """The list's own end, whatever its freshness."""
    bodies: tuple[Path, ...]


def held(metadata: Path) -> Held | None:
    """The list that was accepted last, while its body is still there."""
    targets = accepted(metadata).resolve() / "targets"
    bodies = tuple(targets.glob("*.sealed"))
    for path in targets.glob("*watchlist-*.json"):
        content = path.read_bytes()
        try:
            case = read_casefile(content)
        except FormatError:
            continue
        if bodies:
            digest = sha256(content).digest()
            return Held(case.version, digest, case.body_digest, case.expires_utc_s, bodies)
    return None


@dataclass(frozen=True, slots=True)
class Books:
    """Where it is recorded that a list is gone."""

    records: Path
    """Folder of the signed records."""
    key: SigningKey = field(repr=False)
    """The camera's signing key."""
    ledger: Ledger
    """Of `watch`."""


def destroy(before: Held, end: End, books: Books, now_s: int) -> None:
    """Overwrite and remove what is left of a list's body; sign and record that it is gone.

    Raises:
        OSError: the card cannot be written; the body may still be there, and nothing was signed.
    """
    for path in before.bodies:
        if path.exists():
            durable.overwrite(path)
            path.unlink()
            durable.sync_folder(path.parent)
    record = ListEnd(
        sender_id(books.key.verify_key),
        before.version,
        before.digest,
        before.body_digest,
        end,
        now_s,
    )
    books.records.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"{before.version:06}-{before.digest.hex()[:16]}.json"
    durable.replace(books.records / name, sign_list_end(record, books.key))
    body: dict[str, int | str] = {"version": before.version, "digest": before.digest.hex()}
    books.ledger.append(Happening.LIST_DESTROYED, body | {"end": str(end)})
