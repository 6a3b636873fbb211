"""The demo's checks of its figures: each can fail."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from nacl.public import PrivateKey
from nacl.signing import SigningKey
from PIL import Image
from rich.console import Console

from formats.envelope import NO_PREVIOUS, Kind, Origin, TimeQuality, seal
from hil_tests.demo.command import table, verdict
from hil_tests.demo.figures import Evidence, Figures, lit_share
from hil_tests.demo.tap import Tap
from hil_tests.rig.contract import Edge
from hil_tests.rig.desk.pins import Board
from hil_tests.rig.desk.witness import Witness, files_with

GOOD = Figures(
    frames=125,
    faces=90,
    refused=0,
    candidates=30,
    events=1,
    receipts=1,
    opened=1,
    listed_person_events=1,
    unlisted_person_traces=0,
    first_sight_ms_p50=300.0,
    first_sight_ms_p95=300.0,
    deciding_ms_p50=90.0,
    deciding_ms_p95=90.0,
    clearest_ms_p50=100.0,
    clearest_ms_p95=100.0,
    lit_share=1.0,
    unsealed_bytes=0,
)
CAMERA = SigningKey.generate()
ORIGIN = Origin(bytes(16), 1, 0, TimeQuality.UNSYNCHRONISED, NO_PREVIOUS)


def judged(figures: Figures, *, whole: bool = True, starts: int = 1) -> int:
    return verdict(figures, Console(file=io.StringIO()), whole=whole, starts=starts)


def event(sender: SigningKey, recipients: int = 2) -> bytes:
    keys = [PrivateKey.generate().public_key for _ in range(recipients)]
    return seal(Kind.EVENT, b"x", sender=sender, recipients=keys, origin=ORIGIN).blob


def test_a_run_that_keeps_the_promises_passes() -> None:
    assert judged(GOOD) == 0


@pytest.mark.parametrize(
    "broken",
    [
        replace(GOOD, lit_share=0.999),
        replace(GOOD, unsealed_bytes=1),
        replace(GOOD, unlisted_person_traces=1),
        replace(GOOD, receipts=0),
        replace(GOOD, events=2, receipts=2, opened=2),
        replace(GOOD, events=0, receipts=0, opened=0, listed_person_events=0),
        replace(GOOD, listed_person_events=0),
    ],
)
def test_a_run_that_breaks_one_fails(broken: Figures) -> None:
    assert judged(broken) == 1


def test_a_watch_that_was_started_anew_may_report_the_person_again() -> None:
    twice = replace(GOOD, events=2, receipts=2, opened=2, listed_person_events=2)
    assert judged(twice, starts=2) == 0
    assert judged(twice, starts=1) == 1
    assert judged(replace(twice, listed_person_events=1), starts=2) == 1


def test_of_a_scene_of_the_users_own_the_demo_does_not_say_who_was_seen() -> None:
    rows = table(replace(GOOD, listed_person_events=None))
    row = [str(cell) for cell in rows.columns[0].cells].index("of these, of the person on the list")
    assert list(rows.columns[1].cells)[row] == "see the crops"


def test_a_scene_of_the_users_own_need_not_show_anybody() -> None:
    nobody = replace(GOOD, events=0, receipts=0, opened=0, listed_person_events=0)
    assert judged(nobody, whole=False) == 0


def test_the_tap_takes_what_the_camera_signed() -> None:
    tap = Tap({Kind.EVENT: CAMERA.verify_key})
    tap.judge_payload(event(CAMERA))
    assert tap.unsealed_bytes == 0


@pytest.mark.parametrize(
    "payload",
    [
        b"a face",
        event(SigningKey.generate()),
        b"TALLYEV1" + event(CAMERA)[8:1000] + b"Grace Hopper" + event(CAMERA)[1012:],
    ],
)
def test_the_tap_counts_whatever_nobody_signed(payload: bytes) -> None:
    tap = Tap({Kind.EVENT: CAMERA.verify_key})
    tap.judge_payload(payload)
    assert tap.unsealed_bytes == len(payload)


def test_the_tap_counts_an_envelope_of_another_size() -> None:
    tap = Tap({Kind.EVENT: CAMERA.verify_key})
    tap.judge_payload(event(CAMERA))
    tap.judge_payload(event(CAMERA, recipients=3))
    assert tap.unsealed_bytes > 0


def test_inference_after_the_light_shows_in_the_share() -> None:
    board = Board(edges=[Edge(0, high=False), Edge(100, high=True), Edge(200, high=False)])
    seen = Evidence(Tap({}), board, Witness(looks=[(150, 250)]))
    assert lit_share(seen) == 0.5


def test_without_inference_there_is_no_share() -> None:
    assert lit_share(Evidence(Tap({}))) is None


def test_a_trace_is_found_in_every_form(tmp_path: Path) -> None:
    vector = np.arange(-64, 64, dtype=np.int8)
    witness = Witness(templates=[vector.tobytes()], skin=[bytes(range(24))])
    (tmp_path / "raw").write_bytes(b"--" + vector.tobytes())
    (tmp_path / "hex").write_text(vector.tobytes().hex())
    (tmp_path / "float").write_bytes(vector.astype(np.float32).tobytes())
    (tmp_path / "frame").write_bytes(bytes(1000) + bytes(range(24)) + bytes(1000))
    for name in ("jpg", "png", "webp"):
        Image.new("RGB", (8, 8)).save(tmp_path / f"picture.{name}")
    np.save(tmp_path / "array.npy", vector)
    (tmp_path / "innocent").write_bytes(bytes(5000))
    found = {path.name for path in files_with(tmp_path, witness.needles())}
    assert found == {path.name for path in tmp_path.iterdir()} - {"innocent"}
