"""Subject access request: answers "was I on a list, when, at which organisation's request?".

The answer needs a case reference, which the person or the authority with the file knows. Reference
and random handle of an entry together give the digest in the case file. No picture, no name and no
biometrics are needed, so the answer is possible after they are destroyed. The letter says what
cannot be told.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from formats.casefile import CaseFile
from formats.entry import Entry, case_digest
from formats.policy import Policy


@dataclass(frozen=True, slots=True)
class ListedEntry:
    """One entry, over all the lists that held it."""

    handle: str
    organisation: str
    """The organisation that requested the entry."""
    requested_by: str
    approved_by: str
    category: str
    legal_basis: str
    necessity: str
    source: str
    added: str
    ends: str
    first_list: str
    """Date of issue of the first list that held it."""
    last_list: str
    """Moment at which the last list that held it expired."""
    lists: tuple[int, ...]
    """Versions of the lists."""
    places: tuple[str, ...]
    agreement: str
    agreement_url: str

    def to_json(self) -> dict[str, object]:
        """Return the answer as plain values."""
        return asdict(self)


def find_entries(lists: Sequence[tuple[CaseFile, Policy]], reference: str) -> list[ListedEntry]:
    """Return every entry that was made under the case reference, oldest first."""
    found: dict[bytes, list[tuple[CaseFile, Policy, Entry]]] = {}
    for case, policy in lists:
        for entry in case.entries:
            if entry.case_digest == case_digest(entry.handle, reference):
                found.setdefault(entry.handle, []).append((case, policy, entry))
    return [_listed_entry(each) for each in found.values()]


def render_letter(
    site: str, reference: str, answers: Sequence[ListedEntry], since: datetime | None, now: datetime
) -> str:
    """Return the letter to the person who asked, as one HTML page to print or send.

    Args:
        site: name of the site.
        reference: as the person gave it.
        answers: the entries that were found; may be empty.
        since: when the oldest stored list was issued; None if no list was ever stored.
        now: date of the letter.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
    )
    values = {"site": site, "reference": reference, "answers": answers, "since": since, "now": now}
    return environment.get_template("letter.html").render(values)


def oldest_list(lists: Iterable[tuple[CaseFile, Policy]]) -> datetime | None:
    """Return when the oldest list was issued; None if there is none."""
    issued = [case.issued_utc_s for case, _ in lists]
    return datetime.fromtimestamp(min(issued), UTC) if issued else None


def _listed_entry(stood: Sequence[tuple[CaseFile, Policy, Entry]]) -> ListedEntry:
    policy, entry = stood[-1][1:]
    places = dict.fromkeys(place.place for _, each, _ in stood for place in each.places)
    return ListedEntry(
        handle=entry.handle.hex(),
        organisation=entry.organisation,
        requested_by=entry.requested_by,
        approved_by=entry.approved_by,
        category=entry.category,
        legal_basis=entry.legal_basis,
        necessity=entry.necessity,
        source=entry.source,
        added=_moment(entry.added_utc_s),
        ends=_moment(min(entry.expires_utc_s, entry.review_utc_s)),
        first_list=_moment(min(case.issued_utc_s for case, _, _ in stood)),
        last_list=_moment(max(case.expires_utc_s for case, _, _ in stood)),
        lists=tuple(case.version for case, _, _ in stood),
        places=tuple(places),
        agreement=policy.agreement.reference,
        agreement_url=policy.agreement.url,
    )


def _moment(utc_s: int) -> str:
    return f"{datetime.fromtimestamp(utc_s, UTC):%d %B %Y, %H:%M} UTC"
