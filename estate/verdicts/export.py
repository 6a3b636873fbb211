"""Export of a confirmed match: encrypted with age to one named recipient, recorded in the ledger.

The file holds the event as the camera sealed it, opened, and both signed verdicts, so that the
recipient can check them. No other part of an event can be exported.
"""

from base64 import b64encode
from hashlib import sha256
from typing import Protocol

import pyrage

from estate.errors import NotConfirmed
from estate.signed_site import VerifiedSite
from estate.store.envelopes import Store
from estate.store.ledger import append_record
from estate.verdicts.decisions import prove_confirmed
from formats.event import MatchEvent
from formats.ledger import Happening
from formats.strict_json import dumps, is_printable

NAME_LIMIT = 128


class _Opened(Protocol):
    @property
    def candidate(self) -> MatchEvent: ...


class Exporter(Protocol):
    """What an export needs of a reviewer's desk."""

    @property
    def store(self) -> Store:
        """The store with verdicts and ledger."""

    @property
    def site(self) -> VerifiedSite:
        """The site, whose recipients name the reviewers."""

    @property
    def identity(self) -> bytes:
        """(16,) the reviewer's id."""

    def standing(self, event: bytes) -> _Opened | None:
        """Return the opened event; None if this desk could not open it."""


def export_match(desk: Exporter, event: bytes, recipient: str, to: str) -> bytes:
    """Return a confirmed match, encrypted to `recipient`; record the recipient in the ledger.

    Args:
        desk: of the reviewer who exports.
        event: digest of the sealed event.
        recipient: an age public key, `age1...`.
        to: name of the recipient, for the ledger.

    Raises:
        NotConfirmed: it is not confirmed by two people, or no recipient is named.
    """
    if not to.strip() or len(to) > NAME_LIMIT or not is_printable(to):
        raise NotConfirmed("Name the recipient of the match in one line: the ledger keeps it.")
    try:
        key = pyrage.x25519.Recipient.from_str(recipient.strip())
    except pyrage.RecipientError as error:
        raise NotConfirmed("The recipient is no age public key: it begins with age1.") from error
    standing = desk.standing(event)
    with desk.store.writing() as connection:
        if standing is None:
            raise NotConfirmed("There is no such event here: it was destroyed, or never arrived.")
        proof = prove_confirmed(connection, desk.site, event, standing.candidate)
        verdicts = [b64encode(each).decode() for each in proof.signed]
        candidate = b64encode(standing.candidate.to_payload()).decode()
        content = dumps({"event": event.hex(), "payload": candidate, "verdicts": verdicts})
        sealed: bytes = pyrage.encrypt(content, [key])
        body: dict[str, int | str] = {
            "envelope": event.hex(),
            "recipient": recipient.strip(),
            "to": to,
            "file": sha256(sealed).hexdigest(),
            "reviewer": desk.identity.hex(),
        }
        append_record(connection, Happening.EXPORTED, body)
    return sealed
