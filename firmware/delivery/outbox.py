"""The outbox: sealed events on disk, from before anything is said until the estate's receipt.

A folder of files, one event each; `watch` puts them in, `courier` sends and removes them.

    part/      being written: nobody reads it
    waiting/   whole and durable: sent again and again until the receipt comes
    leaving/   receipted, being overwritten: the courier's alone
    broken/    not what was written: set aside, kept, and recorded
    chain      number, sequence and digest of the newest event, so that the chain survives a restart
    receipts-from   key whose receipts allow removal, from the verified recipients

An event is written to `part/`, then named in `chain`, then moved to `waiting/`. After a power cut
at any point either the event is complete and gets moved, or it was never named and is dropped.
Nothing is dropped for want of room: a full outbox refuses, and recognition stops.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from firmware.delivery import durable
from firmware.errors import OutboxFull
from formats import strict_json
from formats.envelope import Kind, Sealed, read, wire_size
from formats.errors import FormatError

LIMIT_BYTES: Final = 512 * 2**20
"""About 15,000 events of 33 kB."""
LARGEST: Final = wire_size(Kind.EVENT, Kind.EVENT.value.slots[-1])
"""Bytes of an event for as many reviewers as an envelope can have."""
CHAIN_LIMIT: Final = 4096


@dataclass(frozen=True, slots=True)
class Link:
    """The newest event of the chain."""

    number: int
    """Events ever made by this camera."""
    boot_id: bytes
    sequence: int
    digest: bytes

    def to_bytes(self) -> bytes:
        """Return the canonical JSON of the file `chain`."""
        return strict_json.dumps(
            {
                "number": self.number,
                "boot_id": self.boot_id.hex(),
                "sequence": self.sequence,
                "digest": self.digest.hex(),
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> "Link":
        """Return the link that `to_bytes` wrote.

        Raises:
            FormatError: the bytes are anything else.
        """
        return strict_json.parse(
            data,
            lambda f: cls(
                number=f.integer("number", low=0),
                boot_id=f.hex_bytes("boot_id", 16),
                sequence=f.integer("sequence", low=0),
                digest=f.hex_bytes("digest", 32),
            ),
            limit=CHAIN_LIMIT,
            what="chain",
        )


class Outbox:
    """The folder above. One `watch` writes it and one `courier` reads it."""

    def __init__(self, folder: Path, *, limit_bytes: int = LIMIT_BYTES) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._part, self._waiting = folder / "part", folder / "waiting"
        self._leaving, self._broken = folder / "leaving", folder / "broken"
        for place in (self._part, self._waiting, self._leaving, self._broken):
            place.mkdir(mode=0o770, parents=True, exist_ok=True)

    def recover(self) -> Link | None:
        """Finish what a power cut left half done; return the newest link, or None before the first.

        Raises:
            FormatError: the file `chain` is not what was written.
        """
        try:
            link = Link.from_bytes((self._folder / "chain").read_bytes())
        except FileNotFoundError:
            link = None
        for draft in self._part.iterdir():
            if link is not None and _is(draft, link):
                durable.rename(draft, self._waiting / draft.name)
            else:
                draft.unlink()
        return link

    def room(self) -> None:
        """Do nothing while one more event fits.

        Raises:
            OutboxFull: the next event would not fit.
        """
        used = sum(_size(path) for path in self._waiting.iterdir())
        if used + LARGEST > self._limit_bytes:
            raise OutboxFull(
                f"The outbox holds {used} of {self._limit_bytes} bytes: recognition stops until "
                "the estate's receipts come; check the network and the receiver."
            )

    def put(self, sealed: Sealed, link: Link) -> None:
        """Keep one event until its receipt comes; it is on disk when this returns."""
        name = f"{link.number:012d}"
        durable.write(self._part / name, sealed.blob)
        durable.sync_folder(self._part)
        durable.replace(self._folder / "chain", link.to_bytes())
        durable.rename(self._part / name, self._waiting / name)

    def names(self) -> list[str]:
        """Return the names of the waiting events, oldest first."""
        return sorted(path.name for path in self._waiting.iterdir())

    def sealed(self, name: str) -> Sealed:
        """Return one waiting event.

        Raises:
            FormatError: the file is not what was written.
        """
        return read(Kind.EVENT, (self._waiting / name).read_bytes())

    def set_aside(self, name: str) -> None:
        """Keep a broken file out of the way of the others."""
        durable.rename(self._waiting / name, self._broken / name)

    def remove(self, name: str) -> None:
        """Delete an event whose receipt has come, overwriting what can be overwritten.

        It is moved aside first: after a power cut half an overwritten event is one that was leaving
        anyway, and not a broken one.
        """
        leaving = self._leaving / name
        durable.rename(self._waiting / name, leaving)
        durable.write(leaving, bytes(leaving.stat().st_size))
        leaving.unlink()
        durable.sync_folder(self._waiting)

    def sweep(self) -> None:
        """Finish the removals that a power cut left half done. For the courier, at its start."""
        for leaving in self._leaving.iterdir():
            leaving.unlink()

    def trust_receipts_from(self, key: bytes) -> None:
        """Say whose receipts allow removal: an Ed25519 public key from the verified recipients."""
        durable.replace(self._folder / "receipts-from", key)

    def receipts_from(self) -> bytes | None:
        """Return the key whose receipts allow removal, or None before a list was verified."""
        try:
            return (self._folder / "receipts-from").read_bytes()
        except FileNotFoundError:
            return None


def _size(path: Path) -> int:
    """Bytes of a waiting event; none once the courier has removed it."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _is(draft: Path, link: Link) -> bool:
    try:
        return read(Kind.EVENT, draft.read_bytes()).digest == link.digest
    except FormatError:
        return False
