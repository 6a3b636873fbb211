"""Hand-overs of confirmed matches, as the ledger has them: to whom, when, and by which two people.

A record `exported` carries two reviewers' signed acts. Each is verified before names are shown. A
record of an earlier version has no signatures, and says so. This module makes no hand-over.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from sqlalchemy import Connection

from estate.store.ledger import LedgerReader
from formats.act import BOTH, Kind, recorded_acts, verify_act
from formats.errors import FormatError
from formats.ledger import Happening, Record
from formats.recipients import Reviewer
from formats.strict_json import UNPRINTABLE

UNSIGNED: Final = "an earlier version recorded it, without signatures"
UNCHECKED: Final = "not verified: this program has no verified site at hand"
UNNAMED: Final = "the site no longer names who signed: tallylight-verify looks them up"
REPEATED: Final = "a copy of an earlier record's signatures: keep the database as evidence"
UNPROVEN: Final = "no two signatures of reviewers prove it: keep the database as evidence"


@dataclass(frozen=True, slots=True)
class HandOver:
    """One hand-over of one match."""

    event: str
    """Digest of the sealed event, in hex."""
    to: str
    recipient: str
    """The recipient's age public key."""
    utc_ms: int
    """When it was recorded, by the estate's clock."""
    by: tuple[str, ...]
    """The people who signed it, each with the organisation."""
    note: str
    """What the record does not prove; empty if two reviewers' signatures hold."""


@dataclass(slots=True)
class HandOvers:
    """Every hand-over in the ledger; each call reads what was recorded since."""

    _reader: LedgerReader = field(default_factory=lambda: LedgerReader((Happening.EXPORTED,)))
    _lock: Lock = field(default_factory=Lock, repr=False)

    def every(
        self, connection: Connection, reviewers: Mapping[bytes, Reviewer] | None
    ) -> list[HandOver]:
        """Return every hand-over, oldest first.

        Args:
            connection: to the store.
            reviewers: by the `sender_id` of their verdict keys, from the site's recipients; None
                where no site is at hand: no signature is verified then.

        Raises:
            BooksRefused: the ledger is broken.
        """
        found, used = [], set[str]()
        for record in self._records(connection):
            signatures = _signatures(record)
            found.append(_hand_over(record, reviewers, again=not used.isdisjoint(signatures)))
            used |= signatures
        return found

    def signatures(self, connection: Connection) -> set[str]:
        """Return every signature, in hex, that stands in a hand-over: it counts for no other.

        Raises:
            BooksRefused: the ledger is broken.
        """
        return set[str]().union(*map(_signatures, self._records(connection)))

    def _records(self, connection: Connection) -> list[Record]:
        with self._lock:
            return list(self._reader.records(connection))


def _signatures(record: Record) -> set[str]:
    names = [f"{which}_signature" for which in BOTH]
    return {str(record.body[name]) for name in names if name in record.body}


def _hand_over(
    record: Record, reviewers: Mapping[bytes, Reviewer] | None, *, again: bool
) -> HandOver:
    body, known = record.body, reviewers or {}
    signed = "first_signature" in body
    by = tuple(_name(body.get(which), known) for which in (BOTH if signed else ("reviewer",)))
    note = ""
    if not signed:
        note = UNSIGNED
    elif reviewers is None:
        note = UNCHECKED
    elif not {body.get(which) for which in BOTH} <= {each.hex() for each in known}:
        note = UNNAMED
    elif len(set(by)) < len(BOTH) or not _holds(record, known):
        note = UNPROVEN
    elif again:
        note = REPEATED
    return HandOver(
        event=_plain(body.get("envelope", "")),
        to=_plain(body.get("to", "")),
        recipient=_plain(body.get("recipient", "")),
        utc_ms=record.utc_ms,
        by=by,
        note=note,
    )


def _holds(record: Record, reviewers: Mapping[bytes, Reviewer]) -> bool:
    """Return whether both signatures are reviewers', over this hand-over."""
    try:
        for act, signature in recorded_acts(record.body, Kind.EXPORT):
            verify_act(act, signature, reviewers[act.reviewer].verdict_key)
    except (KeyError, FormatError):
        return False
    return True


def _name(identity: int | str | None, reviewers: Mapping[bytes, Reviewer]) -> str:
    """Return a reviewer's name and organisation, or the id of one that the site does not name."""
    for known, reviewer in reviewers.items():
        if known.hex() == identity:
            return f"{reviewer.name} ({reviewer.organisation})"
    return f"reviewer {_plain(str(identity))[:16]}, not named now"


def _plain(text: int | str) -> str:
    """Return a text of a record without what a terminal would obey."""
    return UNPRINTABLE.sub("\ufffd", str(text))
