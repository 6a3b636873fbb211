"""The two-person rule (quorum of two): verifies signed verdicts, and decides an event from two.

A verdict is accepted if
(0) its signature is by a reviewer in the site's signed recipients;
(1) its event is stored, and not yet destroyed;
(2) the event is not decided yet;
(3) this reviewer has given no verdict on it yet; a verdict cannot be changed;
(4) where the site demands it, the two reviewers work for different organisations.

Two *match* confirm an event if both people were shown one portrait; else a third person decides.

`Confirmed` is made here alone, from two signed verdicts that are verified again each time. A row in
the database is no proof of a decision. This module shows no reviewer another reviewer's verdict.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    delete,
    insert,
    select,
)

from estate.errors import NotConfirmed, RowExists, VerdictRefused
from estate.signed_site import VerifiedSite
from estate.store.envelopes import ENVELOPES, KEPT, Store
from estate.store.ledger import METADATA, append_record
from estate.verdicts.agreement import Given, are_two, of_one_portrait
from formats.errors import FormatError
from formats.event import MatchEvent
from formats.ledger import Happening
from formats.organisations import folded, organisation_key
from formats.recipients import Reviewer
from formats.verdict import Basis, Judgement, Verdict, named_reviewer, read_verdict, signature_of

VERDICTS: Final = Table(
    "verdicts",
    METADATA,
    Column("event", LargeBinary(32), nullable=False),
    Column("reviewer", LargeBinary(16), nullable=False),
    Column("name", String(64), nullable=False),
    Column("organisation", String(128), nullable=False),
    Column("judgement", String(16), nullable=False),
    Column("signed", LargeBinary, nullable=False),
    UniqueConstraint("event", "reviewer"),
    UniqueConstraint("event", "name"),
)
DECISIONS: Final = Table(
    "decisions",
    METADATA,
    Column("event", LargeBinary(32), primary_key=True),
    Column("outcome", String(16), nullable=False),
    Column("decided_utc_ms", BigInteger, nullable=False),
)


class Outcome(StrEnum):
    """What two verdicts decide."""

    CONFIRMED = "confirmed"
    NOT_A_MATCH = "not_a_match"
    CANNOT_TELL = "cannot_tell"


@final
@dataclass(frozen=True, slots=True)
class _Made:
    """Proof that this module made a `Confirmed`; no other module makes one."""


@final
@dataclass(frozen=True, slots=True)
class Confirmed:
    """Proof that two different people confirmed an event; only such an event is exported."""

    event: bytes
    """(32,) digest of the sealed event."""
    signed: tuple[bytes, ...] = field(repr=False)
    """The two signed verdicts."""
    _made: _Made = field(repr=False)


def accept_verdict(store: Store, site: VerifiedSite, signed: bytes) -> Outcome | None:
    """Verify and store one verdict. Return the outcome, or None if a second verdict is needed.

    Raises:
        VerdictRefused: one of the rules does not hold; nothing was changed.
    """
    reviewer, verdict = _verify_author(site, signed)  # (0)
    try:
        with store.writing() as connection:
            _store_verdict(connection, site, reviewer, verdict, signed)
            return _decide(connection, site, verdict.event)
    except RowExists as error:
        with store.reading() as connection:
            given = proven_verdicts(connection, site, verdict.event)
        if any(
            folded(author.name) == folded(reviewer.name) for author, _ in given
        ):  # (3) From another console.
            raise VerdictRefused("You have given your verdict on this event already.") from error
        raise VerdictRefused(
            "The database holds a verdict in your name that you did not sign: keep it as evidence, "
            "and see tallylight-estate health."
        ) from error


def verdict_of(connection: Connection, event: bytes, reviewer: bytes) -> bytes | None:
    """Return the signed verdict of this reviewer on an event; None if there is none."""
    mine = (VERDICTS.c.event == event) & (VERDICTS.c.reviewer == reviewer)
    found = connection.execute(select(VERDICTS.c.signed).where(mine)).scalar()
    return None if found is None else bytes(found)


def outcome_of(connection: Connection, site: VerifiedSite, event: bytes) -> Outcome | None:
    """Return what two signed verdicts decide about an event; None while they decide nothing.

    It is derived from the signatures each time: the row in `decisions` proves nothing.
    """
    given, apart = proven_verdicts(connection, site, event), site.recipients.two_organisations
    if not are_two([reviewer for reviewer, _ in given], two_organisations=apart):  # (4)
        return None
    judgements = frozenset(verdict.judgement for _, verdict in given)
    if judgements == {Judgement.MATCH} and not of_one_portrait(given, two_organisations=apart):
        return None
    return {
        frozenset({Judgement.MATCH}): Outcome.CONFIRMED,
        frozenset({Judgement.CANNOT_TELL}): Outcome.CANNOT_TELL,
    }.get(judgements, Outcome.NOT_A_MATCH)


def decided_events(connection: Connection, site: VerifiedSite) -> dict[bytes, Outcome]:
    """Return the outcome of every event that two signed verdicts decide."""
    query = select(VERDICTS.c.event).distinct()
    events = [bytes(event) for (event,) in connection.execute(query)]
    found = {event: outcome_of(connection, site, event) for event in events}
    return {event: outcome for event, outcome in found.items() if outcome is not None}


def unproven_decisions(connection: Connection, decided: Mapping[bytes, Outcome]) -> set[bytes]:
    """Return the events of which a row says another outcome than `decided_events`.

    A destroyed event has no verdicts in the store any more: its row is not looked at.
    """
    here = select(ENVELOPES.c.digest).where(KEPT)
    query = select(DECISIONS.c.event, DECISIONS.c.outcome).where(DECISIONS.c.event.in_(here))
    rows = {bytes(event): outcome for event, outcome in connection.execute(query)}
    return {event for event, outcome in rows.items() if decided.get(event) != outcome}


def unproven_verdicts(connection: Connection, site: VerifiedSite) -> set[bytes]:
    """Return the events with a verdict's row that its reviewer did not sign so."""
    found = set()
    for row in connection.execute(select(VERDICTS)):
        said = (bytes(row.event), bytes(row.reviewer), row.name, row.organisation, row.judgement)
        try:
            reviewer, verdict = _verify_author(site, bytes(row.signed))
        except VerdictRefused:
            if bytes(row.reviewer) in site.reviewers:
                found.add(bytes(row.event))
            continue
        signed = (verdict.event, verdict.reviewer, reviewer.name, reviewer.organisation)
        if said != (*signed, str(verdict.judgement)):
            found.add(bytes(row.event))
    return found


def proven_verdicts(connection: Connection, site: VerifiedSite, event: bytes) -> list[Given]:
    """Return the verdicts on this event whose signatures hold, each with its author.

    A row of a reviewer that the site no longer names, or that was changed, does not count.
    """
    query = select(VERDICTS.c.signed).where(VERDICTS.c.event == event)
    proven = []
    for (signed,) in connection.execute(query):
        try:
            reviewer, verdict = _verify_author(site, bytes(signed))
        except VerdictRefused:
            continue
        if verdict.event == event:
            proven.append((reviewer, verdict))
    return proven


def prove_confirmed(
    connection: Connection, site: VerifiedSite, event: bytes, candidate: MatchEvent | None = None
) -> Confirmed:
    """Return the proof that two different people confirmed the event, from their signatures.

    Args:
        connection: to the store.
        site: names the reviewers.
        event: digest of the sealed event.
        candidate: what is inside it, where the caller has opened it. The verdicts must rest on it.

    Raises:
        NotConfirmed: the signatures do not prove it.
    """
    query = select(VERDICTS.c.signed).where(VERDICTS.c.event == event)
    signed = tuple(bytes(each) for (each,) in connection.execute(query))
    try:
        authors = [_verify_author(site, each) for each in signed]
    except VerdictRefused as error:
        raise NotConfirmed(f"A verdict on this event does not hold: {error}") from error
    agreed = [
        reviewer
        for reviewer, verdict in authors
        if verdict.event == event and verdict.judgement is Judgement.MATCH
    ]
    apart = site.recipients.two_organisations
    if len(agreed) != len(authors) or not are_two(agreed, two_organisations=False):
        raise NotConfirmed("Two different people must have confirmed a match before it may leave.")
    if not are_two(agreed, two_organisations=apart):
        raise NotConfirmed("People of two different organisations must have confirmed this match.")
    agreeing = of_one_portrait(authors, two_organisations=apart)
    if agreeing is None:
        raise NotConfirmed(
            "The reviewers were shown different enrolment pictures: a third person must judge it."
        )
    bases = {verdict.basis for _, verdict in authors}
    if candidate is not None:
        bases.add(Basis.of(candidate))
    if len(bases) > 1:
        raise NotConfirmed(
            "The verdicts do not rest on what this event holds: keep the database as evidence."
        )
    both = tuple(data for data, author in zip(signed, authors, strict=True) if author in agreeing)
    return Confirmed(event, both, _Made())


def _verify_author(site: VerifiedSite, signed: bytes) -> Given:
    try:
        reviewer = site.reviewers.get(named_reviewer(signed))
        if reviewer is None:
            raise VerdictRefused("The site names no reviewer with the key of this verdict.")
        return reviewer, read_verdict(signed, reviewer.verdict_key)
    except FormatError as error:
        raise VerdictRefused(f"The verdict is refused: {error}") from error


def _store_verdict(
    connection: Connection, site: VerifiedSite, reviewer: Reviewer, verdict: Verdict, signed: bytes
) -> None:
    members = {name: value for name, value in verdict.to_members().items() if name != "event"}
    # The ledger's lock comes first: no other console can change what is read after it.
    append_record(
        connection,
        Happening.VERDICT,
        {
            **members,
            "envelope": verdict.event.hex(),
            "organisation": reviewer.organisation,
            "key": bytes(reviewer.verdict_key).hex(),
            "signature": signature_of(signed).hex(),
        },
    )
    here = select(ENVELOPES.c.blob).where(ENVELOPES.c.digest == verdict.event)
    if not connection.execute(here).scalar():  # (1)
        raise VerdictRefused("There is no such event here: it was destroyed, or never arrived.")
    given = [author for author, _ in proven_verdicts(connection, site, verdict.event)]
    if any(folded(each.name) == folded(reviewer.name) for each in given):  # (3)
        raise VerdictRefused("You have given your verdict on this event already.")
    if outcome_of(connection, site, verdict.event) is not None:  # (2)
        raise VerdictRefused("Two people have decided this event already.")
    organisations = {organisation_key(each.organisation) for each in given}
    alone = organisations == {organisation_key(reviewer.organisation)}
    if site.recipients.two_organisations and alone:  # (4)
        raise VerdictRefused(
            "Your organisation has given a verdict: the second must be of another organisation."
        )
    row = {
        "event": verdict.event,
        "reviewer": verdict.reviewer,
        "name": reviewer.name,
        "organisation": reviewer.organisation,
        "judgement": str(verdict.judgement),
        "signed": signed,
    }
    connection.execute(insert(VERDICTS).values(row))


def _decide(connection: Connection, site: VerifiedSite, event: bytes) -> Outcome | None:
    """Record the outcome, if the signed verdicts decide the event now."""
    outcome = outcome_of(connection, site, event)
    if outcome is None:
        return None
    body: dict[str, int | str] = {"envelope": event.hex(), "outcome": str(outcome)}
    record = append_record(connection, Happening.DECISION, body)
    row = {"event": event, "outcome": str(outcome), "decided_utc_ms": record.utc_ms}
    connection.execute(delete(DECISIONS).where(DECISIONS.c.event == event))
    connection.execute(insert(DECISIONS).values(row))
    return outcome
