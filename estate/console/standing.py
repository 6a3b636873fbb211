"""State of one event for one reviewer, for a screen: verdict, outcome, hold, hand-over.

It holds no verdict of another reviewer before this reviewer has given one.
"""

from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from estate.errors import BooksRefused
from estate.retention.holds import Holding, Signature
from estate.verdicts.decisions import Outcome, outcome_of, proven_verdicts, verdict_of
from estate.verdicts.export import Exporter, Request, requests
from formats.event import MatchEvent
from formats.organisations import organisation_key
from formats.verdict import Judgement, read_verdict


@dataclass(frozen=True, slots=True)
class Standing:
    """State of one event for this reviewer."""

    event: bytes
    me: bytes
    """(16,) this reviewer's id."""
    candidate: MatchEvent
    holding: Holding
    """Who keeps the event beyond its time, and who asks for it."""
    mine: Judgement | None
    outcome: Outcome | None
    """None until `mine` is given, even if it is decided."""
    others_turn: bool
    """The verdict must come from another organisation, or the event is decided already."""
    asked: Request | None = None
    """A hand-over that waits for a second signature."""

    @property
    def hold_asking(self) -> Signature | None:
        """This reviewer's half of a hold or a release that a second person has not signed yet."""
        return next((each for each in self.holding.asked if each.act.reviewer == self.me), None)

    @property
    def hold_asked(self) -> Signature | None:
        """Another person's half, which this reviewer is asked to sign."""
        return next((each for each in self.holding.asked if each.act.reviewer != self.me), None)

    @property
    def hand_over_asked(self) -> bool:
        """Whether this reviewer is asked to sign another person's hand-over."""
        return self.asked is not None and self.asked.reviewer != self.me


def read_standing(
    desk: Exporter, event: bytes, candidate: MatchEvent, holding: Holding
) -> Standing:
    """Return the state of one event for the reviewer at `desk`.

    Raises:
        StoreRefused: the store does not answer.
    """
    site, shown = desk.site, partial(Standing, event, desk.identity, candidate, holding)
    with desk.store.reading() as connection:
        signed = verdict_of(connection, event, desk.identity)
        outcome = outcome_of(connection, site, event)
        if signed is None:
            given = proven_verdicts(connection, site, event)
            judged_by = {organisation_key(author.organisation) for author, _ in given}
            mine = organisation_key(site.reviewers[desk.identity].organisation)
            waits = site.recipients.two_organisations and judged_by == {mine}
            return shown(None, None, others_turn=outcome is not None or waits)
        judgement = read_verdict(signed, desk.verdict_key.verify_key).judgement
        asked = _asked(connection, desk, event) if outcome is Outcome.CONFIRMED else None
        return shown(judgement, outcome, others_turn=False, asked=asked)


def _asked(connection: Connection, desk: Exporter, event: bytes) -> Request | None:
    try:
        return next(iter(requests(connection, desk, event)), None)
    except BooksRefused:  # The page of the event says so.
        return None


def sorted_out(standings: list[Standing]) -> dict[str, list[Standing]]:
    """Return the lists of the queue: an event is in one of them, or needs nothing from here."""
    lists: dict[str, list[Standing]] = {"waiting": [], "asked": [], "held": [], "given": []}
    for each in standings:
        if each.mine is None and not each.others_turn:
            lists["waiting"].append(each)
        elif each.hold_asked or each.hand_over_asked:
            lists["asked"].append(each)
        elif each.holding.held or each.hold_asking:
            lists["held"].append(each)
        elif each.mine is not None:
            lists["given"].append(each)
    lists["given"].sort(key=lambda each: each.candidate.captured_utc_ms, reverse=True)
    return lists
