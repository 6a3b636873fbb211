"""The search: which probe is a candidate of which entry, and when no search is allowed."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from firmware.errors import NobodyListed, OutsideHours
from firmware.looking.search import Search
from firmware.looking.sight import Probe
from firmware.record.counts import Counts
from firmware.tests.fakes import CALIBRATION, PasserBy, face_of, template_of
from firmware.tests.station import listed
from firmware.trust.watchlist import ListRefused
from formats.entry_columns import entries_of
from recognition.calibration import Rate
from recognition.errors import ListNotServed
from recognition.quality import Quality

STRANGER = 2


def probe(who: int) -> Probe:
    return Probe(face_of(PasserBy(who, 0)), template_of(who), Quality(100, 40, 20, 50, 20, 0, 0))


def now() -> datetime:
    return datetime.now(UTC)


def test_a_person_on_the_list_is_a_candidate(tmp_path: Path) -> None:
    search = Search(listed(tmp_path), CALIBRATION, Counts())
    (found,) = search.candidates([probe(1)], now())
    assert found is not None
    assert (found.handle, found.score_ppm) == (bytes([2]) * 16, 1_000_000)


def test_a_stranger_is_no_candidate(tmp_path: Path) -> None:
    counts = Counts()
    assert (
        Search(listed(tmp_path), CALIBRATION, counts).candidates([probe(STRANGER)], now())[0]
        is None
    )
    assert (counts.searched, counts.candidates) == (1, 0)


def test_an_empty_list_is_no_reason_to_look(tmp_path: Path) -> None:
    with pytest.raises(NobodyListed):
        Search(listed(tmp_path, empty=True), CALIBRATION, Counts())


def test_a_list_that_the_budget_cannot_serve_is_refused(tmp_path: Path) -> None:
    loose = replace(CALIBRATION, fused=(Rate(500_000, 1_000_000, 2_000_000),))
    with pytest.raises(ListNotServed):
        Search(listed(tmp_path), loose, Counts())


@pytest.mark.parametrize("who", [0, STRANGER])
def test_an_expired_list_is_not_searched(tmp_path: Path, who: int) -> None:
    search = Search(listed(tmp_path), CALIBRATION, Counts())
    with pytest.raises(ListRefused):
        search.candidates([probe(who)], now() + timedelta(days=8))


def test_no_search_runs_outside_the_hours_of_the_policy(tmp_path: Path) -> None:
    never = listed(tmp_path, policy=lambda policy: replace(policy, schedule=()))
    search = Search(never, CALIBRATION, Counts())
    with pytest.raises(OutsideHours):
        search.check(now())
    with pytest.raises(OutsideHours):
        search.candidates([probe(0)], now())


def test_an_entry_that_lapsed_since_is_a_stranger(tmp_path: Path) -> None:
    watchlist = listed(tmp_path)
    review_utc_s = int(now().timestamp()) - 1
    lapsed = entries_of(replace(entry, review_utc_s=review_utc_s) for entry in watchlist.entries)
    search = Search(replace(watchlist, entries=lapsed), CALIBRATION, Counts())
    assert search.candidates([probe(0)], now()) == [None]


def test_neither_list_nor_candidate_shows_a_person(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="firmware")
    search = Search(listed(tmp_path), CALIBRATION, Counts())
    (found,) = search.candidates([probe(0)], now())
    shown = f"{search} {found} {probe(0)} {search.watchlist}"
    assert "127" not in shown
    assert repr(bytes([1]) * 16) not in shown
    assert "firmware" not in [record.name for record in caplog.records]
