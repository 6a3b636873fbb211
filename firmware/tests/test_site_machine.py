"""Whatever happens to a camera, in whatever order, it searches for nobody who is off its list."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from shutil import copytree, rmtree
from tempfile import mkdtemp

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from firmware.floors import COPIES
from firmware.tests.desk import NOW, NOW_S, Desk, entry
from firmware.tests.verifier import Camera, flip
from firmware.watchlist import ListRefused, Watchlist

PEOPLE = tuple(range(1, 6))


class Life(RuleBasedStateMachine):
    """An authority, a camera, and somebody who has the camera's card and its clock in hand."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp())
        self.camera = Camera(self.folder)
        self.now = NOW
        self.version = 0
        self.listed = frozenset({1, 2})
        self.seen: list[tuple[int, frozenset[int]]] = []
        """Every list that lay whole in the inbox when the camera looked: version and people."""
        self.in_inbox: tuple[int, frozenset[int]] | None = None
        self.watchlist: Watchlist | None = None
        self.cards: list[Path] = []

    def teardown(self) -> None:
        rmtree(self.folder)

    @rule(who=st.sampled_from(PEOPLE))
    def add(self, who: int) -> None:
        self.listed |= {who}

    @rule(who=st.sampled_from(PEOPLE))
    def remove(self, who: int) -> None:
        self.listed -= {who}

    @rule()
    def publish(self) -> None:
        self.version += 1
        self._publish(self.version, self.listed)

    @rule(back=st.integers(1, 3))
    @precondition(lambda self: self.version > 1)
    def roll_back(self, back: int) -> None:
        """Somebody puts an older publication back, with whoever was on it then."""
        self._publish(max(1, self.version - back), frozenset(PEOPLE))

    @rule()
    def withhold(self) -> None:
        if self.camera.inbox.exists():
            rmtree(self.camera.inbox)
        self.in_inbox = None

    @rule()
    def tamper(self) -> None:
        for path in self.camera.inbox.glob("metadata/timestamp.json"):
            flip(path, len(path.read_bytes()) // 2)
            self.in_inbox = None

    @rule(hours=st.sampled_from([1, 12, 25, 24 * 8]))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self.watchlist = None  # What ran until now is asked again below.
        self.look()

    @rule(hours=st.sampled_from([1, 12, 25]))
    def set_back(self, hours: int) -> None:
        before, self.now = self.now, self.now - timedelta(hours=hours)
        self.look()
        self.now = before

    @rule()
    def keep_card(self) -> None:
        if self.camera.metadata.exists():
            card = self.folder / f"card-{len(self.cards)}"
            copytree(self.camera.metadata, card, symlinks=True)
            self.cards.append(card)

    @rule()
    @precondition(lambda self: self.cards)
    def put_card_back(self) -> None:
        """All but the floors is as it was."""
        rmtree(self.camera.metadata, ignore_errors=True)
        copytree(self.cards[-1], self.camera.metadata, symlinks=True)
        self.look()

    @rule(which=st.sampled_from(COPIES))
    def break_a_floor(self, which: str) -> None:
        path = self.camera.metadata.with_name("floors") / which
        if path.exists():
            path.write_bytes(path.read_bytes()[:40])
            self.look()

    @rule()
    def cut_power(self) -> None:
        """Half a folder, as a cut within an update leaves it, lies beside the accepted one."""
        if self.camera.metadata.exists():
            half = self.camera.metadata / "half"
            half.mkdir(exist_ok=True)
            (half / "timestamp.json").write_bytes(b"{")
        self.watchlist = None
        self.look()

    @rule()
    def look(self) -> None:
        """What the program does at each start: the inbox first, then what was accepted last."""
        self.watchlist = None
        try:
            self.watchlist = self.camera.looks(now=self.now)
            if self.in_inbox is not None:
                self.seen.append(self.in_inbox)
        except ListRefused:
            try:
                self.watchlist = self.camera.reloads(now=self.now)
            except ListRefused:
                return

    @invariant()
    def searches_for_nobody_off_the_newest_list_it_could_verify(self) -> None:
        if self.watchlist is None:
            return
        version, people = max(self.seen)
        found = {handle[0] for handle in (each.handle for each in self.watchlist.entries)}
        assert self.watchlist.version == version
        assert found <= people
        assert self.watchlist.expires_utc_s > self.now.timestamp()

    def _publish(self, version: int, people: frozenset[int]) -> None:
        entries = [
            replace(
                entry(who),
                added_utc_s=NOW_S - 3600,
                review_utc_s=NOW_S + 300 * 86400,
                expires_utc_s=NOW_S + 301 * 86400,
            )
            for who in sorted(people)
        ]
        if self.camera.inbox.exists():
            rmtree(self.camera.inbox)
        Desk(entries=entries, now=self.now).publish(self.camera.inbox, version=version)
        self.in_inbox = (version, people)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
