"""Destroy the sealed body of a list that expired or was replaced, and sign a record of it.

Templates live in memory only. The card holds the sealed body, which is overwritten in place and
removed. Flash may keep old blocks all the same: their content is sealed to this camera's key.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from nacl.signing import SigningKey

from firmware.errors import FloorsBroken
from firmware.folder import Folder
from firmware.record.ledger import Ledger
from firmware.trust.accepted import accepted_folder
from formats.casefile import read_casefile
from formats.envelope import sender_id
from formats.errors import FormatError
from formats.ledger import Happening
from formats.list_end import End, ListEnd, sign_list_end
from formats.site_tuf import LIMITS, TARGETS_FOLDER

NAMES: Final = 1000
"""More files than a repository has targets: policy, recipients, case file, body and statement."""


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
        targets = accepted_folder(metadata).resolve() / TARGETS_FOLDER
        with Folder(targets) as folder:
            names = folder.names(limit=NAMES)
            cases = [name for name in names if "watchlist-" in name and name.endswith(".json")]
            contents = [folder.read(name, limit=LIMITS[TARGETS_FOLDER]) for name in cases]
    except FloorsBroken:
        return None  # `firmware.trust.site_verifier` refuses it by name.
    except FileNotFoundError:
        return None  # Nothing was accepted yet.
    bodies = tuple(targets / name for name in names if name.endswith(".sealed"))
    for content in contents:
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
        with suppress(FileNotFoundError), Folder(path.parent) as folder:
            folder.overwrite(path.name, limit=LIMITS[TARGETS_FOLDER])
    record = ListEnd(
        sender_id(log.key.verify_key),
        before.version,
        before.digest,
        before.body_digest,
        end,
        now_s,
    )
    name = f"{before.version:06}-{before.digest.hex()[:16]}.json"
    with Folder.made(log.records, 0o700) as records:
        records.replace(name, sign_list_end(record, log.key))
    body: dict[str, int | str] = {"version": before.version, "digest": before.digest.hex()}
    log.ledger.append(Happening.LIST_DESTROYED, body | {"end": str(end)})
