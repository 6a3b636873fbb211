"""The loop of `watch`: light, then look; a passer-by who is not on the list leaves no trace."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from firmware.delivery.waiting import LARGEST
from firmware.errors import LampDark, OutboxFull
from firmware.looking.search import Candidate, Search
from firmware.looking.sight import Probe
from firmware.looking.tracks import Track
from firmware.tests.fakes import (
    CALIBRATION,
    LEASE_ID,
    FakeCamera,
    FakeEmbedder,
    PasserBy,
    ScriptedGuard,
    template_of,
)
from firmware.tests.observations import records
from firmware.tests.station import listed, run_of
from firmware.trust.watchlist import ListRefused
from formats.event import CROP_LIMIT
from formats.ledger import Happening
from recognition.template import Side

LISTED, ALSO_LISTED, STRANGER = 0, 1, 2
ENTRIES = [bytes([1]) * 16, bytes([2]) * 16]


def walk(who: int, frames: int = 6) -> list[list[PasserBy]]:
    return [[PasserBy(who, 50.0 + 12 * at)] for at in range(frames)]


EMPTY: list[list[PasserBy]] = [[]]


@pytest.fixture
def guard() -> Iterator[ScriptedGuard]:
    with ScriptedGuard() as guard:
        yield guard


def test_only_the_listed_person_leaves_a_trace(tmp_path: Path, guard: ScriptedGuard) -> None:
    shots = [[PasserBy(LISTED, 20), PasserBy(STRANGER, 400)] for _ in range(6)]
    run = run_of(tmp_path, guard.channel, FakeCamera(shots))
    run.watch()
    assert [event.entry for event in run.events()] == [ENTRIES[0]]


def test_a_stranger_leaves_no_file_and_no_log_line(
    tmp_path: Path, guard: ScriptedGuard, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    run = run_of(tmp_path, guard.channel, FakeCamera(walk(STRANGER)))
    before = sorted(tmp_path.rglob("*"))
    run.watch()
    assert sorted(tmp_path.rglob("*")) == before
    assert run.events() == []
    assert "firmware" not in caplog.text


def test_no_template_is_on_the_disk_afterwards(tmp_path: Path, guard: ScriptedGuard) -> None:
    run = run_of(tmp_path, guard.channel, FakeCamera(walk(LISTED) + walk(STRANGER)))
    run.watch()
    needles = [template_of(who).vector.tobytes() for who in (LISTED, STRANGER)]
    content = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert not any(needle in content for needle in needles)


def test_one_passer_by_is_one_event(tmp_path: Path, guard: ScriptedGuard) -> None:
    run = run_of(tmp_path, guard.channel, FakeCamera(walk(LISTED, frames=20)))
    run.watch()
    assert len(run.events()) == 1


def test_four_frames_of_likeness_are_no_event(tmp_path: Path, guard: ScriptedGuard) -> None:
    run = run_of(tmp_path, guard.channel, FakeCamera(walk(LISTED, frames=4)))
    run.watch()
    assert run.events() == []


def test_two_listed_people_are_two_events_in_one_chain(
    tmp_path: Path, guard: ScriptedGuard
) -> None:
    shots = [[PasserBy(LISTED, 20), PasserBy(ALSO_LISTED, 400)] for _ in range(6)]
    run = run_of(tmp_path, guard.channel, FakeCamera(shots))
    run.watch()
    assert [(event.entry, event.sequence) for event in run.events()] == [
        (ENTRIES[0], 1),
        (ENTRIES[1], 2),
    ]


def test_the_same_entry_within_30_s_is_suppressed_and_counted(
    tmp_path: Path, guard: ScriptedGuard
) -> None:
    camera = FakeCamera(walk(LISTED) + EMPTY + walk(LISTED), gap_s={7: 2.0})
    run = run_of(tmp_path, guard.channel, camera)
    run.watch()
    assert (len(run.events()), run.counts["suppressed"]) == (1, 1)


def test_the_same_entry_after_30_s_is_another_event(tmp_path: Path, guard: ScriptedGuard) -> None:
    camera = FakeCamera(walk(LISTED) + EMPTY + walk(LISTED), gap_s={7: 31.0})
    run = run_of(tmp_path, guard.channel, camera)
    run.watch()
    assert (len(run.events()), run.counts["suppressed"]) == (2, 0)


def test_the_event_states_what_it_rests_on(tmp_path: Path, guard: ScriptedGuard) -> None:
    camera = FakeCamera(walk(LISTED))
    run = run_of(tmp_path, guard.channel, camera)
    run.watch()
    (event,) = run.events()
    watchlist = run.station.search.watchlist
    assert event.lease_id == LEASE_ID
    assert (event.list_version, event.list_digest) == (watchlist.version, watchlist.digest)
    assert (event.score_ppm, event.threshold_ppm) == (1_000_000, 500_000)
    assert (event.track.frames_seen, event.track.frames_agreed) == (5, 5)
    assert event.captured_mono_ns in {shot.captured_ns for shot in camera.given[2:5]}


def test_a_quarter_of_a_second_after_first_sight_the_event_is_decided(
    tmp_path: Path, guard: ScriptedGuard
) -> None:
    """At 20 frames per second: looks at 0, 50, 150, and then in each frame."""
    faster = dict.fromkeys(range(9), -0.05)
    run = run_of(tmp_path, guard.channel, FakeCamera(walk(LISTED, frames=9), gap_s=faster))
    run.watch()
    (event,) = run.events()
    passed_ns = event.track.last_seen_mono_ns - event.track.first_seen_mono_ns
    assert (passed_ns, event.track.frames_agreed) == (250_000_000, 5)


def test_a_crop_is_a_picture_that_fits(tmp_path: Path, guard: ScriptedGuard) -> None:
    run = run_of(tmp_path, guard.channel, FakeCamera(walk(LISTED)))
    run.watch()
    crop = run.events()[0].crop_jpeg
    assert crop is not None
    assert len(crop) <= CROP_LIMIT
    assert Image.open(BytesIO(crop)).size == (200, 200)


def test_no_crop_when_the_policy_says_so(tmp_path: Path, guard: ScriptedGuard) -> None:
    watchlist = listed(tmp_path, policy=lambda policy: replace(policy, crop=False))
    run = run_of(tmp_path, guard.channel, FakeCamera(walk(LISTED)), watchlist=watchlist)
    run.watch()
    assert run.events()[0].crop_jpeg is None


def test_the_lamp_that_dies_before_a_frame_ends_the_look(
    tmp_path: Path, guard: ScriptedGuard
) -> None:
    embedder = FakeEmbedder()
    camera = FakeCamera(walk(LISTED), before={2: guard.goes_dark})
    run = run_of(tmp_path, guard.channel, camera, embedder=embedder)
    with pytest.raises(LampDark):
        run.watch()
    assert (run.events(), embedder.made, len(camera.given)) == ([], 2, 3)


def test_the_lamp_that_dies_during_an_inference_ends_what_came_of_it(
    tmp_path: Path, guard: ScriptedGuard
) -> None:
    embedder = FakeEmbedder(before={3: guard.goes_dark})
    run = run_of(tmp_path, guard.channel, FakeCamera(walk(LISTED)), embedder=embedder)
    with pytest.raises(LampDark):
        run.watch()
    assert (run.events(), run.counts["searched"], run.counts["candidates"]) == ([], 1, 1)


def test_a_full_outbox_ends_the_look_and_no_event_is_half_made(
    tmp_path: Path, guard: ScriptedGuard
) -> None:
    shots = [[PasserBy(LISTED, 20), PasserBy(ALSO_LISTED, 400)] for _ in range(6)]
    run = run_of(tmp_path, guard.channel, FakeCamera(shots), limit_bytes=LARGEST)
    with pytest.raises(OutboxFull):
        run.watch()
    assert [event.entry for event in run.events()] == [ENTRIES[0]]
    assert run.counts["events"] == 1


def test_an_expired_list_ends_the_look(tmp_path: Path, guard: ScriptedGuard) -> None:
    watchlist = listed(tmp_path, now=datetime.now(UTC) - timedelta(days=8))
    run = run_of(tmp_path, guard.channel, FakeCamera(walk(LISTED)), watchlist=watchlist)
    with pytest.raises(ListRefused, match="expired"):
        run.watch()
    assert (run.counts["frames"], run.events()) == (0, [])


def test_looking_ends_when_it_is_told_to(tmp_path: Path, guard: ScriptedGuard) -> None:
    camera = FakeCamera(walk(LISTED))
    run_of(tmp_path, guard.channel, camera, running=lambda: len(camera.given) < 2).watch()
    assert len(camera.given) == 2


def test_a_period_says_under_what_it_looked(tmp_path: Path, guard: ScriptedGuard) -> None:
    run = run_of(tmp_path, guard.channel, FakeCamera(EMPTY))
    run.watch()
    (begin,) = records(tmp_path, Happening.PERIOD_BEGIN)
    assert begin["lease_id"] == LEASE_ID.hex()
    assert begin["list_digest"] == run.station.search.watchlist.digest.hex()
    assert begin["threshold_ppm"] == 500_000


def test_the_counts_of_a_period_are_right(tmp_path: Path, guard: ScriptedGuard) -> None:
    shots = [[PasserBy(LISTED, 20), PasserBy(STRANGER, 400)] for _ in range(6)] + EMPTY
    run = run_of(tmp_path, guard.channel, FakeCamera(shots))
    run.watch()
    assert run.counts == {
        "frames": 7,
        "early": 0,
        "grey": 0,
        "still": 0,
        "faces": 12,
        "refused_small": 0,
        "refused_blurred": 0,
        "refused_turned": 0,
        "refused_dark": 0,
        "refused_bright": 0,
        "put_off": 0,
        "searched": 5,
        "passers_by": 2,
        "candidates": 3,
        "events": 1,
        "suppressed": 0,
    }


def test_a_period_that_fails_is_closed_in_the_ledger(tmp_path: Path, guard: ScriptedGuard) -> None:
    camera = FakeCamera(walk(LISTED), before={1: guard.goes_dark})
    run = run_of(tmp_path, guard.channel, camera)
    with pytest.raises(LampDark):
        run.watch()
    assert run.counts["frames"] == 1


def test_the_ledger_names_no_entry_and_no_score(tmp_path: Path, guard: ScriptedGuard) -> None:
    run = run_of(tmp_path, guard.channel, FakeCamera(walk(LISTED)))
    run.watch()
    ledger = (tmp_path / "ledger.jsonl").read_text()
    assert ENTRIES[0].hex() not in ledger
    assert "score" not in ledger


def test_every_frame_is_forgotten(tmp_path: Path, guard: ScriptedGuard) -> None:
    camera = FakeCamera(walk(LISTED))
    run_of(tmp_path, guard.channel, camera).watch()
    assert camera.given
    assert not any(np.asarray(frame._pixels).any() for frame in camera.given)


def test_a_frame_is_forgotten_even_when_the_light_ends_over_it(
    tmp_path: Path, guard: ScriptedGuard
) -> None:
    camera = FakeCamera(walk(LISTED), before={2: guard.goes_dark})
    with pytest.raises(LampDark):
        run_of(tmp_path, guard.channel, camera).watch()
    assert camera.given
    assert not any(np.asarray(frame._pixels).any() for frame in camera.given)


def test_no_picture_is_kept_when_looking_ends(tmp_path: Path, guard: ScriptedGuard) -> None:
    run = run_of(tmp_path, guard.channel, FakeCamera(walk(STRANGER, frames=3)))
    run.watch()
    assert run.station.sight._gate._cells is None


def test_no_template_is_kept_when_looking_ends(tmp_path: Path, guard: ScriptedGuard) -> None:
    run = run_of(tmp_path, guard.channel, FakeCamera(walk(STRANGER, frames=3)))
    run.watch()
    assert run.station.tracks._open == []


def test_what_was_compared_with_the_list_is_overwritten(
    tmp_path: Path, guard: ScriptedGuard
) -> None:
    compared: list[Probe] = []

    class Remembering(Search):
        def candidates(self, probes: Sequence[Probe], now: datetime) -> list[Candidate | None]:
            compared.extend(probes)
            return super().candidates(probes, now)

    run = run_of(tmp_path, guard.channel, FakeCamera(walk(STRANGER)))
    search = Remembering(run.station.search.watchlist, CALIBRATION, run.station.counts)
    run.station = replace(run.station, search=search)
    run.watch()
    assert [bool(probe.template.vector.any()) for probe in compared] == [False] * 2


def test_what_waits_to_be_compared_is_overwritten_when_the_light_ends(
    tmp_path: Path, guard: ScriptedGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    fused: list[Probe] = []

    def remember(track: Track, probe: Probe) -> Probe | None:
        made = fused_probe(track, probe)
        fused.extend([made] if made else [])
        return made

    fused_probe = Track.fused_probe
    monkeypatch.setattr(Track, "fused_probe", remember)
    shots = [[PasserBy(STRANGER, 20), PasserBy(STRANGER, 400)] for _ in range(3)]
    embedder = FakeEmbedder(before={5: guard.goes_dark})
    with pytest.raises(LampDark):
        run_of(tmp_path, guard.channel, FakeCamera(shots), embedder=embedder).watch()
    assert [bool(probe.template.vector.any()) for probe in fused] == [False]


def test_looks_at_a_passer_by_are_of_the_two_sides_of_the_mirror_in_turn(
    tmp_path: Path, guard: ScriptedGuard
) -> None:
    embedder = FakeEmbedder()
    run_of(tmp_path, guard.channel, FakeCamera(walk(STRANGER)), embedder=embedder).watch()
    assert embedder.sides == [Side.PLAIN, Side.MIRRORED, Side.PLAIN, Side.MIRRORED]


def test_nothing_that_sees_faces_shows_them(
    tmp_path: Path, guard: ScriptedGuard, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    run = run_of(tmp_path, guard.channel, FakeCamera(walk(LISTED)))
    run.watch()
    shown = repr(run.station) + caplog.text
    assert ENTRIES[0].hex() not in shown
    assert repr(ENTRIES[0]) not in shown
    assert "array" not in shown
