"""Search a tree of files for private keys of each kind that this project knows, by their bytes.

Headers alone stand in many libraries; so what is searched for is a header with key bytes behind it.
Files of raw keys have no header: their names and their size tell.
"""

import re
from pathlib import Path
from typing import Final

RAW_BYTES: Final = frozenset({32, 64})
"""Sizes of raw Ed25519, X25519 and symmetric keys, and of a key with its public half."""
NAMES: Final = re.compile(
    r".*\.(key|p12|pfx|age|kdbx)|id_(rsa|ecdsa|ed25519)|authorized_keys|.*_key"
)
CONTENTS: Final = {
    "a PEM private key": rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=:,\-\s]{40}",
    "a DER Ed25519 or X25519 key": rb"\x30\x05\x06\x03\x2b\x65[\x6e\x70]\x04\x22\x04\x20.{32}",
    "a DER P-256 key": rb"\x02\x01\x01\x04\x20.{32}(\xa0\x0a\x06\x08|\xa1\x44\x03\x42)",
    "an age identity": rb"AGE-SECRET-KEY-1[02-9A-HJ-NP-Z]{50}",
    "a key file of this project": rb'"locked"\s*:\s*"[0-9a-f]{144}"',
    "a password hash": rb"(?m)^[a-z_][a-z0-9_-]*:\$[0-9a-z]{1,2}\$",
}
_PATTERNS: Final = {what: re.compile(pattern, re.DOTALL) for what, pattern in CONTENTS.items()}


def secrets_in(root: Path) -> dict[str, str]:
    """Return the files below `root` that hold a private key, by path, and what each holds."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink())
    found = {path.relative_to(root).as_posix(): _secret_in(path) for path in files}
    return {path: what for path, what in found.items() if what}


def _secret_in(path: Path) -> str:
    if NAMES.fullmatch(path.name):
        return "a name of a key"
    content = path.read_bytes()
    if len(content) in RAW_BYTES and not content.isascii():
        return "as many bytes as a raw key"
    return next((what for what, one in _PATTERNS.items() if one.search(content)), "")
