"""A manifest of nets as people see it before they sign or adopt it: every value under its name.

The signature covers the manifest's own text, so its values stand here under the manifest's own
names, whatever they are. Nothing here judges them (`recognition.manifest` does).
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Final

from nacl.signing import VerifyKey

from formats.hexadecimal import read_hex
from recognition.manifest import read_manifest
from recognition.tables import DIGEST_BYTES
from terminal.differences import Item, digest_text
from terminal.fingerprints import fingerprint_text

_DIGEST: Final = re.compile("[0-9a-f]{64}")
_NOT_EVALUATED: Final = (
    "NOT EVALUATED: build with --evaluation, which names evaluation.json of these nets"
)


def manifest_items(content: bytes) -> Sequence[Item]:
    """Return everything that a signature over a manifest covers.

    Raises:
        ModelRefused: it is no manifest.
    """
    manifest = read_manifest(content)
    table = tomllib.loads(content.decode())
    facts = {
        "model": digest_text(manifest.model_digest),
        "this file": digest_text(sha256(content).digest()),
        "evaluation": digest_text(manifest.evaluation_digest or b"") or _NOT_EVALUATED,
    }
    plain = {name: _text(value) for name, value in table.items() if not _tables(value)}
    return [
        Item("This manifest", facts | plain),
        *(
            Item(f"{name.capitalize()}{number}", dict(_facts(part)))
            for name, value in table.items()
            for number, part in _tables(value).items()
        ),
    ]


def trusted_item(key: VerifyKey) -> Item:
    """Return the key that vouches for the nets."""
    return Item("The key that is trusted", {"signs nets": fingerprint_text(bytes(key))})


def _tables(value: object) -> Mapping[str, Mapping[str, object]]:
    """Return the table, or the tables of a list by their numbers; nothing for another value."""
    if isinstance(value, dict):
        return {"": value}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return {f" {number}": table for number, table in enumerate(value, 1)}
    return {}


def _facts(table: Mapping[str, object], above: str = "") -> Iterable[tuple[str, str]]:
    """Yield each value of a table and of the tables in it, by its path."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _facts(value, f"{above}{name}.")
        else:
            rows = _tables(value).values()
            yield f"{above}{name}", "\n".join(map(_row, rows)) or _text(value)


def _row(table: Mapping[str, object]) -> str:
    return "; ".join(f"{name} {_text(value)}" for name, value in table.items())


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    text = str(value)
    return digest_text(read_hex(text, DIGEST_BYTES)) if _DIGEST.fullmatch(text) else text
