"""Pauses of entries: they grow, begin anew, survive restarts; nothing is silent for good."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.disk_writer import DiskWriter
from firmware.looking.kept_pauses import (
    LIMIT,
    NAME,
    KeptPauses,
    open_pauses,
    read_pauses,
    write_pauses,
)
from firmware.looking.pauses import (
    AWAY_S,
    COUNT_KEPT_S,
    ENTRIES_MOST,
    LONGEST_PAUSE_S,
    PAUSE_S,
    STORM,
    STORM_S,
    Pauses,
)
from formats.errors import Malformed
from formats.event import HeldBack
from formats.strict_json import INT_LIMIT

ZERO_MS = 1_790_000_000_000
S = 10**9
A, B = bytes([1]) * 16, bytes([2]) * 16


def handle(number: int) -> bytes:
    return number.to_bytes(16, "big")


def finds(pauses: Pauses, entry: bytes, at_s: float) -> HeldBack | bool | None:
    """Do what `watch` does with an entry that is found; return False if it pauses."""
    at_ns = int(at_s * S)
    if pauses.is_paused(entry, at_ns):
        pauses.hold_back(entry, at_ns)
        return False
    held_back = pauses.held_back(entry, at_ns)
    pauses.begin(entry, at_ns)
    return held_back


def events(pauses: Pauses, entry: bytes, seconds: range) -> list[int]:
    """Return the moments of the events when the entry is found at each of these."""
    return [at_s for at_s in seconds if finds(pauses, entry, at_s) is not False]


def test_an_entry_pauses_for_30_s_and_no_other_entry_does() -> None:
    pauses = Pauses(ZERO_MS)
    pauses.begin(A, S)
    assert pauses.is_paused(A, S + 29_999_999_999)
    assert not pauses.is_paused(A, S + 30_000_000_000)
    assert not pauses.is_paused(B, S)


def test_a_poster_that_is_found_each_3_s_for_8_hours_makes_14_events() -> None:
    made = events(Pauses(ZERO_MS), A, range(0, 8 * 3600, 3))
    assert len(made) == 14
    waits = [after - before for before, after in pairwise(made)]
    assert waits == [30, 60, 120, 240, 480, 960, 1920, *[LONGEST_PAUSE_S] * 6]


def test_an_event_says_how_often_its_entry_was_held_back_and_since_when() -> None:
    pauses = Pauses(ZERO_MS)
    assert finds(pauses, A, 0) is None
    assert [finds(pauses, A, at_s) for at_s in range(3, 30, 3)] == 9 * [False]
    assert finds(pauses, A, 30) == HeldBack(9, ZERO_MS // 1000)
    assert finds(pauses, A, 90) is None


def test_an_entry_that_was_away_is_reported_at_once_and_its_pause_begins_anew() -> None:
    pauses = Pauses(ZERO_MS)
    events(pauses, A, range(0, 4000, 3))
    last_s = 3999
    assert pauses.is_paused(A, (last_s + AWAY_S) * S - 1_000_000)
    held_back = finds(pauses, A, last_s + AWAY_S)
    assert isinstance(held_back, HeldBack)
    assert held_back.times == (3999 - 3810) // 3
    assert finds(pauses, A, last_s + AWAY_S + PAUSE_S) is None


def test_a_count_of_another_day_is_forgotten() -> None:
    pauses = Pauses(ZERO_MS)
    events(pauses, A, range(0, 10, 3))
    assert pauses.held_back(A, (9 + COUNT_KEPT_S) * S - S) is not None
    assert pauses.held_back(A, (9 + COUNT_KEPT_S) * S) is None
    pauses.begin(B, (9 + COUNT_KEPT_S) * S)
    assert list(pauses.entries) == [B]


def test_a_storm_of_events_never_hides_a_first_sighting() -> None:
    pauses = Pauses(ZERO_MS)
    for number in range(2 * STORM):
        assert finds(pauses, handle(number), 1) is None
    assert pauses.is_paused(handle(0), 32 * S), "A repetition, within the storm."
    assert not pauses.is_paused(handle(2 * STORM), 32 * S), "An entry that was not reported yet."
    assert not pauses.is_paused(handle(0), (1 + STORM_S) * S), "The storm is over."


def test_a_clock_that_had_run_ahead_leaves_no_pause() -> None:
    ahead = Pauses(ZERO_MS + 10**9)
    events(ahead, A, range(0, 30, 3))
    right = read_pauses(write_pauses(ahead), ZERO_MS)
    assert not right.is_paused(A, 40 * S)
    assert right.held_back(A, 40 * S) is None


@given(
    st.lists(st.tuples(st.sampled_from([A, B]), st.integers(0, 5000), st.booleans()), max_size=60)
)
def test_no_entry_is_silent_for_longer_than_the_longest_pause_and_every_sighting_is_told(
    steps: list[tuple[bytes, int, bool]],
) -> None:
    pauses, at_s = Pauses(ZERO_MS), 0
    event_s: dict[bytes, int] = {}
    untold = {A: 0, B: 0}
    for entry, wait_s, restarts in steps:
        at_s += wait_s
        if restarts:
            pauses = read_pauses(write_pauses(pauses), ZERO_MS)
        found = finds(pauses, entry, at_s)
        if found is False:
            untold[entry] += 1
            assert at_s - event_s[entry] < LONGEST_PAUSE_S
        else:
            told = found.times if isinstance(found, HeldBack) else 0
            assert told == untold[entry]
            untold[entry], event_s[entry] = 0, at_s


def test_pauses_and_storms_survive_a_restart(tmp_path: Path) -> None:
    with DiskWriter() as writer:
        kept = KeptPauses(tmp_path, Pauses(ZERO_MS), writer)
        for number in range(STORM):
            finds(kept.pauses, handle(number), 100)
        finds(kept.pauses, handle(0), 103)
        kept.save_if_due()
        writer.flush()
    zero_ms = ZERO_MS + 150_000  # The machine was started anew: CLOCK_MONOTONIC begins again.
    again = open_pauses(tmp_path, zero_ms)
    assert again.is_paused(handle(0), 0)
    assert not again.is_paused(handle(STORM), 0)
    assert finds(again, handle(0), 11) == HeldBack(1, ZERO_MS // 1000 + 100)


def test_the_file_is_written_after_an_event_and_each_minute_and_never_for_each_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s, path = [1000.0], tmp_path / NAME
    monkeypatch.setattr("firmware.looking.kept_pauses.time.monotonic", lambda: now_s[0])
    with DiskWriter() as writer:
        kept = KeptPauses(tmp_path, Pauses(ZERO_MS), writer)
        written: list[bytes] = []
        for frame in range(1, 1300):  # Ten a second, one event, then one sighting each 3 s.
            now_s[0] += 0.1
            if frame % 30 == 1:
                finds(kept.pauses, A, frame / 10) if frame < 290 else None
            kept.save_if_due()
            while writer.pending:
                pass
            content = path.read_bytes() if path.exists() else b""
            if content and (not written or written[-1] != content):
                written.append(content)
    assert len(written) == 2


@pytest.mark.parametrize("at", [0, 70, -1])
def test_a_damaged_file_is_refused(tmp_path: Path, at: int) -> None:
    pauses = Pauses(ZERO_MS)
    finds(pauses, A, 1)
    content = bytearray(write_pauses(pauses))
    content[at] ^= 1
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(Malformed):
        open_pauses(tmp_path, ZERO_MS)


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / NAME).symlink_to("/dev/zero")
    with pytest.raises(Malformed, match="symbolic link"):
        open_pauses(tmp_path, ZERO_MS)


def test_without_a_file_all_begins_anew(tmp_path: Path) -> None:
    assert open_pauses(tmp_path, ZERO_MS) == Pauses(ZERO_MS)


def test_entries_that_left_the_list_are_forgotten() -> None:
    pauses = Pauses(ZERO_MS)
    for entry in (A, B):
        finds(pauses, entry, 1)
    pauses.keep_only([B, handle(9)])
    assert list(pauses.entries) == [B]


def test_however_many_entries_pause_the_file_stays_in_its_bounds() -> None:
    pauses = Pauses(10**13)
    for number in range(ENTRIES_MOST + 5):
        pauses.begin(handle(number), number * S)
        pauses.entries[handle(number)].held_back = INT_LIMIT
    assert len(pauses.entries) == ENTRIES_MOST
    assert handle(0) not in pauses.entries
    content = write_pauses(pauses)
    assert len(content) < LIMIT
    assert read_pauses(content, 10**13) == pauses


def test_pauses_show_no_entry() -> None:
    pauses = Pauses(ZERO_MS)
    finds(pauses, A, 1)
    assert "entries" not in repr(pauses)
