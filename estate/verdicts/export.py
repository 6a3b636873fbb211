"""A confirmed match leaves in one way: encrypted with age to one named recipient, and recorded.

What leaves holds the event as the camera sealed it, opened, and both signed verdicts, so that the
recipient can check them. Nothing else of an event can be exported.
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
from formats.strict_json import dumps

NAME_LIMIT = 128


class _Opened(Protocol):
    @property
    def candidate(self) -> MatchEvent: ...


class Exporter(Protocol):
    """Who exports: a reviewer's desk."""

    @property
    def store(self) -> Store:
        """Where verdicts and ledger are."""

    @property
    def site(self) -> VerifiedSite:
        """Who may decide."""

    @property
    def identity(self) -> bytes:
        """(16,) the reviewer."""

    def standing(self, event: bytes) -> _Opened | None:
        """The opened event, if this desk could open it."""


def export_match(desk: Exporter, event: bytes, recipient: str, to: str) -> bytes:
    """Return a confirmed match, readable by `recipient` alone; the ledger then says who has it.

    Args:
        desk: of the reviewer who exports.
        event: digest of the sealed event.
        recipient: an age public key, `age1...`.
        to: who that is, for the books.

    Raises:
        NotConfirmed: it is not confirmed by two people, or no recipient is named.
    """
    if not to.strip() or len(to) > NAME_LIMIT or not to.isprintable():
        raise NotConfirmed("Say who receives the match: one line, for the books.")
    try:
        key = pyrage.x25519.Recipient.from_str(recipient.strip())
    except pyrage.RecipientError as error:
        raise NotConfirmed("The recipient is no age public key: it begins with age1.") from error
    standing = desk.standing(event)
    with desk.store.writing() as connection:
        proof = prove_confirmed(connection, desk.site, event)
        if standing is None:
            raise NotConfirmed("There is no such event here: it was destroyed, or never arrived.")
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
