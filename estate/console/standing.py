"""State of one event for one reviewer, for a screen: verdict, outcome, hold, hand-over.

It holds no verdict of another reviewer before this reviewer has given one.
"""

from dataclasses import dataclass

from estate.retention.holds import Holding, Signature
from estate.verdicts.decisions import Outcome
from estate.verdicts.export import Request
from formats.event import MatchEvent
from formats.verdict import Judgement


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
