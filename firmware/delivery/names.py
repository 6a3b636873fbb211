"""Names of the outbox's files, and whether a draft is a whole event after a power cut (torn write).

An event has its number as its name: a folder in order of names is in order of events. A draft has
the digest of its content in its name as well. No signature is verified here.
"""

from typing import Final

from firmware.delivery.marks import Link
from firmware.delivery.waiting import LARGEST
from firmware.errors import ForeignFile
from firmware.folder import Folder
from formats.envelope import Kind, Sealed, read
from formats.errors import FormatError

NAME_DIGITS: Final = 12


def name_of(link: Link) -> str:
    """Return the name of an event's file."""
    return f"{link.number:0{NAME_DIGITS}d}"


def draft_name(link: Link) -> str:
    """Return the name of an event's draft: its digest tells a whole draft from a torn one."""
    return f"{name_of(link)}-{link.digest.hex()}"


def number_of(name: str) -> int | None:
    """Return the number of the event in a file of the outbox, also of one that was set aside."""
    digits = name[:NAME_DIGITS]
    return int(digits) if len(digits) == NAME_DIGITS and digits.isdecimal() else None


def link_of(number: int, sealed: Sealed) -> Link:
    """Return the place of an event in the chain."""
    return Link(number, sealed.header.boot_id, sealed.header.sequence, sealed.digest)


def whole_draft(part: Folder, name: str, newest: Link | None) -> Link | None:
    """Return the event of a draft with the digest of its name, or None.

    The version before gave a draft its number alone, and named it in the chains.
    """
    try:
        draft = link_of(number_of(name) or 0, read(Kind.EVENT, part.read(name, limit=LARGEST)))
    except (FormatError, ForeignFile):
        return None
    named = newest is not None and draft.digest == newest.digest and name == name_of(newest)
    newer = newest is None or draft.number >= newest.number
    return draft if named or (newer and name == draft_name(draft)) else None
