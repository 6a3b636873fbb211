"""The record of a ceremony: a page to print, to read aloud and to sign by hand.

It holds no secret. Whoever was present compares the words with those of their own key file
(`tallylight site words`), signs, and keeps a copy; later nobody can say that the keys were
others.
"""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from formats.keyfile import KeyFile, OnToken, Purpose
from provisioning.keys.words import words_of

_DUTIES = {
    Purpose.ROOT: "decides with two others who holds which role",
    Purpose.TARGETS: "signs the policy with one other",
    Purpose.SNAPSHOT: "says which files belong together; online",
    Purpose.TIMESTAMP: "says that they are the newest; online",
    Purpose.LIST_SIGN: "signs lists, for one organisation",
    Purpose.LIST_SEAL: "seals lists to the cameras",
    Purpose.DESK: "opens templates when a list is built",
    Purpose.BROKER: "issues the broker's certificates",
}


def ceremony_record(title: str, keys: Iterable[KeyFile], root: bytes, now: datetime) -> str:
    """The page, as plain text of at most 80 columns.

    Args:
        title: what happened, such as "The site mill-lane begins".
        keys: the keys that were made or changed hands.
        root: the root metadata that came of it.
        now: when, UTC.
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
        words = words_of(key.public).split()
        lines += [
            f"{key.holder}: {key.purpose}",
            f"  {_DUTIES[key.purpose]}",
            *([f"  {whereabouts(key)}"] if whereabouts(key) else []),
            f"    {' '.join(words[:6])}",
            f"    {' '.join(words[6:])}",
            "  Name, signature: ______________________________________________",
            "",
        ]
    lines += ["Witness: ______________________________________________________", ""]
    return "\n".join(lines)


def whereabouts(key: KeyFile) -> str:
    """On which token a key rests; nothing if it rests in its file."""
    if not isinstance(key.rest, OnToken):
        return ""
    return f"on the token {key.rest.label!r}, number {key.rest.serial}, which never gives it out"


def _groups(digest: str) -> list[str]:
    return [digest[at : at + 4] for at in range(0, len(digest), 4)]


def _wrapped(groups: list[str]) -> list[str]:
    return ["  " + " ".join(groups[:8]), "  " + " ".join(groups[8:])]
