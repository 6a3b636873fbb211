"""The page of a match that is handed over (police): self-contained HTML, to read and to print.

It shows what the event says, who confirmed it, and where the estate's ledger has it. It says in
plain words what this proves and what it does not. It loads nothing from a network.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from estate.accounts.verifier_answer import Answer
from estate.opening import facts
from estate.signed_site import VerifiedSite
from estate.verdicts.export import Agreed
from formats.entry import Entry
from formats.envelope_header import TimeQuality
from formats.event import MatchEvent
from formats.ledger import Happening, Record
from formats.recipients import Reviewer
from formats.verdict import Verdict

CERTAINTY: Final = {
    TimeQuality.UNSYNCHRONISED: "The camera's clock was not synchronised: it can be wrong by any "
    "amount.",
    TimeQuality.SYNCHRONISED: "The camera's clock was set from the network. The time server did "
    "not prove its identity.",
    TimeQuality.AUTHENTICATED: "The camera's clock was set from a time server that proved its "
    "identity.",
}
HAPPENED: Final = {
    Happening.STORED: "The sealed event arrived",
    Happening.VERDICT: "A reviewer's verdict",
    Happening.DECISION: "The two verdicts decided: confirmed",
}
"""The records of an event that its page lists."""


@dataclass(frozen=True, slots=True)
class Match:
    """All that is handed over of one match, but the encryption."""

    agreed: Agreed
    candidate: MatchEvent
    site: VerifiedSite
    entry: Entry | None
    """None if this office has not stored the list."""
    verdicts: Sequence[tuple[Reviewer, Verdict]]
    records: Sequence[Record]
    """Of this event in the estate's ledger."""
    ledger_size: int
    """Records of the estate's ledger."""
    seen: tuple[str, bytes] | None
    """File name and content of the camera's picture; None: the policy allows none."""
    listed: tuple[str, bytes] | None
    """File name and content of the enrolment picture that both reviewers saw, if there is one."""
    about_portrait: str
    """What `listed` is, or why there is none."""
    answer: Answer

    @property
    def event(self) -> bytes:
        """Digest of the sealed event."""
        return self.agreed.first.event

    @property
    def made_utc_ms(self) -> int:
        """When the second person signed the hand-over."""
        return self.agreed.second.given_utc_ms


def render_match(match: Match, files: Mapping[str, str]) -> str:
    """Return the page.

    Args:
        match: what it shows.
        files: the files beside it, each with what it is.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
    )
    environment.filters |= {"moment": facts.moment, "local": local_time, "inline": _inline}
    place, grounds = facts.place_of(match.site, match.candidate)
    return environment.get_template("match.html").render(
        m=match,
        act=match.agreed.first,
        place=place,
        grounds=grounds,
        certainty=CERTAINTY[match.candidate.time_quality],
        comparison=facts.comparison_facts(match.site, match.candidate),
        reasons=facts.entry_facts(match.entry, match.candidate),
        signers=_signers(match.agreed),
        records=[each for each in match.records if each.event in HAPPENED],
        happened=HAPPENED,
        until_utc_ms=1000 * match.candidate.retain_until_utc_s,
        files=files,
    )


def local_time(utc_ms: int) -> str:
    """Return a moment in the time zone of this machine, with its distance from UTC."""
    local = datetime.fromtimestamp(utc_ms // 1000, UTC).astimezone()
    offset = local.strftime("%z")
    return f"{local:%d %B %Y, %H:%M:%S} (UTC{offset[:3]}:{offset[3:5]})"


def _signers(agreed: Agreed) -> list[tuple[Reviewer, int]]:
    times = agreed.first.given_utc_ms, agreed.second.given_utc_ms
    return list(zip(agreed.people, times, strict=True))


def _inline(picture: tuple[str, bytes]) -> str:
    """Return a picture as an address that holds it."""
    name, content = picture
    kind = "png" if name.endswith(".png") else "jpeg"
    return f"data:image/{kind};base64,{b64encode(content).decode()}"
