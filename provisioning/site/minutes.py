"""The minutes of a ceremony: a page of text to print, to read aloud and to sign by hand.

It holds no secret. Each holder compares the twelve words with those of their own key file
(`tallylight site words`), signs the page and keeps a copy. The signed copies prove later which keys
were made.
"""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from formats.keyfile import KeyFile, OnToken, Purpose
from formats.public_key_file import PublicKeyFile
from terminal.fingerprints import fingerprint_words

_DUTIES = {
    Purpose.ROOT: "decides with two others who holds which role",
    Purpose.TARGETS: "signs the policy with one other",
    Purpose.SNAPSHOT: "signs which files belong together; online",
    Purpose.TIMESTAMP: "signs that they are the newest; online",
    Purpose.LIST_SIGN: "signs lists, for one organisation",
    Purpose.LIST_SEAL: "seals lists to the cameras",
    Purpose.DESK: "opens templates when a list is built",
    Purpose.BROKER: "issues the broker's certificates",
}


def ceremony_minutes(
    title: str, keys: Iterable[KeyFile | PublicKeyFile], root: bytes, now: datetime
) -> str:
    """Return the page, as plain text of at most 80 columns.

    Args:
        title: what happened, such as "The site mill-lane begins".
        keys: the keys that were made or changed hands.
        root: the root metadata that names them.
        now: when the ceremony was held, UTC.
    """
    lines = [
        title,
        "=" * len(title),
        "",
        f"Held on {now:%Y-%m-%d at %H:%M} UTC. Place: ______________________________",
        "",
        "SHA-256 of the root that every camera's image carries:",
        *_wrapped(_groups(sha256(root).hexdigest())),
        "",
        "Each holder compares the twelve words with those of the key file received,",
        "and signs on the line.",
        "",
    ]
    for key in keys:
        words = fingerprint_words(key.public).split()
        lines += [
            f"{key.holder}: {key.purpose}",
            f"  {_DUTIES[key.purpose]}",
            *([f"  {token_note(key)}"] if token_note(key) else []),
            f"    {' '.join(words[:6])}",
            f"    {' '.join(words[6:])}",
            "  Name, signature: ______________________________________________",
            "",
        ]
    lines += ["Witness: ______________________________________________________", ""]
    return "\n".join(lines)


def root_words(root: bytes) -> str:
    """Return the digest of a root in the groups that the minutes print, to compare by eye."""
    return " ".join(_groups(sha256(root).hexdigest()))


def root_sentence(root: bytes) -> str:
    """Return the sentence that asks a person to compare a site's first root with the minutes."""
    return f"The site's first root is {root_words(root)}: compare it with the ceremony's minutes."


def token_note(key: KeyFile | PublicKeyFile) -> str:
    """Return the token on which a key rests, in words; empty if the key rests in its file."""
    if isinstance(key, PublicKeyFile) or not isinstance(key.rest, OnToken):
        return ""
    return f"on the token {key.rest.label!r}, number {key.rest.serial}; the key never leaves it"


def _groups(digest: str) -> list[str]:
    return [digest[start : start + 4] for start in range(0, len(digest), 4)]


def _wrapped(groups: list[str]) -> list[str]:
    return ["  " + " ".join(groups[:8]), "  " + " ".join(groups[8:])]
