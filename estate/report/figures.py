"""The report's figures: counts over the ledger records of a period, which outsiders can repeat."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from statistics import quantiles

from estate.budget.false_alarms import count_false_alarms, count_in, outcome_in
from estate.report.groups import compare_groups
from estate.report.intervals import Share
from estate.report.light import Span, hours_in_light, lit_spans, looking_spans
from formats.budget import Unit
from formats.casefile import CaseFile, write_casefile
from formats.ledger import Happening, Program, Record
from formats.policy import Policy

HOUR_S = 3600.0


@dataclass(slots=True)
class Day:
    """Figures of one day, UTC."""

    lit_h: float = 0.0
    armed_h: float = 0.0
    candidates: int = 0
    confirmed: int = 0
    not_a_match: int = 0
    cannot_tell: int = 0


@dataclass(frozen=True, slots=True)
class LedgerFigures:
    """One stored ledger of a camera."""

    camera: str
    program: str
    records: int
    """Number of all records; the figures count those of the period."""
    last_utc_ms: int
    """When the newest record was written, by the camera's clock."""


@dataclass(frozen=True, slots=True)
class ListFigures:
    """One list that was in force in the period."""

    version: int
    digest: str
    entries: int
    categories: Mapping[str, int]
    suppliers: Mapping[str, int]
    agreement: str
    agreement_url: str
    issued: str
    expires: str
    cameras: int
    """Number of cameras whose ledgers say that they accepted it."""


@dataclass(slots=True)
class Figures:
    """All figures of the page and of the JSON file."""

    site: str
    since: str
    until: str
    """The day after the last day of the period."""
    lit_h: float = 0.0
    """Hours with the lamp lit, from the lamp guards' ledgers."""
    armed_h: float = 0.0
    """Hours with recognition on, from the `watch` programs' ledgers."""
    dark_s: float = 0.0
    """Seconds of looking outside the light of its own lease: at most 0.25 s for each lamp fault,
    between the fault and the record of the end."""
    unproven_h: float = 0.0
    """Hours of looking for which no lamp guard's ledger is stored."""
    periods: int = 0
    unended: int = 0
    """Periods of use and spans of light without a record of their end; they add no hours."""
    frames: int = 0
    faces: int = 0
    put_off: int = 0
    """Looks that were due and for which a camera had no time, by the cameras' ledgers."""
    passers_by: int = 0
    """Passers-by who were compared with the list, by the cameras' ledgers."""
    periods_in_looks: int = 0
    """Periods of cameras of an earlier version, which counted looks and no passers-by."""
    candidates: int = 0
    confirmed: int = 0
    not_a_match: int = 0
    cannot_tell: int = 0
    waiting: int = 0
    """Candidates of the period without a decision at its end."""
    exported: int = 0
    held: int = 0
    sealed: int = 0
    """Events that cameras sealed, by their ledgers."""
    receipted: int = 0
    """Those of them that have the estate's receipt, by the cameras' ledgers."""
    lapsed: int = 0
    """Events without a receipt that cameras destroyed when their time had ended."""
    lamp_faults: int = 0
    other_faults: int = 0
    lists_refused: int = 0
    lists_destroyed: int = 0
    destroyed: dict[str, int] = field(default_factory=dict)
    delay_s_p50: float | None = None
    delay_s_p95: float | None = None
    delays_s: list[float] = field(default_factory=list)
    false_of_decided: Share | None = None
    false_of_passers_by: Share | None = None
    """None if a period of an earlier version hides how many passers-by there were."""
    fpir_ppm: int = 0
    groups: dict[str, Share] = field(default_factory=dict)
    groups_compared: str = ""
    """One sentence on whether the groups' error rates differ."""
    budgets: list[dict[str, object]] = field(default_factory=list)
    lists: list[ListFigures] = field(default_factory=list)
    days: dict[str, Day] = field(default_factory=dict)
    handed: list[LedgerFigures] = field(default_factory=list)
    ledger_records: int = 0
    ledger_head: str = ""

    def to_json(self) -> dict[str, object]:
        """Return the figures as plain values."""
        return asdict(self)


def count_figures(  # noqa: PLR0913 - one argument for each source of figures.
    estate: Sequence[Record],
    cameras: Sequence[tuple[bytes, Record]],
    lists: Sequence[tuple[CaseFile, Policy]],
    *,
    since: date,
    until: date,
    groups: Mapping[str, tuple[int, int]],
) -> Figures:
    """Return the figures of the days from `since` to the one before `until`, UTC."""
    site, fpir_ppm = (lists[-1][1].site, lists[-1][1].fpir_ppm) if lists else ("", 0)
    figures = Figures(site, since.isoformat(), until.isoformat(), fpir_ppm=fpir_ppm)
    of_period = [each for each in estate if since <= _day(each) < until]
    _count_estate(figures, estate, of_period)
    _count_cameras(figures, [each for _, each in cameras if since <= _day(each) < until])
    _measure_light(figures, cameras, since, until)
    decided = figures.confirmed + figures.not_a_match + figures.cannot_tell
    figures.false_of_decided = Share.make(figures.not_a_match, decided)
    if not figures.periods_in_looks:
        figures.false_of_passers_by = Share.make(figures.not_a_match, figures.passers_by)
    figures.groups = {name: Share.make(*each) for name, each in groups.items()}
    figures.groups_compared = compare_groups(figures.groups)
    if fpir_ppm:
        figures.budgets = [
            {
                "camera": each.camera.hex(),
                "state": str(each.state),
                "false_alarms": each.false_alarms,
                "unit": str(each.unit),
                "compared": each.compared,
            }
            for each in count_false_alarms(estate, cameras, fpir_ppm)
        ]
    accepted = _accepted_by(cameras)
    figures.lists = [_list(*each, accepted) for each in lists if _in_force(each[0], since, until)]
    return figures


def _count_estate(figures: Figures, estate: Sequence[Record], of_period: Sequence[Record]) -> None:
    stored_ms = {
        str(each.body["envelope"]): each.utc_ms for each in estate if each.event is Happening.STORED
    }
    kinds = Counter(each.event for each in of_period)
    statuses = {
        str(each.body["envelope"]) for each in estate if each.event is Happening.STATUS_READ
    }
    candidates = [
        each
        for each in of_period
        if each.event is Happening.STORED and each.body["envelope"] not in statuses
    ]
    figures.candidates, figures.exported = len(candidates), kinds[Happening.EXPORTED]
    figures.held = kinds[Happening.HELD]
    figures.destroyed = dict(
        Counter(str(each.body["ground"]) for each in of_period if each.event is Happening.DESTROYED)
    )
    decided = [each for each in of_period if each.event is Happening.DECISION]
    for each in decided:
        outcome = str(outcome_in(each))
        setattr(figures, outcome, getattr(figures, outcome) + 1)
        day = _day_of(figures, each)
        setattr(day, outcome, getattr(day, outcome) + 1)
        begun_ms = stored_ms.get(str(each.body["envelope"]), each.utc_ms)
        figures.delays_s.append((each.utc_ms - begun_ms) / 1000)
    for each in candidates:
        _day_of(figures, each).candidates += 1
    names = {str(each.body["envelope"]) for each in decided}
    arrived = {str(each.body["envelope"]) for each in candidates}
    figures.waiting = len(arrived - names)
    figures.delay_s_p50 = _percentile(figures.delays_s, 50)
    figures.delay_s_p95 = _percentile(figures.delays_s, 95)
    figures.ledger_records = len(estate)


def _count_cameras(figures: Figures, of_period: Sequence[Record]) -> None:
    kinds = Counter(each.event for each in of_period)
    figures.sealed = kinds[Happening.EVENT_SEALED]
    # The courier records a receipt when it comes, and `watch` when it deletes the event.
    receipted = {
        each.body["envelope"] for each in of_period if each.event is Happening.EVENT_RECEIPTED
    }
    figures.receipted = len(receipted)
    figures.lapsed = kinds[Happening.EVENT_LAPSED]
    figures.lists_refused = kinds[Happening.LIST_REFUSED]
    figures.lists_destroyed = kinds[Happening.LIST_DESTROYED]
    figures.other_faults = kinds[Happening.FAULT]
    figures.periods = kinds[Happening.PERIOD_END]
    for each in of_period:
        if each.event is Happening.PERIOD_END:
            figures.periods_in_looks += Unit.PASSERS_BY not in each.body
            for name in ("frames", "faces", "put_off", "passers_by"):
                setattr(figures, name, getattr(figures, name) + count_in(each, name))
        elif each.event is Happening.LAMP:
            figures.lamp_faults += each.body["to"] == "fault"


def _measure_light(
    figures: Figures, cameras: Sequence[tuple[bytes, Record]], since: date, until: date
) -> None:
    ledgers: defaultdict[tuple[bytes, Program], list[Record]] = defaultdict(list)
    for camera, record in cameras:
        ledgers[camera, record.program].append(record)
    figures.handed = [
        LedgerFigures(camera.hex(), str(program), len(told), told[-1].utc_ms)
        for (camera, program), told in sorted(ledgers.items())
    ]
    for camera in sorted({camera for camera, _ in ledgers}):
        light = lit_spans(ledgers[camera, Program.LAMPGUARD])
        periods = looking_spans(ledgers[camera, Program.WATCH])
        _add_hours(figures, "lit_h", light, since, until)
        _add_hours(figures, "armed_h", periods, since, until)
        for period in (each for each in periods if since <= _day(each.begin) < until):
            lit_h = hours_in_light(period, light)
            figures.unproven_h += period.hours if lit_h is None else 0.0
            figures.dark_s += 0.0 if lit_h is None else (period.hours - lit_h) * HOUR_S


def _add_hours(
    figures: Figures, name: str, spans: Sequence[Span], since: date, until: date
) -> None:
    begun = [each for each in spans if since <= _day(each.begin) < until]
    figures.unended += sum(each.end is None for each in begun)
    for day, hours in (piece for each in spans for piece in each.by_day()):
        if since <= day < until:
            of_day = figures.days.setdefault(day.isoformat(), Day())
            for total in (of_day, figures):
                setattr(total, name, getattr(total, name) + hours)


def _accepted_by(cameras: Sequence[tuple[bytes, Record]]) -> Mapping[str, set[bytes]]:
    """Return the cameras that accepted each list, by the list's digest."""
    accepted: defaultdict[str, set[bytes]] = defaultdict(set)
    for camera, record in cameras:
        if record.event is Happening.LIST_ACCEPTED:
            accepted[str(record.body["digest"])].add(camera)
    return accepted


def _list(case: CaseFile, policy: Policy, accepted: Mapping[str, set[bytes]]) -> ListFigures:
    digest = sha256(write_casefile(case)).hexdigest()
    return ListFigures(
        version=case.version,
        digest=digest,
        entries=len(case.entries),
        categories=dict(Counter(entry.category for entry in case.entries)),
        suppliers=dict(Counter(entry.organisation for entry in case.entries)),
        agreement=policy.agreement.reference,
        agreement_url=policy.agreement.url,
        issued=_date(case.issued_utc_s),
        expires=_date(case.expires_utc_s),
        cameras=len(accepted.get(digest, ())),
    )


def _in_force(case: CaseFile, since: date, until: date) -> bool:
    issued = datetime.fromtimestamp(case.issued_utc_s, UTC).date()
    expires = datetime.fromtimestamp(case.expires_utc_s, UTC).date()
    return issued < until and expires >= since


def _day_of(figures: Figures, record: Record) -> Day:
    return figures.days.setdefault(_day(record).isoformat(), Day())


def _day(record: Record) -> date:
    return datetime.fromtimestamp(record.utc_ms / 1000, UTC).date()


def _date(utc_s: int) -> str:
    return datetime.fromtimestamp(utc_s, UTC).date().isoformat()


def _percentile(values: list[float], percent: int) -> float | None:
    if not values:
        return None
    return quantiles([*values, *values], n=100, method="inclusive")[percent - 1]
