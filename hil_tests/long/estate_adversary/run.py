"""Live an estate beside a person who can write its database; count broken promises.

One past is lived once: events arrive, people judge, hold, release and hand over, retention runs.
Each round goes on from a copy of it. Between any two steps the attacker may strike. At the end of a
round the judgement asks what the estate holds to be true.
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from numpy.random import Generator, default_rng

from estate.tests.books import Office
from hil_tests.long.estate_adversary.acts import DatabaseAttacker
from hil_tests.long.estate_adversary.judgement import (
    STUCK,
    Findings,
    certified,
    judge,
    judge_books,
    judge_restored,
)
from hil_tests.long.estate_adversary.life import PEOPLE, Life, Truth
from hil_tests.long.estate_adversary.tables import Dump, put_back, read_dump, touched

STRIKE: Final = 0.25
"""Chance that the attacker strikes before a step; it strikes at least once in each round."""
SPARES_LEDGER: Final = 0.7
"""Share of the rounds in which the attacker leaves the ledger as it is."""
MOST_ACTS: Final = 3
"""Most acts of one strike."""
OF_ONE_EVENT: Final = frozenset(
    {"envelopes", "verdicts", "decisions", "acts", "holds", "statuses", "misaddressed"}
)
"""Tables in which an act touches the events that its rows name, and no other."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The counts of one run."""

    rounds: int
    seed: int
    acts: Mapping[str, int]
    """What the attacker did, by name and by what came of it."""
    ends: Mapping[str, int]
    """The steps of the estate, by name and by how they ended."""
    findings: Findings

    @property
    def sound(self) -> bool:
        """Whether every promise held."""
        return not self.findings.count


@dataclass(slots=True)
class Past:
    """What was lived once, and is copied for each round."""

    folder: Path
    life: Life
    held: bytes = b""
    """An event that two people hold, and that is no match."""
    seen: list[Dump] = field(default_factory=list)
    """Each state of the database, oldest first; the last is where each round begins."""


@contextmanager
def open_folder() -> Iterator[Path]:
    """Give a scratch folder that each user may enter."""
    with tempfile.TemporaryDirectory(prefix="tallylight-estate-adversary-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def run(folder: Path, *, rounds: int, seed: int, only: str = "", database: str = "") -> Outcome:
    """Live `rounds` rounds.

    Args:
        folder: for everything that is written.
        rounds: how many.
        seed: of the acts, and of the order of the steps.
        only: name of the only act that the attacker knows; by default all.
        database: URL of an empty database; by default a file of SQLite.
    """
    dice, acts, ends, findings = default_rng(seed), Counter[str](), Counter[str](), Findings()
    past = live_past(folder, database)
    for number in range(rounds):
        one = Round(past, folder / f"round-{number}", dice, only)
        before = len(findings.words)
        one.live(findings)
        acts += Counter(one.acts)
        ends += one.life.ends
        findings.words[before:] = [
            f"round {number}, {', '.join(one.acts)}: {words}" for words in findings.words[before:]
        ]
        shutil.rmtree(one.folder)
    past.life.office.store.close()
    return Outcome(rounds, seed, acts, ends, findings)


def live_past(folder: Path, database: str) -> Past:
    """Live the days before the attacker comes; each step leaves a state of the database."""
    office = Office(folder / "office", database=database)
    office.write_settings(books=str(folder / "books"))
    past = Past(folder, Life(office, Truth(), folder / "books"))
    life, events = past.life, list[bytes]()

    def step(work: Callable[[], object]) -> None:
        work()
        with office.store.reading() as connection:
            past.seen.append(read_dump(connection))

    for _ in range(6):
        step(lambda: events.append(life.arrive()))
    step(lambda: life.arrive(lasting_s=-60))
    past.held, released, again = events[0], events[2], events[3]  # One that is no match is held.
    for number in PEOPLE:
        step(partial(life.sit_down, number))
    step(lambda: life.hold(past.held))
    for event in (released, again):
        step(partial(life.hold, event))
        step(partial(life.release, event))
    step(lambda: life.hold(again))
    step(lambda: life.command("ledger", "checkpoint", "--yes"))
    step(lambda: life.judge(1))
    step(life.arrive)
    step(lambda: life.judge(2))
    step(life.hand_over)
    step(lambda: life.command("retain"))
    step(lambda: life.command("ledger", "checkpoint", "--yes"))
    assert not life.tracebacks, life.tracebacks
    return past


@dataclass(slots=True)
class Round:
    """One way on from the past, with the attacker beside it."""

    past: Past
    folder: Path
    dice: Generator
    only: str
    acts: list[str] = field(default_factory=list)
    struck: set[str] = field(default_factory=set)
    """Tables that the attacker changed."""
    events: set[bytes] = field(default_factory=set)
    """Events whose rows the attacker changed."""
    attacker: DatabaseAttacker = field(init=False)
    life: Life = field(init=False)

    def __post_init__(self) -> None:
        before = self.past.life
        self.folder.mkdir()
        books = self.folder / "books"
        shutil.copytree(before.books, books)
        before.office.write_settings(books=str(books))
        with before.office.store.writing() as connection:
            put_back(connection, self.past.seen[-1])
        self.life = Life(before.office, before.truth.copy(), books, before.arrived)
        spares_ledger = self.dice.random() < SPARES_LEDGER
        self.attacker = DatabaseAttacker(self.dice, list(self.past.seen), spares_ledger)
        self._keep()

    def live(self, findings: Findings) -> None:
        """Do each step once, in any order; then judge."""
        life, steps = self.life, self._steps(findings)
        fresh = life.arrive()
        last = len(steps) - 1
        for at, name in enumerate(self.dice.permutation(list(steps))):
            if self.dice.random() < STRIKE or (at == last and not self.acts):
                self._strike()
            life.attempt(str(name), steps[str(name)])
        for number in PEOPLE:
            life.attempt("a console is opened", partial(life.sit_down, number))
        judge(life, findings, exact_holds=not self.struck & {"ledger"})
        if self.struck <= OF_ONE_EVENT and fresh not in self.events:
            self._judge_fresh(fresh, findings)

    def _steps(self, findings: Findings) -> dict[str, Callable[[], object]]:
        life = self.life
        return {
            "consoles are opened": self._sit_down,
            "one judges": lambda: life.judge(1) if 1 in life.desks else None,
            "another judges": lambda: life.judge(2) if 2 in life.desks else None,
            "a match is handed over": life.hand_over,
            "an event arrives": life.arrive,
            "two release": lambda: life.release(self.past.held),
            "retain": lambda: life.command("retain"),
            "checkpoint": lambda: life.command("ledger", "checkpoint", "--yes"),
            "health": lambda: life.command("health", passphrase=False),
            "report": self._report,
            "subject access": lambda: life.command("ask", "CR/7", passphrase=False),
            "books": lambda: self._books(findings),
            "restore": lambda: self._restore(findings),
        }

    def _sit_down(self) -> None:
        for number in PEOPLE:
            self.life.sit_down(number)

    def _report(self) -> str:
        today = datetime.now(UTC).date()
        span = ("--since", str(today), "--until", str(today + timedelta(days=1)))
        page = str(self.folder / "report.html")
        return self.life.command("report", *span, "--to", page, passphrase=False)

    def _books(self, findings: Findings) -> str:
        exported = self.folder / "handed"
        words = self.life.export_books(exported, self.folder / "kept")
        judge_books(self.life, exported, findings)
        return words

    def _restore(self, findings: Findings) -> str:
        if self.life.office.store.engine.dialect.name != "sqlite":
            return ""
        words = self.life.back_up_and_restore(self.folder)
        judge_restored(self.life, f"sqlite:///{self.folder / 'restored.db'}", findings)
        return words

    def _keep(self) -> None:
        """Keep what an outsider has: the root and the checkpoints of the past."""
        kept = self.folder / "kept"
        kept.mkdir()
        shutil.copy(self.life.office.folder / "root.json", kept)
        shutil.copy(self.life.books / "estate.checkpoint", kept)

    def _strike(self) -> None:
        engine = self.life.office.store.engine
        before = self.attacker.look(engine)
        for _ in range(int(self.dice.integers(1, MOST_ACTS + 1))):
            self.acts.append(self.attacker.strike(engine, self.only))
        after = self.attacker.look(engine)
        self.struck |= {table for table in before if before[table] != after.get(table)}
        self.events |= touched(before, after)

    def _judge_fresh(self, event: bytes, findings: Findings) -> None:
        """Let both judge an event that the attacker did not touch."""
        life = self.life
        for number in PEOPLE:
            life.attempt("an untouched event is judged", partial(life.judge, number))
        if event in certified(life.books):
            return  # Both judged it before: it was no match.
        standing = life.desks[1].standing(event) if 1 in life.desks else None
        if standing is None or standing.outcome is None:
            findings.add(STUCK, event.hex()[:16])
