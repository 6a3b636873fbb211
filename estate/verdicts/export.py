"""Export (hand-over) of a confirmed match: two people sign it, and it is encrypted with age.

Each of the two signs with their own key at their own machine, as of a hold. The first asks: to
which recipient, with which age key. The second is shown who asks and signs the same. The second
signature alone makes the encrypted file. The ledger's record `exported` carries both.

An export is refused if
(0) the site's signed recipients do not name the signer;
(1) two people have not confirmed the event, or it is not here;
(2) another person has asked for another recipient or key;
(3) one person signs twice, or, where the site demands it, one organisation does;
(4) a signature stands in the ledger already: it has made one hand-over, and makes no other.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from itertools import combinations
from typing import Final, Protocol

import pyrage
from nacl.signing import SigningKey
from sqlalchemy import ColumnElement, Connection, delete, select

from estate.errors import NotConfirmed
from estate.signed_site import VerifiedSite
from estate.store.acts import ACTS, proven_acts, store_act
from estate.store.envelopes import ENVELOPES, Store
from estate.store.ledger import append_record
from estate.verdicts.agreement import are_two
from estate.verdicts.decisions import Confirmed, prove_confirmed
from estate.verdicts.hand_overs import HandOvers
from formats.act import Act, Kind, sign_act, signature_of
from formats.errors import Malformed
from formats.event import MatchEvent
from formats.ledger import Happening
from formats.organisations import folded
from formats.recipients import Reviewer

GONE: Final = "There is no such event here: it was destroyed, or never arrived."


class _Opened(Protocol):
    @property
    def candidate(self) -> MatchEvent: ...


class Exporter(Protocol):
    """What an export needs of a reviewer's desk."""

    @property
    def store(self) -> Store:
        """The store with verdicts, acts and ledger."""

    @property
    def site(self) -> VerifiedSite:
        """The site, whose recipients name the reviewers."""

    @property
    def identity(self) -> bytes:
        """(16,) the reviewer's id."""

    @property
    def verdict_key(self) -> SigningKey:
        """The reviewer's key, which signs."""

    @property
    def hand_overs(self) -> HandOvers:
        """The hand-overs in the ledger."""

    def standing(self, event: bytes) -> _Opened | None:
        """Return the opened event; None if this desk could not open it."""


@dataclass(frozen=True, slots=True)
class Request:
    """A hand-over that one person has signed and a second has not."""

    reviewer: bytes
    """(16,) id of the person who asks."""
    name: str
    organisation: str
    to: str
    recipient: str
    """The recipient's age public key, whole."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """Two people's signed acts with one recipient, and the proof that the event is confirmed."""

    candidate: MatchEvent
    first: Act
    second: Act
    signatures: tuple[str, str]
    people: tuple[Reviewer, Reviewer]
    confirmed: Confirmed


def requests(connection: Connection, desk: Exporter, event: bytes) -> list[Request]:
    """Return what is asked for this event and waits for a second signature, oldest first."""
    return [
        Request(act.reviewer, author.name, author.organisation, act.to or "", act.recipient or "")
        for act, author, _ in _unspent(connection, desk, event)
    ]


def sign_export(desk: Exporter, event: bytes, recipient: str, to: str) -> Agreed | None:
    """Sign one person's half of a hand-over; return both halves if a second person has agreed.

    Args:
        desk: of the reviewer who signs.
        event: digest of the sealed event.
        recipient: an age public key, `age1...`.
        to: name of the recipient, for the ledger.

    Raises:
        NotConfirmed: a rule of this module does not hold; nothing was changed.
        BooksRefused: the ledger is broken.
    """
    now_ms = time.time_ns() // 1_000_000
    act = Act(Kind.EXPORT, event, desk.identity, now_ms, to=to.strip(), recipient=recipient.strip())
    signed, candidate = _signed(act, desk), _candidate(desk, event)
    by_me = ACTS.c.reviewer == act.reviewer
    with desk.store.writing() as connection:
        _prove(connection, desk, event, candidate)
        before = _agreed(connection, desk, event, candidate)
        if before is not None and _same(before.first, act):
            return before  # Both have signed, and the file was not made: a program was ended.
        _check(connection, desk, act)
        connection.execute(delete(ACTS).where(_requests_for(event) & by_me))
        store_act(connection, signed)
        return _agreed(connection, desk, event, candidate)


def take_back(desk: Exporter, event: bytes) -> None:
    """Delete what this reviewer has asked for; refuse if that is nothing."""
    with desk.store.writing() as connection:
        by_me = ACTS.c.reviewer == desk.identity
        if not connection.execute(delete(ACTS).where(_requests_for(event) & by_me)).rowcount:
            raise NotConfirmed("You asked for nothing: nothing was taken back.")


def export_match(  # noqa: PLR0913, PLR0917  # The signer, what is signed, and what becomes of it.
    desk: Exporter,
    event: bytes,
    recipient: str,
    to: str,
    pack: Callable[[Agreed], bytes],
    deliver: Callable[[bytes], None],
) -> bool:
    """Sign one person's half, as of `sign_export`; if it is the second, deliver the match.

    Args:
        desk: of the reviewer who signs.
        event: digest of the sealed event.
        recipient: an age public key.
        to: its holder's name.
        pack: makes what the recipient gets. If it raises, this person signs again later.
        deliver: takes the encrypted match. If it raises, nothing is recorded.

    Returns:
        Whether the match was handed over.
    """
    agreed = sign_export(desk, event, recipient, to)
    if agreed is None:
        return False
    record_export(desk, agreed, pack(agreed), deliver)
    return True


def record_export(
    desk: Exporter, agreed: Agreed, archive: bytes, deliver: Callable[[bytes], None]
) -> None:
    """Encrypt the archive to the recipient that two people signed, deliver it, and record it.

    Args:
        desk: of the reviewer who signed second.
        agreed: from `sign_export`.
        archive: what the recipient gets.
        deliver: takes the encrypted archive. If it raises, nothing is recorded.

    Raises:
        NotConfirmed: it no longer holds: a reviewer was removed, or the event was destroyed.
        BooksRefused: the ledger is broken.
    """
    event, recipient = agreed.first.event, agreed.first.recipient or ""
    candidate = _candidate(desk, event)
    with desk.store.writing() as connection:
        now = _agreed(connection, desk, event, candidate)
        if now is None or now.signatures != agreed.signatures:
            raise NotConfirmed("Meanwhile the hand-over was made or changed: look at it again.")
        sealed: bytes = pyrage.encrypt(archive, [pyrage.x25519.Recipient.from_str(recipient)])
        body: dict[str, int | str] = {
            "envelope": event.hex(),
            "recipient": recipient,
            "to": agreed.first.to or "",
            "file": sha256(sealed).hexdigest(),
            "archive": sha256(archive).hexdigest(),
            "first": agreed.first.reviewer.hex(),
            "first_utc_ms": agreed.first.given_utc_ms,
            "first_signature": agreed.signatures[0],
            "second": agreed.second.reviewer.hex(),
            "second_utc_ms": agreed.second.given_utc_ms,
            "second_signature": agreed.signatures[1],
        }
        append_record(connection, Happening.EXPORTED, body)
        connection.execute(delete(ACTS).where(_requests_for(event)))
        deliver(sealed)


def _signed(act: Act, desk: Exporter) -> bytes:
    if act.reviewer not in desk.site.reviewers:  # (0)
        raise NotConfirmed(
            "The site names no reviewer with this key: have them added and published."
        )
    try:
        pyrage.x25519.Recipient.from_str(act.recipient)
    except pyrage.RecipientError as error:
        raise NotConfirmed("The recipient is no age public key: it begins with age1.") from error
    try:
        return sign_act(act, desk.verdict_key)
    except Malformed as error:
        raise NotConfirmed(
            "Name the recipient of the match in one line: the ledger keeps it."
        ) from error


def _candidate(desk: Exporter, event: bytes) -> MatchEvent:
    standing = desk.standing(event)
    if standing is None:
        raise NotConfirmed(GONE)
    return standing.candidate


def _prove(
    connection: Connection, desk: Exporter, event: bytes, candidate: MatchEvent
) -> Confirmed:  # (1)
    here = select(ENVELOPES.c.blob).where(ENVELOPES.c.digest == event)
    if not connection.execute(here).scalar():
        raise NotConfirmed(GONE)
    return prove_confirmed(connection, desk.site, event, candidate)


def _check(connection: Connection, desk: Exporter, act: Act) -> None:
    me, apart = desk.site.reviewers[act.reviewer], desk.site.recipients.two_organisations
    for other, author, _ in _unspent(connection, desk, act.event):
        if folded(author.name) == folded(me.name):
            if _same(other, act):  # (3)
                raise NotConfirmed(
                    "You have asked for this hand-over: another reviewer must sign it at their own "
                    "machine."
                )
        elif not _same(other, act):  # (2)
            raise NotConfirmed(
                f"{author.name} asks to hand this match to another recipient or key: sign the "
                "same, or agree first."
            )
        elif not are_two((author, me), two_organisations=apart):  # (3)
            raise NotConfirmed(
                "Your organisation has signed this hand-over: the second signature must be of "
                "another organisation."
            )


def _unspent(
    connection: Connection, desk: Exporter, event: bytes
) -> list[tuple[Act, Reviewer, bytes]]:
    """Return the acts whose signatures hold and have made no hand-over yet, oldest first: (4)."""
    acts = proven_acts(connection, desk.site.reviewers, Kind.EXPORT, event=event)
    if not acts:
        return []
    spent = desk.hand_overs.signatures(connection)
    unspent = [each for each in acts if signature_of(each[2]).hex() not in spent]
    return sorted(unspent, key=lambda each: each[0].given_utc_ms)


def _agreed(
    connection: Connection, desk: Exporter, event: bytes, candidate: MatchEvent
) -> Agreed | None:
    """Return the two acts of different people with one recipient; None without them."""
    apart = desk.site.recipients.two_organisations
    for (first, one, data), (second, other, more) in combinations(
        _unspent(connection, desk, event), 2
    ):
        if _same(first, second) and are_two((one, other), two_organisations=apart):
            signatures = signature_of(data).hex(), signature_of(more).hex()
            proof = _prove(connection, desk, event, candidate)
            return Agreed(candidate, first, second, signatures, (one, other), proof)
    return None


def _requests_for(event: bytes) -> ColumnElement[bool]:
    return (ACTS.c.event == event) & (ACTS.c.kind == str(Kind.EXPORT))


def _same(one: Act, other: Act) -> bool:
    return (one.to, one.recipient) == (other.to, other.recipient)
