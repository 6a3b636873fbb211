"""A state machine of list and camera: in any order of events, only the newest list is searched."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from shutil import copytree, rmtree
from tempfile import mkdtemp

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from firmware.errors import ClockUntrusted, FloorsBroken
from firmware.tests.desk import NOW, NOW_S, Desk, entry
from firmware.tests.verifier import Camera, flip, refused
from firmware.trust.clock import Clock, Hands
from firmware.trust.floors import COPIES, DRIFT_PPM, floors_of
from firmware.trust.watchlist import ListRefused, Refusal, Watchlist

PEOPLE = tuple(range(1, 6))
MOST_ROTATIONS = 5
HOUR_S = 3600
ROUNDED_S = 2
"""Saved times are whole seconds."""


class Life(RuleBasedStateMachine):
    """An authority, a camera, and an attacker who has the camera's card and clock."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp())
        self.camera = Camera(self.folder)
        self.now = NOW
        """The true time, by which the authority signs."""
        self.wall = NOW
        """What the camera's clock says; the attacker holds it back."""
        self.boot, self.up_s = 0, 100.0
        """The camera's boot, and its CLOCK_BOOTTIME."""
        self.latest = NOW
        """The latest moment at which the camera looked: it saves that an end has come."""
        self.began: dict[tuple[int, int], tuple[datetime, float]] = {}
        """When a list was first accepted, by boot and version: trusted time, CLOCK_BOOTTIME."""
        self.version = 0
        self.rotations = 0
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
        """Put an older publication back, with the entries of then."""
        self._publish(max(1, self.version - back), frozenset(PEOPLE))

    @rule()
    @precondition(lambda self: self.rotations < MOST_ROTATIONS)
    def rotate(self) -> None:
        """Let the holders of root replace the online keys; the next publication carries it."""
        self.rotations += 1

    @rule(back=st.integers(1, 3))
    @precondition(lambda self: self.rotations and self.version)
    def publish_with_stolen_keys(self, back: int) -> None:
        """Publish the entries of then with stolen online keys from before."""
        before = max(0, self.rotations - back)
        self._publish(max(1, self.version - back), frozenset(PEOPLE), rotations=before)

    @rule()
    def withhold(self) -> None:
        if self.camera.inbox.exists():
            rmtree(self.camera.inbox)
        self.in_inbox = None

    @rule()
    @precondition(lambda self: self.in_inbox is not None)
    def tamper(self) -> None:
        """Flip one bit; to flip it twice would mend it."""
        for path in self.camera.inbox.glob("metadata/timestamp.json"):
            flip(path, len(path.read_bytes()) // 2)
            self.in_inbox = None

    @rule(seconds=st.sampled_from([25, HOUR_S, 12 * HOUR_S, 25 * HOUR_S, 192 * HOUR_S]))
    def wait(self, seconds: int) -> None:
        self.wall += timedelta(seconds=seconds)
        self._pass(seconds)

    @rule(seconds=st.sampled_from([4.9, 25, HOUR_S, 12 * HOUR_S, 25 * HOUR_S]))
    def hold_back(self, seconds: float) -> None:
        """Let time pass while a time server holds the clock where it is."""
        self._pass(seconds)

    @rule(seconds=st.sampled_from([4.9, 25, HOUR_S, 12 * HOUR_S, 25 * HOUR_S]))
    def set_back(self, seconds: float) -> None:
        before, self.wall = self.wall, self.wall - timedelta(seconds=seconds)
        self.look()
        self.wall = before

    @rule()
    def set_right(self) -> None:
        self.wall = self.now
        self.look()

    @rule()
    def reboot(self) -> None:
        self.boot, self.up_s = self.boot + 1, 20.0
        self.look()

    @rule()
    def keep_card(self) -> None:
        if self.camera.metadata.exists():
            card = self.folder / f"card-{len(self.cards)}"
            copytree(self.camera.metadata, card, symlinks=True)
            self.cards.append(card)

    @rule()
    @precondition(lambda self: self.cards)
    def put_card_back(self) -> None:
        """Put the card back as it was, all but the floors."""
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
        """Leave half a folder beside the accepted one, as a cut within an update does."""
        if self.camera.metadata.exists():
            half = self.camera.metadata / "half"
            half.mkdir(exist_ok=True)
            (half / "timestamp.json").write_bytes(b"{")
        self.watchlist = None
        self.look()

    @rule()
    def look(self) -> None:
        """Do what the program does at each start: the inbox first, then the last accepted list."""
        self.watchlist = None
        clock = Clock(floors_of(self.camera.metadata), self._hands())
        with suppress(ClockUntrusted):
            now = clock.now()
            self.latest = max(self.latest, now)
            self.watchlist = self._accept(now)
            if self.watchlist is not None:
                self.began.setdefault((self.boot, self.watchlist.version), (now, self.up_s))
                clock.until_utc_s = self.watchlist.expires_utc_s
        with suppress(FloorsBroken):
            clock.save_earliest()

    @invariant()
    def searches_only_the_newest_list_it_could_verify(self) -> None:
        if self.watchlist is None:
            return
        version, people = max(self.seen)
        found = {handle[0] for handle in (each.handle for each in self.watchlist.entries)}
        assert self.watchlist.version == version
        assert found <= people
        assert self.watchlist.expires_utc_s > self.latest.timestamp()

    @invariant()
    def searches_no_list_beyond_its_end_by_the_clock_that_only_goes_forwards(self) -> None:
        if self.watchlist is None:
            return
        accepted, at_s = self.began[self.boot, self.watchlist.version]
        passed_s = (self.up_s - at_s) * (1 - DRIFT_PPM / 1e6)
        assert self.watchlist.expires_utc_s > accepted.timestamp() + passed_s - ROUNDED_S

    def _hands(self) -> Hands:
        return Hands(lambda: self.wall, lambda: self.up_s, lambda: bytes([self.boot % 256]) * 16)

    def _pass(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.up_s += seconds
        self.look()

    def _accept(self, now: datetime) -> Watchlist | None:
        try:
            watchlist = self.camera.looks(now=now)
        except ListRefused:
            with suppress(ListRefused):
                return self.camera.reloads(now=now)
            return None
        if self.in_inbox is not None:
            self.seen.append(self.in_inbox)
        return watchlist

    def _publish(
        self, version: int, people: frozenset[int], *, rotations: int | None = None
    ) -> None:
        by = self.rotations if rotations is None else rotations
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
        desk = Desk(entries=entries, now=self.now, rotations=by)
        desk.publish(self.camera.inbox, version=version)
        self.in_inbox = (version, people)


@pytest.mark.timeout(600)  # To shrink a counterexample takes longer than any other test.
@pytest.mark.parametrize("lives", [25, pytest.param(400, marks=pytest.mark.long)])
def test_no_life_of_a_camera_brings_a_removed_entry_back(lives: int) -> None:
    run_state_machine_as_test(
        Life, settings=settings(max_examples=lives, stateful_step_count=15, deadline=None)
    )


@pytest.mark.parametrize("seconds", [25, HOUR_S, 25 * HOUR_S])
def test_a_list_is_not_brought_back_by_the_time_that_passed_since(seconds: int) -> None:
    life = Life()
    life.publish()
    life.look()
    life.wait(seconds)
    life.set_back(seconds)
    assert life.watchlist is None
    life.teardown()


def test_old_online_keys_bring_no_removed_entry_back(tmp_path: Path) -> None:
    camera = Camera(tmp_path)
    before, after = [entry(1), entry(2)], [entry(1)]
    assert camera.takes(Desk(entries=before), version=1).version == 1
    assert camera.takes(Desk(entries=after, rotations=1), version=2).version == 2
    for rotations in (0, 1):  # With the old keys; and with the new ones, whose holder errs.
        rmtree(camera.inbox)
        with refused(Refusal.ROLLBACK if rotations else Refusal.SIG):
            camera.takes(Desk(entries=before, rotations=rotations), version=1)
        assert [each.handle for each in camera.reloads().entries] == [entry(1).handle]
