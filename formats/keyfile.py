"""Private keys at rest: one file, one key, one purpose, one holder, under a passphrase.

The key is encrypted with a SecretBox whose key comes from passphrase (Argon2id) and purpose. The
public half stands beside it, so a key can be named, counted and checked without opening it. A file
is written once and never changed; holders take theirs away on a stick and nobody else needs it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path
from typing import Final

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey
from nacl.pwhash import argon2id
from nacl.secret import SecretBox
from nacl.signing import SigningKey
from nacl.utils import random

from formats.errors import FormatError
from formats.strict_json import Fields, dumps, parse

PASSPHRASE_LENGTH: Final = 12
"""Fewest characters of a passphrase: shorter ones fall to an offline search."""

_FILE_LIMIT: Final = 4096
_KEY_BYTES: Final = 32
_MEMORY_LIMIT: Final = 1 << 30
"""A foreign key file must not be able to ask for all memory."""


class KeyRefused(FormatError):
    """A key file is missing, broken or of another purpose, or the passphrase is wrong."""


class Purpose(StrEnum):
    """What a key is for; no key has two purposes."""

    ROOT = "root"
    TARGETS = "targets"
    SNAPSHOT = "snapshot"
    TIMESTAMP = "timestamp"
    LIST_SIGN = "list-sign"
    LIST_SEAL = "list-seal"
    DESK = "desk"
    """X25519; templates rest sealed to it between `list add` and `list build`."""
    BROKER = "broker"
    """Certificate authority of the broker."""
    REVIEWER = "reviewer"
    """X25519; opens match events."""
    RECEIPT = "receipt"
    """Signs the estate's receipts."""
    VERDICT = "verdict"
    """Signs one reviewer's verdicts."""
    LEDGER = "ledger"
    """Signs the estate's books: checkpoints and certificates of destruction."""
    MODEL = "model"
    """Signs model bundles."""


OPENING: Final = frozenset({Purpose.DESK, Purpose.REVIEWER})
"""X25519 keys; all others are Ed25519."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one guess at a passphrase costs (RFC 9106)."""

    passes: int
    memory_bytes: int


INTERACTIVE: Final = Cost(argon2id.OPSLIMIT_INTERACTIVE, argon2id.MEMLIMIT_INTERACTIVE)
"""libsodium's figures for a person who waits: 64 MiB, measured 0.1 s."""


@dataclass(frozen=True, slots=True)
class KeyFile:
    """An encrypted private key, as it rests in its file."""

    purpose: Purpose
    holder: str
    """Organisation or office that holds it."""
    public: bytes
    """(32,) the public half."""
    cost: Cost
    salt: bytes = field(repr=False)
    locked: bytes = field(repr=False)
    """SecretBox of the 32-byte key."""


def make_key(purpose: Purpose, holder: str, passphrase: str, cost: Cost) -> KeyFile:
    """A new key, locked with `passphrase`.

    Raises:
        KeyRefused: the passphrase is too short.
    """
    _refuse_short(passphrase)
    key, salt = random(_KEY_BYTES), random(argon2id.SALTBYTES)
    locked = _box(passphrase, salt, cost, purpose).encrypt(key)
    return KeyFile(purpose, holder, _public_half(purpose, key), cost, salt, bytes(locked))


def relock(key: KeyFile, old: str, new: str, cost: Cost) -> KeyFile:
    """The same key, locked with another passphrase.

    Raises:
        KeyRefused: the old passphrase is wrong, or the new one is too short.
    """
    _refuse_short(new)
    secret, salt = _unlock(key, old), random(argon2id.SALTBYTES)
    locked = _box(new, salt, cost, key.purpose).encrypt(secret)
    return KeyFile(key.purpose, key.holder, key.public, cost, salt, bytes(locked))


def write_key(path: Path, key: KeyFile) -> None:
    """Write a key's file, readable by its owner alone."""
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(
        dumps(
            {
                "holder": key.holder,
                "locked": key.locked.hex(),
                "memory_bytes": key.cost.memory_bytes,
                "passes": key.cost.passes,
                "public": key.public.hex(),
                "purpose": key.purpose,
                "salt": key.salt.hex(),
            }
        )
    )


def read_key(path: Path) -> KeyFile:
    """The key in a file, still locked.

    Raises:
        KeyRefused: there is no such file, or it is no key file.
    """
    try:
        return parse(path.read_bytes(), _read, limit=_FILE_LIMIT, what="key file")
    except OSError as error:
        raise KeyRefused(f"The key file {path} cannot be read: {error.strerror}.") from error
    except FormatError as error:
        raise KeyRefused(f"{path} is not a key file: {error}") from error


def write_public_key(path: Path, key: KeyFile) -> None:
    """Write a key's public half for those who shall trust it: 64 hexadecimal digits and a line end.

    Raises:
        OSError: the file is there already, or cannot be written.
    """
    with path.open("x", encoding="ascii") as file:
        file.write(key.public.hex() + "\n")


def read_public_key(path: Path) -> bytes:
    """The 32 bytes of a public key in a file.

    Raises:
        KeyRefused: there is no such file, or it holds anything else.
    """
    try:
        text = path.read_bytes().strip()
    except OSError as error:
        raise KeyRefused(f"The public key {path} cannot be read: {error.strerror}.") from error
    if not re.fullmatch(b"[0-9a-f]{64}", text):
        raise KeyRefused(f"{path} is not a public key: 64 lower-case hexadecimal digits.")
    return bytes.fromhex(text.decode())


def find_keys(folder: Path, purpose: Purpose) -> Sequence[KeyFile]:
    """All keys of a purpose in `folder`, by file name."""
    keys = [read_key(path) for path in sorted(folder.glob("*.key"))]
    return [key for key in keys if key.purpose is purpose]


def unlock_signing(key: KeyFile, passphrase: str) -> SigningKey:
    """The Ed25519 key itself.

    Raises:
        KeyRefused: the passphrase is wrong, or the file was tampered with.
    """
    return SigningKey(_unlock(key, passphrase))


def unlock_opening(key: KeyFile, passphrase: str) -> PrivateKey:
    """The X25519 key itself.

    Raises:
        KeyRefused: the passphrase is wrong, or the file was tampered with.
    """
    return PrivateKey(_unlock(key, passphrase))


def _refuse_short(passphrase: str) -> None:
    if len(passphrase) < PASSPHRASE_LENGTH:
        raise KeyRefused(f"The passphrase needs at least {PASSPHRASE_LENGTH} characters.")


def _unlock(key: KeyFile, passphrase: str) -> bytes:
    try:
        secret = _box(passphrase, key.salt, key.cost, key.purpose).decrypt(key.locked)
    except CryptoError as error:
        raise KeyRefused(
            f"The passphrase does not open the key of {key.holder}, or its file has been changed."
        ) from error
    # The public half stands outside the box: whoever changed it shall not succeed.
    if _public_half(key.purpose, secret) != key.public:
        raise KeyRefused(f"The key file of {key.holder} has been changed.")
    return secret


def _box(passphrase: str, salt: bytes, cost: Cost, purpose: Purpose) -> SecretBox:
    password = passphrase.encode()
    stretched = argon2id.kdf(_KEY_BYTES, password, salt, cost.passes, cost.memory_bytes)
    # The purpose makes the key, too: a file that claims another one does not open.
    return SecretBox(blake2b(purpose.encode(), key=stretched, digest_size=_KEY_BYTES).digest())


def _public_half(purpose: Purpose, key: bytes) -> bytes:
    if purpose in OPENING:
        return bytes(PrivateKey(key).public_key)
    return bytes(SigningKey(key).verify_key)


def _read(fields: Fields) -> KeyFile:
    locked_bytes = SecretBox.NONCE_SIZE + SecretBox.MACBYTES + _KEY_BYTES
    return KeyFile(
        purpose=fields.choice("purpose", Purpose),
        holder=fields.text("holder", at_most=128),
        public=fields.hex_bytes("public", _KEY_BYTES),
        cost=Cost(
            passes=fields.integer("passes", low=1, high=16),
            memory_bytes=fields.integer("memory_bytes", low=8192, high=_MEMORY_LIMIT),
        ),
        salt=fields.hex_bytes("salt", argon2id.SALTBYTES),
        locked=fields.hex_bytes("locked", locked_bytes),
    )
