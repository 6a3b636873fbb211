"""Private keys at rest: one file holds one key, encrypted with a passphrase, for one purpose.

The key is encrypted with a SecretBox. Its key comes from the passphrase (Argon2id) and the purpose.
Or the key rests on a PKCS#11 token, and the file only says on which. The public half stands beside
it, so a key can be named, counted and checked without the passphrase. A file is written once and
not changed. Each holder takes the file away on a stick; no other program needs it.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path
from typing import Final
from unicodedata import normalize

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey
from nacl.pwhash import argon2id
from nacl.secret import SecretBox
from nacl.signing import SigningKey
from nacl.utils import random

from formats.errors import FormatError
from formats.public_keys import recipient_key, signing_key
from formats.strict_json import Fields, JsonValue, dumps, parse
from formats.whole_file import PRIVATE, write_new

PASSPHRASE_LENGTH: Final = 12
"""Fewest characters of a passphrase: shorter ones fall to an offline search."""

_FILE_LIMIT: Final = 4096
KEY_BYTES: Final = 32
"""Length of either half of a key."""
KEY_ID_BYTES: Final = 16
"""Length of the name of a key on its token."""
_MEMORY_LIMIT: Final = 1 << 30
"""Most memory that a key file may ask for: a foreign file must not exhaust the machine."""


class KeyRefused(FormatError):
    """A key file is missing, broken or of another purpose, or the passphrase is wrong."""


class Purpose(StrEnum):
    """The purpose of a key; no key has two."""

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
    """Signs one reviewer's verdicts and acts, and accepts commissioning pages."""
    LEDGER = "ledger"
    """Signs the estate's books: checkpoints and certificates of destruction."""
    MODEL = "model"
    """Signs model bundles."""
    INSTALLER = "installer"
    """Signs the registrations of one installer's laptop."""

    @property
    def one_key(self) -> str:
        """Return the words *a model key*, *an installer key*."""
        return f"{'an' if self[0] in 'aeiou' else 'a'} {self} key"


OPENING: Final = frozenset({Purpose.DESK, Purpose.REVIEWER})
"""X25519 keys; all others are Ed25519."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one guess at a passphrase (RFC 9106)."""

    passes: int
    memory_bytes: int


INTERACTIVE: Final = Cost(argon2id.OPSLIMIT_INTERACTIVE, argon2id.MEMLIMIT_INTERACTIVE)
"""libsodium's figures for interactive use: 64 MiB, measured 0.1 s."""


@dataclass(frozen=True, slots=True)
class Locked:
    """The key itself, under a passphrase."""

    cost: Cost
    salt: bytes = field(repr=False)
    box: bytes = field(repr=False)
    """SecretBox of the 32-byte key."""


@dataclass(frozen=True, slots=True)
class OnToken:
    """The token on which the key rests: it signs with the key and does not export it."""

    label: str
    """The token's name, for people."""
    serial: str
    """The token's serial number, which finds it."""
    key_id: bytes
    """(16,) the key's id on the token."""


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A private key at rest."""

    purpose: Purpose
    holder: str
    """Organisation or office that holds it."""
    public: bytes
    """(32,) the public half."""
    rest: Locked | OnToken


@dataclass(frozen=True, slots=True)
class NewKey:
    """A private key that was made now, and rests nowhere yet."""

    purpose: Purpose
    holder: str
    secret: bytes = field(repr=False, default_factory=lambda: random(KEY_BYTES))

    @property
    def public(self) -> bytes:
        """Return the public half."""
        return _public_half(self.purpose, self.secret)

    def lock(self, passphrase: str, cost: Cost) -> KeyFile:
        """Return the key, locked with `passphrase`.

        Raises:
            KeyRefused: the passphrase is too short.
        """
        _refuse_short(passphrase)
        salt = random(argon2id.SALTBYTES)
        box = _box(normalize("NFC", passphrase), salt, cost, self.purpose).encrypt(self.secret)
        return KeyFile(self.purpose, self.holder, self.public, Locked(cost, salt, bytes(box)))


def make_key(purpose: Purpose, holder: str, passphrase: str, cost: Cost) -> KeyFile:
    """Make a new key, locked with `passphrase`.

    Raises:
        KeyRefused: the passphrase is too short.
    """
    return NewKey(purpose, holder).lock(passphrase, cost)


def relock(key: KeyFile, old: str, new: str, cost: Cost) -> KeyFile:
    """Return the same key, locked with another passphrase.

    Raises:
        KeyRefused: the old passphrase is wrong, or the new one is too short.
    """
    _refuse_short(new)
    return NewKey(key.purpose, key.holder, _unlock(key, old)).lock(new, cost)


def write_key(path: Path, key: KeyFile) -> None:
    """Write a key's file, readable by its owner alone."""
    whose = {"holder": key.holder, "public": key.public.hex(), "purpose": key.purpose}
    write_new(path, dumps(whose | _write_rest(key.rest)), mode=PRIVATE)


def read_key(path: Path) -> KeyFile:
    """Return the key in a file, still locked.

    Raises:
        KeyRefused: there is no such file, or it is no key file.
    """
    try:
        return parse(path.read_bytes(), _read, limit=_FILE_LIMIT, what="key file")
    except OSError as error:
        raise KeyRefused(f"The key file {path} cannot be read: {error.strerror}.") from error
    except FormatError as error:
        if path.suffix == ".pub":
            raise KeyRefused(
                f"{path} is the public half: name the key file itself, {path.with_suffix('.key')}."
            ) from error
        raise KeyRefused(f"{path} is not a key file: {error}") from error


def find_keys(folder: Path, purpose: Purpose) -> Sequence[KeyFile]:
    """Return all keys of a purpose in `folder`, by file name."""
    keys = [read_key(path) for path in sorted(folder.glob("*.key"))]
    return [key for key in keys if key.purpose is purpose]


def unlock_signing(key: KeyFile, passphrase: str) -> SigningKey:
    """Return the Ed25519 key itself.

    Raises:
        KeyRefused: the passphrase is wrong, or the file was tampered with.
    """
    return SigningKey(_unlock(key, passphrase))


def unlock_opening(key: KeyFile, passphrase: str) -> PrivateKey:
    """Return the X25519 key itself.

    Raises:
        KeyRefused: the passphrase is wrong, or the file was tampered with.
    """
    return PrivateKey(_unlock(key, passphrase))


def _refuse_short(passphrase: str) -> None:
    if len(passphrase) < PASSPHRASE_LENGTH:
        raise KeyRefused(f"The passphrase needs at least {PASSPHRASE_LENGTH} characters.")


def _unlock(key: KeyFile, passphrase: str) -> bytes:
    rest = key.rest
    if isinstance(rest, OnToken):
        raise KeyRefused(f"The key of {key.holder} rests on a token, where no passphrase opens it.")
    secret = _opened(key.purpose, rest, passphrase)
    if secret is None:
        raise KeyRefused(
            f"The passphrase does not open the key of {key.holder}, or its file has been changed."
        )
    # The public half stands outside the box, so a change of it is refused here.
    if _public_half(key.purpose, secret) != key.public:
        raise KeyRefused(f"The key file of {key.holder} has been changed.")
    return secret


def _opened(purpose: Purpose, locked: Locked, passphrase: str) -> bytes | None:
    """Return the key; None if neither the composed passphrase nor the one as typed opens it."""
    for each in dict.fromkeys((normalize("NFC", passphrase), passphrase)):  # Of earlier versions.
        with suppress(CryptoError):
            return _box(each, locked.salt, locked.cost, purpose).decrypt(locked.box)
    return None


def _box(passphrase: str, salt: bytes, cost: Cost, purpose: Purpose) -> SecretBox:
    password = passphrase.encode(errors="surrogateescape")  # A terminal without UTF-8.
    stretched = argon2id.kdf(KEY_BYTES, password, salt, cost.passes, cost.memory_bytes)
    # The purpose is part of the derivation: a file that claims another purpose does not open.
    return SecretBox(blake2b(purpose.encode(), key=stretched, digest_size=KEY_BYTES).digest())


def _public_half(purpose: Purpose, key: bytes) -> bytes:
    if purpose in OPENING:
        return bytes(PrivateKey(key).public_key)
    return bytes(SigningKey(key).verify_key)


def _write_rest(rest: Locked | OnToken) -> dict[str, JsonValue]:
    if isinstance(rest, OnToken):
        return {"key_id": rest.key_id.hex(), "serial": rest.serial, "token": rest.label}
    return {
        "locked": rest.box.hex(),
        "memory_bytes": rest.cost.memory_bytes,
        "passes": rest.cost.passes,
        "salt": rest.salt.hex(),
    }


def _read(fields: Fields) -> KeyFile:
    purpose = fields.choice("purpose", Purpose)
    read_public = recipient_key if purpose in OPENING else signing_key
    return KeyFile(
        purpose=purpose,
        holder=fields.text("holder", at_most=128),
        public=bytes(read_public(fields.hex_bytes("public", KEY_BYTES))),
        rest=_read_on_token(fields) if fields.has("token") else _read_locked(fields),
    )


def _read_on_token(fields: Fields) -> OnToken:
    return OnToken(
        label=fields.text("token", at_most=32),  # PKCS#11's own lengths.
        serial=fields.text("serial", at_most=16),
        key_id=fields.hex_bytes("key_id", KEY_ID_BYTES),
    )


def _read_locked(fields: Fields) -> Locked:
    cost = Cost(
        passes=fields.integer("passes", low=1, high=16),
        memory_bytes=fields.integer("memory_bytes", low=8192, high=_MEMORY_LIMIT),
    )
    salt = fields.hex_bytes("salt", argon2id.SALTBYTES)
    size = SecretBox.NONCE_SIZE + SecretBox.MACBYTES + KEY_BYTES
    return Locked(cost, salt, fields.hex_bytes("locked", size))
