"""The books (audit trail): ledgers of estate and cameras, signed checkpoints, export for outsiders.

A checkpoint is a signature over the head of the estate's ledger. It is kept in the books' folder.
An outsider with a copy of it can tell if a record before it was changed or removed since. A
camera's ledger comes on a USB stick together with its checkpoint. It is verified before it is
stored, and it may only grow: a ledger that contradicts an earlier one is refused.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from nacl.signing import SigningKey, VerifyKey
from sqlalchemy import BigInteger, Column, Connection, LargeBinary, String, Table, insert, select

from estate.errors import BooksRefused
from estate.intake.statuses import statuses_of
from estate.signed_site import VerifiedSite, store_list, stored_site_files
from estate.store.envelopes import Store
from estate.store.ledger import (
    CHECKPOINTS,
    METADATA,
    append_record,
    checkpointed_records,
    ledger_head,
    ledger_lines,
)
from formats.camera_request import CameraIdentity
from formats.counts import counted
from formats.envelope_header import ID_BYTES
from formats.errors import FormatError
from formats.hexadecimal import read_hex
from formats.ledger import (
    Checkpoint,
    Happening,
    Head,
    Program,
    Record,
    sign_checkpoint,
    verify_against,
    verify_chain,
    verify_checkpoint,
)
from formats.status import Status
from formats.whole_file import append_whole, write_whole
from terminal.differences import Item, digest_text

CERTIFICATES: Final = "certificates"
"""Folder of the books with the certificates of destruction."""
ORIGIN: Final = "estate"
"""Name of the estate's own ledger in checkpoints."""
CAMERA_LINES: Final = Table(
    "camera_lines",
    METADATA,
    Column("origin", String(128), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("line", LargeBinary, nullable=False),
)


def next_checkpoint(store: Store, key: VerifyKey, folder: Path) -> Checkpoint:
    """Return the checkpoint that would be signed now: of the whole ledger, verified.

    Raises:
        BooksRefused: the ledger is empty or broken, or disagrees with the last checkpoint.
    """
    with store.reading() as connection:
        checkpointed_records(connection, folder, key)
        now = ledger_head(connection)
    if not now.size:
        raise BooksRefused("The ledger has no records yet: there is nothing to sign.")
    return Checkpoint(ORIGIN, now)


def last_checkpoint(key: VerifyKey, folder: Path) -> Checkpoint | None:
    """Return the newest checkpoint of the estate's ledger; None if none was signed with `key`."""
    file = folder / CHECKPOINTS
    lines = file.read_bytes().splitlines() if file.exists() else []
    try:
        return verify_checkpoint(lines[-1], key) if lines else None
    except FormatError:
        return None


def checkpoint_items(checkpoint: Checkpoint) -> Sequence[Item]:
    """Return everything that a signature over a checkpoint covers."""
    facts = {
        "of the ledger": checkpoint.origin,
        "records": str(checkpoint.head.size),
        "head": digest_text(checkpoint.head.digest),
    }
    return [Item("Checkpoint", facts)]


def write_checkpoint(
    store: Store, key: SigningKey, folder: Path, shown: Checkpoint | None = None
) -> Head:
    """Sign a checkpoint of the estate's ledger, append it to `folder`; return its head.

    Args:
        store: with the ledger.
        key: the estate's ledger key.
        folder: of the books.
        shown: the checkpoint that a person has read; None for the whole ledger as it is now.

    Raises:
        BooksRefused: the ledger is empty or broken, or disagrees with a checkpoint.
    """
    signed = shown or next_checkpoint(store, key.verify_key, folder)
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    with store.writing() as connection:
        checkpointed_records(connection, folder, key.verify_key)
        _refuse_contradiction(connection, signed)
        append_whole(folder / CHECKPOINTS, sign_checkpoint(signed, key) + b"\n")
        body: dict[str, int | str] = {"size": signed.head.size, "digest": signed.head.digest.hex()}
        append_record(connection, Happening.CHECKPOINT, body)
    return signed.head


def _refuse_contradiction(connection: Connection, signed: Checkpoint) -> None:
    """Refuse a checkpoint that the ledger does not continue any more.

    Raises:
        BooksRefused: the ledger was changed after the checkpoint was shown.
    """
    try:
        verify_against(ledger_lines(connection), signed)
    except FormatError as error:
        raise BooksRefused(f"The ledger was changed after it was shown: {error}") from error


def add_camera_ledger(
    store: Store, site: VerifiedSite, ledger: Path, signed: Path
) -> tuple[str, int]:
    """Verify and store a camera's ledger; return its origin and the number of new records.

    Raises:
        BooksRefused: it is broken, the camera did not sign it, or it contradicts an earlier
            ledger or status of the camera.
    """
    try:
        content = ledger.read_bytes().splitlines()
        verify_chain(content)
        origin = _verify_origin(site, content, signed.read_bytes().strip())
    except OSError as error:
        raise BooksRefused(f"{error.filename} cannot be read: {error.strerror}.") from error
    except FormatError as error:
        raise BooksRefused(f"The ledger {ledger} is refused: {error}") from error
    with store.writing() as connection:
        known = list(camera_lines(connection, origin))
        if content[: len(known)] != known:
            raise BooksRefused(f"The ledger {ledger} contradicts an earlier one of this camera.")
        _verify_against_statuses(connection, site, origin, content)
        for seq, line in enumerate(content[len(known) :], len(known)):
            connection.execute(insert(CAMERA_LINES).values(origin=origin, seq=seq, line=line))
    return origin, len(content) - len(known)


def _verify_against_statuses(
    connection: Connection, site: VerifiedSite, origin: str, content: list[bytes]
) -> None:
    """Verify the ledger against the sizes and digests in its camera's statuses (anti-rollback).

    Raises:
        BooksRefused: records that a status counts were changed or cut off.
    """
    camera, _, program = origin.partition("/")
    if program != Program.WATCH:
        return
    for status in statuses_of(connection, site.reviewers, read_hex(camera, ID_BYTES)):
        head = Head(status.ledger_size, status.ledger_digest)
        try:
            verify_against(content, Checkpoint(origin, head))
        except FormatError as error:
            raise BooksRefused(
                f"The camera's status of {_day(status)} counts {counted(head.size, 'record')} that "
                "the ledger does not hold: some were changed or cut off. Keep it as evidence."
            ) from error


def _day(status: Status) -> str:
    return datetime.fromtimestamp(status.sent_utc_ms / 1000, UTC).strftime("%d %B %Y")


def camera_lines(connection: Connection, origin: str) -> Iterator[bytes]:
    """Yield every stored line of one camera's ledger."""
    mine = select(CAMERA_LINES.c.line).where(CAMERA_LINES.c.origin == origin)
    for (line,) in connection.execute(mine.order_by(CAMERA_LINES.c.seq)):
        yield bytes(line)


def camera_origins(connection: Connection) -> list[str]:
    """Return the origins of all stored cameras' ledgers: `<camera>/<program>`."""
    found = connection.execute(select(CAMERA_LINES.c.origin).distinct())
    return sorted(origin for (origin,) in found)


def camera_records(connection: Connection) -> Iterator[tuple[bytes, Record]]:
    """Yield every record of every camera's ledger, with the camera's id."""
    for origin in camera_origins(connection):
        camera = read_hex(origin.partition("/")[0], ID_BYTES)
        for line in camera_lines(connection, origin):
            yield camera, Record.from_line(line)


def export_books(store: Store, site: VerifiedSite, books: Path, to: Path) -> list[Path]:
    """Write all that `tallylight-verify` reads into a new folder; return the files.

    Raises:
        OSError: the folder exists, or the disk is full: then no folder is left.
    """
    files = _exported_files(store, site, books)
    to.mkdir(mode=0o755, parents=True)
    try:
        for name, content in files.items():
            (to / name).parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            write_whole(to / name, content, synced=not name.startswith(CERTIFICATES))
    except OSError:
        shutil.rmtree(to, ignore_errors=True)
        raise
    return sorted(to / name for name in files)


def _exported_files(store: Store, site: VerifiedSite, books: Path) -> dict[str, bytes]:
    """Return every file of the export, by its name in the folder."""
    with store.writing() as connection:
        store_list(connection, site)  # So that the ledger names the recipients.
        ledgers = {ORIGIN: list(ledger_lines(connection))}
        ledgers |= {
            each: list(camera_lines(connection, each)) for each in camera_origins(connection)
        }
        signed = stored_site_files(connection)
    keys = {ORIGIN: bytes(site.recipients.ledger_key).hex()}
    for place in site.policy.places:
        keys |= {origin: bytes(key).hex() for origin, key in _ledger_keys(place.camera).items()}
    files = {
        f"{origin.replace('/', '_')}.jsonl": b"".join(line + b"\n" for line in content)
        for origin, content in ledgers.items()
    }
    files |= {path.name: path.read_bytes() for path in sorted(books.glob("*.checkpoint"))}
    certificates = sorted((books / CERTIFICATES).glob("*.json"))
    files |= {f"{CERTIFICATES}/{path.name}": path.read_bytes() for path in certificates}
    files["keys.json"] = json.dumps(keys, indent=1).encode() + b"\n"
    return files | {f"site/{name}": content for name, content in signed.items()}


def _verify_origin(site: VerifiedSite, content: list[bytes], signed: bytes) -> str:
    """Return the ledger's origin, once the signature of one of the site's cameras is verified."""
    for place in site.policy.places:
        for origin, key in _ledger_keys(place.camera).items():
            try:
                checkpoint = verify_checkpoint(signed, key)
            except FormatError:
                continue
            verify_against(content, checkpoint)
            program = Record.from_line(content[0]).program
            if checkpoint.origin != origin or not origin.endswith(f"/{program}"):
                raise BooksRefused("The checkpoint is for another camera or program.")
            return origin
    raise BooksRefused("No camera of the policy has signed this checkpoint.")


def _ledger_keys(camera: CameraIdentity) -> dict[str, VerifyKey]:
    name = camera.camera_id.hex()
    return {f"{name}/{program}": key for program, key in camera.ledger_keys.items()}
