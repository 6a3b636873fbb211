"""What `tallylight-verify` says of one event in the estate's books, as text for who gets the match.

The books are exported into a temporary folder and verified there by the outsiders' verifier itself.
A refusal is an answer, too: it is handed over as it is.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from estate.accounts.books import export_books
from estate.accounts.verify import NotAsExported, histories, periods, verify_books
from estate.opening.facts import moment
from estate.signed_site import VerifiedSite
from estate.store.envelopes import Store

LINES_LIMIT: Final = 400
"""Most lines of an answer: a site of a hundred cameras has three ledgers for each."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The verifier's answer."""

    holds: bool
    """Whether it found every record good."""
    summary: str
    """One sentence."""
    text: str
    """All that it said, line by line."""


def verifier_answer(
    store: Store, site: VerifiedSite, books: Path, event: bytes, at_utc_ms: int
) -> Answer:
    """Verify the books as an outsider does; return what is said of `event`.

    Args:
        store: with the ledgers.
        site: the site's signed repository.
        books: folder with the signed checkpoints.
        event: digest of the sealed event.
        at_utc_ms: the moment that the answer names.
    """
    begin = f"tallylight-verify, over the estate's books of {site.policy.site}, {moment(at_utc_ms)}"
    with TemporaryDirectory() as folder:
        exported = Path(folder) / "books"
        export_books(store, site, books, exported)
        try:
            ledgers, events, notes = verify_books(exported, None)
        except NotAsExported as refusal:
            text = f"{begin}\n\nREFUSED: {refusal}\n"
            return Answer(
                holds=False, summary=f"The verifier refused the books: {refusal}", text=text
            )
    lines = [
        f"{each.name}: records verified: {each.size:,}, of them signed: {each.signed:,}"
        for each in ledgers
    ]
    told = histories(events.found, periods(ledgers))
    mine = [each for each in told if each["event"] == event.hex()]
    history = json.dumps(mine, indent=1, ensure_ascii=False).splitlines()
    shown = [begin, "", *notes, *lines, "", "Of this event:", *history]
    if len(shown) > LINES_LIMIT:
        shown = [*shown[: LINES_LIMIT - 1], "(The rest is left out here: verify the books.)"]
    doubts = sum(note.startswith("NOT VERIFIED") for note in notes)
    open_ones = f" It could not verify everything: {doubts} lines say what." if doubts else ""
    count, signed = sum(each.size for each in ledgers), sum(each.signed for each in ledgers)
    return Answer(
        holds=True,
        summary=f"The verifier found all {count:,} records in the ledgers of estate and cameras "
        f"good. Checkpoints sign {signed:,} of them.{open_ones}",
        text="\n".join(shown) + "\n",
    )
