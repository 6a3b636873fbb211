"""The reporter: sealed events, their chain, and a full outbox."""

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from firmware.delivery.outbox import Outbox
from firmware.delivery.waiting import LARGEST
from firmware.disk_writer import DiskWriter
from firmware.errors import LampDark, OutboxFull
from firmware.hardware.lamp import Lamp, Lit
from firmware.looking import reporter as reporter_module
from firmware.looking.reporter import INSTALLED, PROGRAMS, Reporter, programs_digest
from firmware.looking.search import Candidate, Search
from firmware.looking.sight import Probe, View
from firmware.looking.tracks import AGREE, LOOKS, Track
from firmware.record.counts import Counts
from firmware.tests import desk
from firmware.tests.fakes import CALIBRATION, PasserBy, ScriptedGuard, face_of, template_of
from firmware.tests.observations import records
from firmware.tests.station import CAMERA_KEY, REVIEWER, listed, reporter
from formats.envelope import NO_PREVIOUS, Sealed, verify
from formats.errors import NotForThisKey
from formats.event import HeldBack
from formats.ledger import Happening
from formats.message import open_event
from formats.recipients import Reviewer, check_addressees
from recognition.quality import Quality

QUALITY = Quality(100, 40, 20, 50, 20, 0, 0)


@pytest.fixture
def guard() -> Iterator[ScriptedGuard]:
    with ScriptedGuard() as guard:
        yield guard


@pytest.fixture
def lit(guard: ScriptedGuard) -> Iterator[Lit]:
    with Lamp(guard.channel).lit() as lit:
        yield lit


@pytest.fixture
def search(tmp_path: Path) -> Search:
    return Search(listed(tmp_path), CALIBRATION, Counts())


def candidate(who: int = 0) -> Candidate:
    probe = Probe(face_of(PasserBy(who, 0)), template_of(who), QUALITY)
    return Candidate(bytes([who + 1]) * 16, 900_000, probe)


def decided(at_ns: int = 10**9) -> Track:
    track = Track(face_of(PasserBy(0, 0)).box, at_ns, at_ns)
    for _ in range(LOOKS + AGREE):
        track.move(track.box, at_ns)
    for _ in range(AGREE):
        track.vote(candidate())
    return track


def shown(at_ns: int = 10**9, quality: Quality = QUALITY) -> Track:
    """Return the same, with a picture for reviewers."""
    track = decided(at_ns)
    track.keep_clearest(View(at_ns, quality, np.full((90, 80, 3), 128, np.uint8)))
    return track


def waiting(folder: Path) -> list[Sealed]:
    outbox = Outbox(folder / "outbox")
    return [outbox.read_sealed(name) for name in outbox.names()]


def test_an_event_is_on_disk_and_in_the_ledger(tmp_path: Path, search: Search, lit: Lit) -> None:
    reporter(tmp_path, search).report(candidate(), decided(), lit)
    (sealed,) = waiting(tmp_path)
    (record,) = records(tmp_path, Happening.EVENT_SEALED)
    assert record == {"number": 1, "sequence": 1, "envelope": sealed.digest.hex()}


def test_events_are_a_chain_over_restarts_with_no_sequence_used_twice(
    tmp_path: Path, search: Search, lit: Lit
) -> None:
    for _ in range(2):
        made = reporter(tmp_path, search)
        made.report(candidate(), decided(), lit)
        made.report(candidate(), decided(), lit)
    headers = [one.header for one in waiting(tmp_path)]
    digests = [one.digest for one in waiting(tmp_path)]
    assert [one.previous for one in headers] == [NO_PREVIOUS, *digests[:-1]]
    assert [one.sequence for one in headers] == [1, 2, 1, 2]
    assert len({(one.boot_id, one.sequence) for one in headers}) == 4


def test_the_chain_goes_on_when_its_last_event_was_removed(
    tmp_path: Path, search: Search, lit: Lit
) -> None:
    reporter(tmp_path, search).report(candidate(), decided(), lit)
    (first,) = waiting(tmp_path)
    Outbox(tmp_path / "outbox").remove("000000000001")
    reporter(tmp_path, search).report(candidate(), decided(), lit)
    assert [one.header.previous for one in waiting(tmp_path)] == [first.digest]


def test_only_the_sites_reviewers_open_an_event(tmp_path: Path, search: Search, lit: Lit) -> None:
    reporter(tmp_path, search).report(candidate(), shown(), lit)
    verified = verify(waiting(tmp_path)[0], CAMERA_KEY.verify_key)
    crop = open_event(verified, REVIEWER).crop_jpeg
    assert crop is not None
    assert crop.startswith(b"\xff\xd8")
    with pytest.raises(NotForThisKey):
        open_event(verified, CAMERA_KEY.to_curve25519_private_key())


def test_every_reviewer_of_the_site_opens_an_event(
    tmp_path: Path, search: Search, lit: Lit
) -> None:
    third = Reviewer("r3", "council", desk.opening(64).public_key, desk.signing(67).verify_key)
    recipients = search.watchlist.recipients
    recipients = replace(recipients, reviewers=(*recipients.reviewers, third))
    watchlist = replace(search.watchlist, recipients=recipients)
    made = reporter(tmp_path, Search(watchlist, CALIBRATION, Counts()))
    made.report(candidate(), decided(), lit)
    check_addressees(waiting(tmp_path)[0], recipients)


def test_the_event_ends_with_the_policys_retention(
    tmp_path: Path, search: Search, lit: Lit
) -> None:
    reporter(tmp_path, search).report(candidate(), decided(), lit)
    event = open_event(verify(waiting(tmp_path)[0], CAMERA_KEY.verify_key), REVIEWER)
    assert event.retain_until_utc_s - event.captured_utc_ms // 1000 == 30 * 86400


def test_without_room_nothing_is_made(tmp_path: Path, search: Search, lit: Lit) -> None:
    made = reporter(tmp_path, search, limit_bytes=LARGEST - 1)
    with pytest.raises(OutboxFull):
        made.report(candidate(), decided(), lit)
    assert (waiting(tmp_path), made.link) == ([], None)
    assert records(tmp_path, Happening.EVENT_SEALED) == []


def test_without_room_nothing_waits_for_the_disk(tmp_path: Path, search: Search, lit: Lit) -> None:
    writer = DiskWriter()
    made = reporter(tmp_path, search, limit_bytes=LARGEST - 1, writer=writer)
    with pytest.raises(OutboxFull):
        made.report(candidate(), decided(), lit)
    assert not writer.pending


def test_without_light_nothing_is_made(
    tmp_path: Path, search: Search, lit: Lit, guard: ScriptedGuard
) -> None:
    made = reporter(tmp_path, search)
    guard.goes_dark()
    with pytest.raises(LampDark):
        made.report(candidate(), decided(), lit)
    assert (waiting(tmp_path), made.link) == ([], None)


def test_an_event_says_what_its_entrys_pause_held_back(
    tmp_path: Path, search: Search, lit: Lit
) -> None:
    held_back = HeldBack(7, 1_790_000_000)
    reporter(tmp_path, search).report(candidate(), decided(), lit, held_back)
    event = open_event(verify(waiting(tmp_path)[0], CAMERA_KEY.verify_key), REVIEWER)
    assert event.held_back == held_back


def test_the_event_is_of_the_tracks_clearest_look(tmp_path: Path, search: Search, lit: Lit) -> None:
    sharp = replace(QUALITY, sharpness_centi=90)
    track = decided(at_ns=3 * 10**9)
    track.first_seen_ns = 10**9
    for at_s, quality in ((1, QUALITY), (2, sharp), (3, QUALITY)):
        track.keep_clearest(View(at_s * 10**9, quality, np.zeros((9, 8, 3), np.uint8)))
    reporter(tmp_path, search).report(candidate(), track, lit)
    event = open_event(verify(waiting(tmp_path)[0], CAMERA_KEY.verify_key), REVIEWER)
    assert (event.captured_mono_ns, event.quality.sharpness_centi) == (2 * 10**9, 90)


def test_a_reporter_shows_no_entry(tmp_path: Path, search: Search, lit: Lit) -> None:
    made = reporter(tmp_path, search)
    made.report(candidate(), decided(), lit)
    assert repr(candidate().handle) not in repr(made)


def test_the_programs_digest_covers_what_sees_faces() -> None:
    assert set(PROGRAMS) >= {"firmware", "formats", "recognition"}
    assert all((INSTALLED / name / "__init__.py").is_file() for name in PROGRAMS)
    assert programs_digest() != sha256().digest()


@pytest.mark.parametrize("package", PROGRAMS)
def test_a_program_with_one_changed_letter_has_another_digest(tmp_path: Path, package: str) -> None:
    for name in PROGRAMS:
        (tmp_path / name / "tests").mkdir(parents=True)
        (tmp_path / name / "part.py").write_bytes(b"a")
    before = programs_digest(tmp_path)
    (tmp_path / package / "tests" / "test_part.py").write_bytes(b"a")
    assert programs_digest(tmp_path) == before
    (tmp_path / package / "part.py").write_bytes(b"b")
    assert programs_digest(tmp_path) != before


def test_the_programs_digest_is_the_one_that_the_format_describes(tmp_path: Path) -> None:
    for name in ("firmware/watch.py", "formats/a/b.py", "formats/a.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    told = b"".join(
        name + b"\0" + str(len(name)).encode() + b"\0" + name
        for name in (b"firmware/watch.py", b"formats/a/b.py", b"formats/a.py")
    )
    assert programs_digest(tmp_path) == sha256(told).digest()


def test_every_event_of_a_run_names_the_same_boot(tmp_path: Path, search: Search, lit: Lit) -> None:
    made: Reporter = reporter(tmp_path, search)
    for _ in range(3):
        made.report(candidate(), decided(), lit)
    assert {one.header.boot_id for one in waiting(tmp_path)} == {made.boot_id}


def test_receipted_events_are_removed_before_the_outbox_is_measured(
    tmp_path: Path, search: Search, lit: Lit, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = reporter(tmp_path, search)
    made.report(candidate(), decided(), lit)

    def remove() -> bool:
        for name in made.outbox.names():
            made.outbox.remove(name)
        return False

    made.remove = remove
    made.measure_if_due()
    assert made.waiting == 1, "It was measured just now."
    monkeypatch.setattr(reporter_module, "MEASURE_S", 0.0)
    made.measure_if_due()
    assert (made.waiting, waiting(tmp_path)) == (0, [])
