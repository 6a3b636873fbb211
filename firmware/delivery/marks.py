"""The outbox's small files: the end of the event chain, twice, and the terms of keeping events.

Each ends in a digest of its content, so that a byte that changed on the disk is noticed. The digest
is against accidents; it is no signature.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, TypeVar

from firmware.errors import ForeignFile
from firmware.folder import Folder
from formats import strict_json
from formats.errors import FormatError, Malformed

CHAINS: Final = ("chain", "chain-copy")
LIMIT: Final = 4096
"""Bytes of one such file at most."""
DIGEST_BYTES: Final = 32
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Link:
    """The newest event of the chain."""

    number: int
    """Events ever made by this camera."""
    boot_id: bytes
    sequence: int
    digest: bytes

    def to_bytes(self) -> bytes:
        """Return what `from_bytes` reads."""
        return _guarded(
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
        return _read(
            data,
            lambda f: cls(
                number=f.integer("number", low=0),
                boot_id=f.hex_bytes("boot_id", 16),
                sequence=f.integer("sequence", low=0),
                digest=f.hex_bytes("digest", 32),
            ),
        )


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of keeping events, from the verified list."""

    receipts_from: bytes
    """(32,) Ed25519 public key whose receipts allow removal."""
    keep_days: int
    """Days after which an event without a receipt is destroyed, from 1."""

    def to_bytes(self) -> bytes:
        """Return what `from_bytes` reads."""
        return _guarded({"receipts_from": self.receipts_from.hex(), "keep_days": self.keep_days})

    @classmethod
    def from_bytes(cls, data: bytes) -> "Terms":
        """Return the terms that `to_bytes` wrote.

        Raises:
            FormatError: the bytes are anything else.
        """
        return _read(
            data,
            lambda f: cls(
                receipts_from=f.hex_bytes("receipts_from", 32),
                keep_days=f.integer("keep_days", low=1),
            ),
        )


def write(folder: Folder, name: str, mark: Link | Terms) -> None:
    """Put the mark at `name` in a folder, whole or not at all."""
    folder.replace(name, mark.to_bytes())


def read_chains(folder: Folder) -> tuple[list[Link], list[str]]:
    """Return the links of the chain's two files that are sound, and the names of broken ones."""
    found, broken = [], []
    for name in CHAINS:
        try:
            found.append(Link.from_bytes(folder.read(name, limit=LIMIT)))
        except FileNotFoundError:
            continue
        except (FormatError, ForeignFile):
            broken.append(name)
    return found, broken


def write_chains(folder: Folder, link: Link) -> None:
    """Name the newest event in both files of the chain (3 fsyncs): a power cut breaks neither."""
    for name in CHAINS:
        folder.write(f".{name}.part", link.to_bytes())
    for name in CHAINS:
        folder.rename(f".{name}.part", folder, name, synced=False)
    folder.sync()


def _guarded(members: dict[str, strict_json.JsonValue]) -> bytes:
    text = strict_json.dumps(members)
    return text + sha256(text).digest()


def _read(data: bytes, reader: Callable[[strict_json.Fields], T]) -> T:
    text, digest = data[:-DIGEST_BYTES], data[-DIGEST_BYTES:]
    if sha256(text).digest() != digest:
        raise Malformed("The file is not what was written.")
    return strict_json.parse(text, reader, limit=LIMIT, what="mark")
