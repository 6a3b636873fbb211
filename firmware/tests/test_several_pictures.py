"""Entries with several pictures: each picture is one template and one chance of a false alarm."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from firmware.looking.search import Search
from firmware.looking.sight import Probe
from firmware.record.counts import Counts
from firmware.tests import desk
from firmware.tests.desk import DIM, LIST_KEY, Desk, entry, template_row
from firmware.tests.fakes import CALIBRATION, MANIFEST, PasserBy, face_of, template_of
from firmware.tests.station import ListDesk
from firmware.tests.verifier import Camera, refused
from firmware.trust.accepted import begin_trust
from firmware.trust.site_verifier import verify_site
from firmware.trust.watchlist import Refusal, ThisCamera, Watchlist
from formats.watchlist import Body, read_body, write_body
from recognition.calibration import Grade, threshold_for
from recognition.quality import Quality

PICTURE = entry(1).pictures[0]
ONE, TWO = bytes([1]) * 16, bytes([2]) * 16
THREE_AND_ONE = [entry(1, pictures=(PICTURE,) * 3), entry(2)]


@pytest.fixture
def camera(tmp_path: Path) -> Camera:
    return Camera(tmp_path)


def listed(folder: Path) -> Watchlist:
    """Return a list of two: passers-by 0 to 2 are pictures of the first, 3 is the second."""
    at = ListDesk(entries=THREE_AND_ONE, now=datetime.now(UTC))
    rows = b"".join(template_of(who).vector.tobytes() for who in range(4))
    at.amend_body = lambda body: write_body(replace(read_body(body), templates=rows))
    camera = ThisCamera(desk.CAMERA.camera_id, LIST_KEY, MANIFEST.model_digest)
    at.publish(folder / "inbox")
    begin_trust(folder / "metadata")
    return verify_site(folder / "inbox", folder / "metadata", at.root, camera=camera, now=at.now)


def probe(who: int) -> Probe:
    return Probe(face_of(PasserBy(who, 0)), template_of(who), Quality(100, 40, 20, 50, 20, 0, 0))


@pytest.mark.parametrize(("who", "handle"), [(0, ONE), (1, ONE), (2, ONE), (3, TWO)])
def test_each_picture_that_a_face_resembles_names_the_one_entry(
    tmp_path: Path, who: int, handle: bytes
) -> None:
    found = Search(listed(tmp_path), CALIBRATION, Counts()).candidates(
        [probe(who)], datetime.now(UTC)
    )[0]
    assert found is not None
    assert (found.handle, found.score_ppm) == (handle, 1_000_000)


def test_the_threshold_counts_templates_and_not_people(tmp_path: Path) -> None:
    watchlist = listed(tmp_path)
    expected = threshold_for(CALIBRATION, 4, watchlist.policy.fpir_ppm, Grade.FUSED)
    assert len(watchlist.entries) == 2
    assert Search(watchlist, CALIBRATION, Counts()).threshold == expected


def test_the_cap_counts_people_and_not_templates(camera: Camera) -> None:
    at = Desk(entries=THREE_AND_ONE, policy=replace(desk.usual_policy(), cap=2))
    watchlist = camera.takes(at)
    assert (len(watchlist.entries), watchlist.handles) == (2, ONE * 3 + TWO)


def test_no_template_of_an_entry_that_is_not_live_is_handed_on(camera: Camera) -> None:
    later = replace(THREE_AND_ONE[0], added_utc_s=desk.NOW_S + 1)
    watchlist = camera.takes(Desk(entries=[later, THREE_AND_ONE[1]]))
    assert watchlist.handles == TWO
    assert watchlist.templates == template_row(3)


@pytest.mark.parametrize("rows", [2, 4])
def test_a_template_fewer_or_more_than_the_case_file_says_is_refused(
    camera: Camera, rows: int
) -> None:
    forged = write_body(Body(DIM, ONE * rows + TWO, template_row(0) * (rows + 1)))
    with refused(Refusal.ALTERED):
        camera.takes(Desk(entries=THREE_AND_ONE, amend_body=lambda _: forged))


def test_a_template_under_another_entry_is_refused(camera: Camera) -> None:
    forged = write_body(Body(DIM, ONE * 2 + TWO * 2, template_row(0) * 4))
    with refused(Refusal.ALTERED):
        camera.takes(Desk(entries=THREE_AND_ONE, amend_body=lambda _: forged))
