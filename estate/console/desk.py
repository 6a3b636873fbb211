"""One reviewer's desk: opens events that are sealed to this reviewer, and signs verdicts (blind).

Both keys stay in this process; the store does not see them. Opened events stay in memory until the
process ends or the event is destroyed. Before this reviewer has given a verdict, the desk shows no
verdict of another reviewer, and not that there is one. An event that is sealed to others than the
reviewers is refused: the desk names it, and does not open it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from nacl.public import PrivateKey
from nacl.signing import SigningKey

from estate.console.standing import Standing, read_standing
from estate.errors import BooksRefused, NotMet, RowRefused, VerdictRefused
from estate.intake.addressees import refuse_misaddressed
from estate.intake.statuses import store_status
from estate.opening.decrypt import open_envelope
from estate.retention.destruction import store_end
from estate.retention.holds import Holding, Holds, hold_event, release_event
from estate.signed_site import VerifiedSite, find_entry, store_list, stored_recipients
from estate.store.envelopes import Store
from estate.verdicts.decisions import (
    Outcome,
    accept_verdict,
)
from estate.verdicts.hand_overs import HandOver, HandOvers
from formats.act import Kind
from formats.entry import Entry
from formats.envelope import Sealed, sender_id
from formats.errors import FormatError, NotForThisKey
from formats.event import MatchEvent
from formats.recipients import Reviewer
from formats.status import Status
from formats.verdict import (
    NO_PORTRAIT,
    Basis,
    Judgement,
    Verdict,
    sign_verdict,
)

READ_S: Final = 5.0
"""The store is read so often without a change."""
SITE_S: Final = 20.0
"""What the site signs is taken up within this time, and with each verdict at once."""


@dataclass(slots=True)
class Desk:
    """What one reviewer sees and can do."""

    store: Store
    read_site: Callable[[], VerifiedSite]
    key: PrivateKey = field(repr=False)
    """Opens events."""
    verdict_key: SigningKey = field(repr=False)
    """Signs verdicts."""
    site: VerifiedSite = field(init=False)
    hand_overs: HandOvers = field(default_factory=HandOvers, repr=False)
    """The hand-overs in the ledger."""
    holds_refused: str = ""
    """Why holds cannot be shown; empty if they are."""
    _holds: Holds = field(default_factory=Holds, repr=False)
    changes: int = 0
    """Grows with every change on the desk."""
    arrivals: int = 0
    """Grows with every event that was opened."""
    closed: dict[bytes, str] = field(default_factory=dict)
    """The reason why an event cannot be opened here, by digest."""
    refused: dict[bytes, str] = field(default_factory=dict)
    """The reason why an event is refused: sealed to others, forged or broken; by digest."""
    unmet: dict[bytes, str] = field(default_factory=dict)
    """The reason why an event waits for newer recipients, by digest."""
    shown: set[tuple[bytes, str]] = field(default_factory=set, repr=False)
    """Events with what was shown beside them: a portrait's digest in hex, or `NONE_SHOWN`."""
    _opened: dict[bytes, MatchEvent] = field(default_factory=dict, repr=False)
    _statuses: set[bytes] = field(default_factory=set, repr=False)
    """Digests of envelopes that held a status."""
    _seen: object = None
    _signed: object = None
    """What the site had signed when it was last taken up."""
    _named: bool = False
    _site_due_s: float = 0.0
    """CLOCK_MONOTONIC from which on the site is read anew."""
    _met: set[int] = field(default_factory=set)
    """Versions of the recipients that were met when the waiting events were last judged."""
    _lock: Lock = field(default_factory=Lock, repr=False)
    _read: object = None
    """The store's mark when it was read last; None: it must be read."""
    _read_due_s: float = 0.0
    """When it is read again without a change: what is overdue changes with time alone."""

    def __post_init__(self) -> None:
        self.take_site()

    def take_site(self) -> None:
        """Take up what the site has signed since, and store its list.

        Raises:
            VerdictRefused: it does not name this reviewer with these keys, or no longer.
            SiteRefused: it does not verify; what was taken up before stays.
        """
        self._site_due_s = time.monotonic() + SITE_S
        site = self.read_site()
        mine = site.reviewers.get(self.identity)
        self._named = mine is not None and mine.key == self.key.public_key
        if not self._named:
            self._opened.clear()
            self._read = None
            raise VerdictRefused(
                "The site's recipients do not name this reviewer with these keys: have them added "
                "with tallylight recipients add, signed and published."
            )
        self.site, signed = site, (site.files, site.recipients)
        if self._signed != signed:
            self.closed.clear()  # It may be of a camera that is named now.
            self._read = None
            with self.store.writing() as connection:
                store_list(connection, site)
            self._signed = signed  # Not before it is stored: a store that is away forgets nothing.
            self.changes += 1

    @property
    def identity(self) -> bytes:
        """(16,) this reviewer's id in verdicts."""
        return sender_id(self.verdict_key.verify_key)

    @property
    def reviewer(self) -> Reviewer:
        """This reviewer, as the site's recipients name them."""
        return self.site.reviewers[self.identity]

    def refresh(self) -> None:
        """Open new events, forget destroyed ones, and count a change if there is one.

        While no program changes the store, this reads it once in `READ_S` at most.

        Raises:
            VerdictRefused: the site no longer names this reviewer; nothing is shown any more.
            SiteRefused, StoreRefused: the site does not verify, or the store does not answer.
        """
        with self._lock:
            if not self._named or time.monotonic() >= self._site_due_s:
                self.take_site()
            mark, now_s = self.store.change_mark(), time.monotonic()
            if mark != self._read or now_s >= self._read_due_s:
                self._read_store()
                self._read, self._read_due_s = mark, now_s + READ_S

    def _read_store(self) -> None:
        here = self.store.digests()
        self._retry_unmet()
        known = {*self._opened, *self.closed, *self._statuses, *self.refused, *self.unmet}
        for digest in here:
            if digest not in known:
                self._open(digest)
        for shown in (self._opened, self.refused, self.unmet):
            for digest in set(shown) - set(here):
                del shown[digest]
        standings = [
            (each.event, each.mine, each.outcome, each.holding, each.asked)
            for each in self.standings()
        ]
        seen = (standings, set(self.refused), set(self.unmet))
        if seen != self._seen:
            self._seen = seen
            self.changes += 1

    def standings(self) -> list[Standing]:
        """Return the state of every opened event, oldest first."""
        held = self._holdings()
        return [
            read_standing(self, event, candidate, held.get(event, Holding()))
            for event, candidate in list(self._opened.items())
        ]

    def standing(self, event: bytes) -> Standing | None:
        """Return the state of one event; None if it was not opened here, or is destroyed."""
        candidate = self._opened.get(event)
        if candidate is None:
            return None
        return read_standing(self, event, candidate, self._holdings(event).get(event, Holding()))

    def entry(self, candidate: MatchEvent) -> Entry | None:
        """Return the entry in the list that was searched; None if the list is not stored."""
        with self.store.reading() as connection:
            return find_entry(connection, candidate.list_digest, candidate.entry)

    def handed_over(self, event: bytes) -> list[HandOver]:
        """Return every hand-over of one event, oldest first.

        Raises:
            BooksRefused: the ledger is broken.
        """
        with self.store.reading() as connection:
            every = self.hand_overs.every(connection, self.site.reviewers)
        return [each for each in every if each.event == event.hex()]

    def judge(
        self, event: bytes, judgement: Judgement, portrait: bytes = NO_PORTRAIT
    ) -> Outcome | None:
        """Sign and store this reviewer's verdict; return what it decided, or None.

        The site is read anew: a reviewer who was removed gives no verdict.

        Args:
            event: digest of the sealed event.
            judgement: what the reviewer says.
            portrait: `portrait_digest` of the enrolment picture that was shown beside it.

        Raises:
            VerdictRefused: a rule of `estate.verdicts.decisions` does not hold.
            SiteRefused: the site does not verify.
        """
        self.take_site()
        candidate = self._opened.get(event)
        if candidate is None:
            raise VerdictRefused("There is no such event here: it was destroyed, or never arrived.")
        given_utc_ms = time.time_ns() // 1_000_000
        basis = Basis.of(candidate)
        verdict = Verdict(event, judgement, self.identity, given_utc_ms, basis, portrait)
        outcome = accept_verdict(self.store, self.site, sign_verdict(verdict, self.verdict_key))
        self.refresh()
        return outcome

    def keep(self, event: bytes, kind: Kind, reason: str) -> bool:
        """Sign this reviewer's half of a hold or a release; return whether two have signed now.

        The site is read anew, as for a verdict.

        Raises:
            HoldRefused: a rule of `estate.retention.holds` does not hold.
            VerdictRefused, SiteRefused: the reviewer was removed, or the site does not verify.
        """
        self.take_site()
        sign = {Kind.HOLD: hold_event, Kind.RELEASE: release_event}[kind]
        now_ms = time.time_ns() // 1_000_000
        agreed = sign(self.store, self.site, event, self.verdict_key, reason, now_ms)
        self.refresh()
        return agreed

    def _open(self, digest: bytes) -> None:
        try:
            sealed = self.store.envelope(digest)
        except RowRefused as error:
            self.refused[digest] = str(error)
            return
        if sealed is None:
            return
        cameras = {place.camera.camera_id: place.camera for place in self.site.policy.places}
        try:
            refuse_misaddressed(self.store, sealed)
            candidate = open_envelope(sealed, cameras, self.key)
        except NotMet as error:
            self.unmet[digest] = f"{_name(sealed)}: {error}"
            return
        except NotForThisKey as error:  # Of a time before this reviewer was added.
            self.closed[digest] = str(error)
            return
        except FormatError as error:
            self.refused[digest] = f"{_name(sealed)}: {error}"
            return
        if isinstance(candidate, Status):
            now_ms = time.time_ns() // 1_000_000
            with self.store.writing() as connection:
                store_status(connection, digest, candidate, self.verdict_key, now_ms)
            self._statuses.add(digest)
            return
        with self.store.writing() as connection:
            store_end(connection, candidate, digest, self.verdict_key)
        self._opened[digest] = candidate
        self.arrivals += 1

    def _retry_unmet(self) -> None:
        """Judge waiting events again when the store has met further recipients."""
        if self.unmet:
            with self.store.reading() as connection:
                met = set(stored_recipients(connection))
            if met != self._met:
                self.unmet.clear()
                self._met = met

    def _holdings(self, event: bytes | None = None) -> dict[bytes, Holding]:
        try:
            with self.store.reading() as connection:
                found = self._holds.of_events(connection, self.site, event)
        except BooksRefused as broken:
            self.holds_refused = str(broken)
            return {}
        self.holds_refused = ""
        return found


def _name(sealed: Sealed) -> str:
    return f"Event {sealed.header.sequence} of camera {sealed.header.sender.hex()[:8]}"
