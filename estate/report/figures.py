"""The figures: sums over the records of a period, each of which anybody can count again."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from statistics import quantiles

from estate.budget import accounts
from estate.report.intervals import interval
from formats.casefile import CaseFile, write_casefile
from formats.ledger import Happening, Record
from formats.policy import Policy

DARK = "LampDark"
"""How a camera's ledger names a lamp fault (`firmware.errors`)."""


@dataclass(slots=True)
class Day:
    """One day, UTC."""

    armed_h: float = 0.0
    candidates: int = 0
    confirmed: int = 0
    not_a_match: int = 0
    cannot_tell: int = 0


@dataclass(frozen=True, slots=True)
class ListFigures:
    """One list that was in force."""

    version: int
    digest: str
    entries: int
    categories: Mapping[str, int]
    suppliers: Mapping[str, int]
    agreement: str
    agreement_url: str
    issued: str
    expires: str


@dataclass(frozen=True, slots=True)
class Share:
    """How many of how many, and how sure that is."""

    count: int
    of: int
    low: float | None
    high: float | None

    @classmethod
    def make(cls, count: int, of: int) -> "Share":
        """A share with its exact interval; none where nothing was counted."""
        low, high = interval(count, max(of, count)) or (None, None)
        return cls(count, of, low, high)


@dataclass(slots=True)
class Figures:
    """Everything that the page and the JSON say."""

    site: str
    since: str
    until: str
    """The first day that is not in it."""
    armed_h: float = 0.0
    """Hours with recognition on, and so with the lamp lit."""
    periods: int = 0
    faces: int = 0
    searched: int = 0
    candidates: int = 0
    confirmed: int = 0
    not_a_match: int = 0
    cannot_tell: int = 0
    waiting: int = 0
    """Candidates of the period without a decision at its end."""
    exported: int = 0
    held: int = 0
    lamp_faults: int = 0
    other_faults: int = 0
    lists_refused: int = 0
    destroyed: dict[str, int] = field(default_factory=dict)
    delay_s_p50: float | None = None
    delay_s_p95: float | None = None
    delays_s: list[float] = field(default_factory=list)
    false_of_decided: Share | None = None
    false_of_searched: Share | None = None
    fpir_ppm: int = 0
    groups: dict[str, Share] = field(default_factory=dict)
    budgets: list[dict[str, object]] = field(default_factory=list)
    lists: list[ListFigures] = field(default_factory=list)
    days: dict[str, Day] = field(default_factory=dict)
    ledger_records: int = 0
    ledger_head: str = ""

    def to_json(self) -> dict[str, object]:
        """The figures as plain values."""
        return asdict(self)


def gather(  # noqa: PLR0913 - one argument for each source of figures.
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
    mine = [each for each in estate if since <= _day(each) < until]
    _count_estate(figures, estate, mine)
    _count_cameras(figures, [each for each in cameras if since <= _day(each[1]) < until])
    decided = figures.confirmed + figures.not_a_match + figures.cannot_tell
    figures.false_of_decided = Share.make(figures.not_a_match, decided)
    figures.false_of_searched = Share.make(figures.not_a_match, figures.searched)
    figures.groups = {name: Share.make(*each) for name, each in groups.items()}
    if fpir_ppm:
        figures.budgets = [
            {
                "camera": each.camera.hex(),
                "state": str(each.state),
                "false_alarms": each.false_alarms,
                "searched": each.searched,
            }
            for each in accounts(estate, cameras, fpir_ppm)
        ]
    figures.lists = [_list(*each) for each in lists if _in_force(each[0], since, until)]
    return figures


def _count_estate(figures: Figures, estate: Sequence[Record], mine: Sequence[Record]) -> None:
    stored_ms = {
        str(each.body["envelope"]): each.utc_ms for each in estate if each.event is Happening.STORED
    }
    kinds = Counter(each.event for each in mine)
    figures.candidates, figures.exported = kinds[Happening.STORED], kinds[Happening.EXPORTED]
    figures.held = kinds[Happening.HELD]
    figures.destroyed = dict(
        Counter(str(each.body["ground"]) for each in mine if each.event is Happening.DESTROYED)
    )
    decided = [each for each in mine if each.event is Happening.DECISION]
    for each in decided:
        outcome = str(each.body["outcome"])
        setattr(figures, outcome, getattr(figures, outcome) + 1)
        day = _of(figures, each)
        setattr(day, outcome, getattr(day, outcome) + 1)
        figures.delays_s.append((each.utc_ms - stored_ms[str(each.body["envelope"])]) / 1000)
    for each in mine:
        if each.event is Happening.STORED:
            _of(figures, each).candidates += 1
    names = {str(each.body["envelope"]) for each in decided}
    arrived = {str(each.body["envelope"]) for each in mine if each.event is Happening.STORED}
    figures.waiting = len(arrived - names)
    figures.delay_s_p50 = _percentile(figures.delays_s, 50)
    figures.delay_s_p95 = _percentile(figures.delays_s, 95)
    figures.ledger_records = len(estate)


def _count_cameras(figures: Figures, records: Iterable[tuple[bytes, Record]]) -> None:
    begun: dict[bytes, Record] = {}
    for camera, record in records:
        if record.event is Happening.PERIOD_BEGIN:
            begun[camera] = record
        elif record.event is Happening.PERIOD_END:
            figures.periods += 1
            figures.faces += int(record.body.get("faces", 0))
            figures.searched += int(record.body.get("searched", 0))
            begin = begun.pop(camera, None)
            if begin is not None and begin.mono_ns <= record.mono_ns:
                hours = (record.mono_ns - begin.mono_ns) / 3.6e12
                figures.armed_h += hours
                _of(figures, begin).armed_h += hours
        elif record.event is Happening.FAULT:
            dark = record.body.get("code") == DARK
            figures.lamp_faults += dark
            figures.other_faults += not dark
        elif record.event is Happening.LIST_REFUSED:
            figures.lists_refused += 1


def _list(case: CaseFile, policy: Policy) -> ListFigures:
    return ListFigures(
        version=case.version,
        digest=sha256(write_casefile(case)).hexdigest(),
        entries=len(case.entries),
        categories=dict(Counter(entry.category for entry in case.entries)),
        suppliers=dict(Counter(entry.organisation for entry in case.entries)),
        agreement=policy.agreement.reference,
        agreement_url=policy.agreement.url,
        issued=_date(case.issued_utc_s),
        expires=_date(case.expires_utc_s),
    )


def _in_force(case: CaseFile, since: date, until: date) -> bool:
    issued = datetime.fromtimestamp(case.issued_utc_s, UTC).date()
    expires = datetime.fromtimestamp(case.expires_utc_s, UTC).date()
    return issued < until and expires >= since


def _of(figures: Figures, record: Record) -> Day:
    return figures.days.setdefault(_day(record).isoformat(), Day())


def _day(record: Record) -> date:
    return datetime.fromtimestamp(record.utc_ms / 1000, UTC).date()


def _date(utc_s: int) -> str:
    return datetime.fromtimestamp(utc_s, UTC).date().isoformat()


def _percentile(values: list[float], percent: int) -> float | None:
    if not values:
        return None
    return quantiles([*values, *values], n=100, method="inclusive")[percent - 1]
