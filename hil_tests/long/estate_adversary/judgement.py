"""What must not have happened to the estate: each finding is one broken promise, in words.

The judgement asks the programs what they hold to be true after the attacker's acts: what is
confirmed, what is due, what was handed over, what an outsider accepts. It compares the answers with
what the people saw and did.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from sqlalchemy import select

from estate.errors import BooksRefused
from estate.retention.destruction import DAY_S, due_events
from estate.store.envelopes import ENVELOPES, KEPT, Store
from estate.store.ledger import checkpointed_records
from estate.verdicts.decisions import Outcome, decided_events
from estate.verdicts.hand_overs import HandOvers
from formats.verdict import Judgement
from hil_tests.long.estate_adversary.life import Life, face_of

CONFIRMED: Final = "confirmations that two people did not give"
HANDED_OVER: Final = "hand-overs that two people did not sign, or of another face"
DESTROYED: Final = "false destructions"
LOST: Final = "holds that were lost"
STAYS: Final = "events that stay longer, unnamed"
BACK: Final = "destroyed events that a restore brings back"
BELIEVED: Final = "untrue books that an outsider believes"
TRACEBACK: Final = "tracebacks"
STUCK: Final = "untouched events that were not processed"
PROMISES: Final = (
    *(CONFIRMED, HANDED_OVER, DESTROYED, LOST, STAYS),
    *(BACK, BELIEVED, TRACEBACK, STUCK),
)
RETENTION_DAYS: Final = 30


@dataclass(slots=True)
class Findings:
    """Broken promises: how often, and the first words of each."""

    count: Counter[str] = field(default_factory=Counter)
    words: list[str] = field(default_factory=list)

    def add(self, promise: str, words: str) -> None:
        """Count one broken promise."""
        self.count[promise] += 1
        self.words.append(f"{promise}: {words}")


def judge(life: Life, findings: Findings, *, exact_holds: bool) -> None:
    """Compare what the estate holds to be true with what happened.

    Args:
        life: the estate after the round.
        findings: takes what is wrong.
        exact_holds: whether each hold stands before the newest checkpoint. A hold after it can be
            left out of the ledger (docs/threat-model.md).
    """
    for event in certified(life.books):
        if not life.truth.may_be_destroyed(event):
            findings.add(DESTROYED, event.hex()[:16])
    for event, face in life.truth.archives:
        if not life.truth.confirmed(event, face):
            findings.add(HANDED_OVER, f"{event.hex()[:16]} with face {face}")
    life.attempt("judged: decisions", partial(_judge_decisions, life, findings))
    future = partial(_judge_future, life, findings, exact_holds=exact_holds)
    life.attempt("judged: what retention will do", future)
    for words in life.tracebacks:
        findings.add(TRACEBACK, words)


def _judge_decisions(life: Life, findings: Findings) -> None:
    site = life.office.site()
    for number, desk in life.desks.items():
        for each in desk.standings():
            if each.outcome is Outcome.CONFIRMED and not life.truth.confirmed(
                each.event, face_of(each)
            ):
                findings.add(CONFIRMED, f"{each.event.hex()[:16]} at console {number}")
    with life.office.store.reading() as connection:
        for event, outcome in decided_events(connection, site).items():
            agreed = life.truth.agreed(event)
            if outcome is Outcome.CONFIRMED and agreed != {Judgement.MATCH}:
                findings.add(CONFIRMED, event.hex()[:16])
        told = HandOvers().every(connection, site.reviewers)
    overs = Counter(bytes.fromhex(each.event) for each in told if not each.note)
    for event in overs - life.truth.handed_over:
        findings.add(HANDED_OVER, f"{event.hex()[:16]}, {overs[event]} in the ledger")


def _judge_future(life: Life, findings: Findings, *, exact_holds: bool) -> None:
    """Ask what retention would do after the retention period, and what it would leave unnamed."""
    office, later_s = life.office, int(time.time()) + (RETENTION_DAYS + 1) * DAY_S
    with office.store.reading() as connection:
        try:
            key = office.ledger_key.verify_key
            records = checkpointed_records(connection, life.books, key)
        except BooksRefused:
            return  # Retention refuses, and says so: nothing is destroyed.
        due = due_events(connection, office.site(), records, later_s, RETENTION_DAYS)
        here = ENVELOPES.c
        kept = {bytes(digest) for (digest,) in connection.execute(select(here.digest).where(KEPT))}
    doomed = {each.event for each in due.doomed}
    named = doomed | {each.event for each in due.refused}
    for event in doomed & life.truth.held if exact_holds else ():
        findings.add(LOST, event.hex()[:16])
    for event in kept - named - life.truth.held:
        findings.add(STAYS, event.hex()[:16])


def judge_books(life: Life, exported: Path, findings: Findings) -> None:
    """Compare books that the outsider's verifier has accepted with what happened."""
    lines = (exported / "estate.jsonl").read_bytes().splitlines()
    overs = Counter[bytes]()
    for body, happening in _bodies(lines):
        event = bytes.fromhex(str(body.get("envelope", "")))
        if happening == "verdict":
            judgement = Judgement(str(body["judgement"]))
            if not any((event, judgement) == (on, was) for _, on, _, was in life.truth.said):
                findings.add(BELIEVED, f"a verdict on {event.hex()[:16]}")
        elif happening == "decision" and body["outcome"] == Outcome.CONFIRMED:
            if life.truth.agreed(event) != {Judgement.MATCH}:
                findings.add(BELIEVED, f"{event.hex()[:16]} is confirmed")
        elif happening == "exported":
            overs[event] += 1
    for event, count in overs.items():
        if count > life.truth.handed_over[event]:
            findings.add(BELIEVED, f"{count} hand-overs of {event.hex()[:16]}")


def judge_restored(life: Life, url: str, findings: Findings) -> None:
    """Compare a restored store with the certificates: what was destroyed stays destroyed."""
    store = Store(url)
    here = set(store.digests())
    store.close()
    for event in here & set(certified(life.books)):
        findings.add(BACK, event.hex()[:16])


def certified(books: Path) -> Iterator[bytes]:
    """Yield the events of which there is a certificate of destruction."""
    for path in books.glob("certificates/*.json"):
        yield bytes.fromhex(json.loads(path.read_bytes())["event"])


def _bodies(lines: list[bytes]) -> Iterator[tuple[dict[str, int | str], str]]:
    for line in lines:
        record = json.loads(line)
        yield record["body"], record["event"]
