"""Public key files (`*.pub`): the public half of a key, with its purpose, holder and site.

A file says what its key is for, so that each command refuses the wrong one. It proves nothing: its
bytes can be made by anyone, and people compare the twelve words with the key's owner. A file of an
earlier version holds 64 hexadecimal digits alone; it is read, and `said` is false. Which keys are
fit is decided in `formats.public_keys`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from formats.errors import FormatError, Malformed
from formats.hexadecimal import read_hex
from formats.keyfile import KEY_BYTES, OPENING, KeyFile, KeyRefused, Purpose
from formats.policy import site_name_is_plain
from formats.public_keys import recipient_key, signing_key
from formats.strict_json import Fields, JsonValue, dumps, parse
from formats.whole_file import READABLE, write_new

FILE_LIMIT: Final = 1024
"""Most bytes of a public key file: a holder of 128 characters needs 700."""
_HOLDER_LIMIT: Final = 128
_SITE_LIMIT: Final = 32


@dataclass(frozen=True, slots=True)
class PublicKeyFile:
    """A public key, and what its file says of it."""

    public: bytes
    """(32,)"""
    purpose: Purpose
    holder: str
    """Organisation, office or opaque name; empty in a file of an earlier version."""
    site: str
    """The site that the key is for; empty if the file names none."""

    @property
    def said(self) -> bool:
        """Return whether the file says whose key it is and what it is for."""
        return bool(self.holder)


def write_public_key(path: Path, key: KeyFile, site: str = "") -> None:
    """Write the public half of a key into a new file.

    Args:
        path: of the new file.
        key: the key, locked or on a token.
        site: name of the site that it is for; empty if it is for none, or for any.

    Raises:
        OSError: the file is there already, or cannot be written.
    """
    named: dict[str, JsonValue] = {"site": site} if site else {}
    content = dumps(
        named | {"holder": key.holder, "public": key.public.hex(), "purpose": str(key.purpose)}
    )
    write_new(path, content + b"\n", mode=READABLE)


def read_public_key(path: Path, purpose: Purpose, site: str = "") -> PublicKeyFile:
    """Return the public key in a file, if it is for this purpose and site.

    Args:
        path: of the file.
        purpose: what the caller needs the key for.
        site: the site that the key will be used at; empty: any.

    Raises:
        KeyRefused: there is no such file, it is no public key, or it is for something else.
        UnusableKey: the key is refused by `formats.public_keys`.
    """
    content = _content(path)
    found = _read_plain(content, purpose) or _read_named(path, content)
    whose = f"{path} is the {found.purpose} key of {found.holder}"
    if found.purpose is not purpose:
        raise KeyRefused(f"{whose}; {purpose.one_key} is needed: name its file.")
    if site and found.site not in {"", site}:
        raise KeyRefused(f"{whose} for the site {found.site}, and this is {site}: name another.")
    read = recipient_key if purpose in OPENING else signing_key
    read(found.public)
    return found


def refuse_strange_site(site: str) -> None:
    """Raise unless `site` can be the name of a site, or is empty.

    Raises:
        KeyRefused: it holds other characters than a site's name may.
    """
    if site and not site_name_is_plain(site):
        raise KeyRefused("A site's name is 1 to 32 lower-case letters, digits and hyphens.")


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(FILE_LIMIT + 1).strip()
    except OSError as error:
        raise KeyRefused(f"The public key {path} cannot be read: {error.strerror}.") from error


def _read_plain(content: bytes, purpose: Purpose) -> PublicKeyFile | None:
    """Return the key in a file of an earlier version, which says nothing of its key."""
    try:
        public = read_hex(content.decode("ascii"), KEY_BYTES)
    except (UnicodeDecodeError, Malformed):
        return None
    return PublicKeyFile(public, purpose, "", "")


def _read_named(path: Path, content: bytes) -> PublicKeyFile:
    if b'"locked":' in content or b'"token":' in content:
        raise KeyRefused(f"{path} is a private key's file: name the one that ends with .pub.")
    try:
        return parse(content, _read, limit=FILE_LIMIT, what="public key")
    except FormatError as error:
        raise KeyRefused(
            f"{path} is not a public key: name a file that ends with .pub, as it was made."
        ) from error


def _read(fields: Fields) -> PublicKeyFile:
    return PublicKeyFile(
        public=fields.hex_bytes("public", KEY_BYTES),
        purpose=fields.choice("purpose", Purpose),
        holder=fields.text("holder", at_most=_HOLDER_LIMIT),
        site=fields.text("site", at_most=_SITE_LIMIT) if fields.has("site") else "",
    )
