"""One look: a face is found, measured, refused or made a probe; light is checked on both sides."""

import time
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from firmware.errors import LampDark, PictureGrey
from firmware.hardware.camera import Frame
from firmware.hardware.lamp import Lamp, Lit
from firmware.looking.sight import CROP_PX, GREY_FRAMES, Probe, Sight, encode_jpeg
from firmware.record.counts import Counts
from firmware.tests.fakes import (
    FakeDetector,
    FakeEmbedder,
    PasserBy,
    ScriptedGuard,
    eye,
    face_of,
    scene,
    template_of,
)
from formats.event import CROP_LIMIT
from recognition.aligner import Chip
from recognition.face import Face
from recognition.pixels import Pixels, has_colour
from recognition.quality import Quality
from recognition.template import Side, Template

LISTED = PasserBy(0, 50)


class KeepingEmbedder(FakeEmbedder):
    """Keeps hold of what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.chips: list[Chip] = []

    def template(self, chip: Chip, side: Side = Side.BOTH) -> Template:
        self.chips.append(chip)
        return super().template(chip, side)


@pytest.fixture
def guard() -> Iterator[ScriptedGuard]:
    with ScriptedGuard() as guard:
        yield guard


@pytest.fixture
def lit(guard: ScriptedGuard) -> Iterator[Lit]:
    with Lamp(guard.channel).lit() as lit:
        yield lit


def frame() -> Frame:
    return Frame(scene([LISTED]), time.monotonic_ns())


def test_a_good_face_becomes_a_probe(lit: Lit) -> None:
    probe = Sight(eye([[LISTED]]), Counts()).probe(lit, frame(), face_of(LISTED), Side.PLAIN)
    assert probe is not None
    assert probe.quality.face_height_px == 100
    assert probe.template.vector.tolist() == [127, 0, 0, 0]


def test_a_small_face_has_no_template_and_is_counted(lit: Lit) -> None:
    counts, embedder = Counts(), FakeEmbedder()
    sight = Sight(eye([], embedder), counts)
    assert sight.probe(lit, frame(), face_of(LISTED, size=40), Side.PLAIN) is None
    assert (counts.refused_small, embedder.made) == (1, 0)


@pytest.mark.parametrize("fault", ["small", "blurred", "turned", "dark", "bright"])
def test_every_reason_for_refusing_a_face_has_its_count(fault: str) -> None:
    counts = Counts()
    counts.refuse(fault)
    assert counts.to_body()[f"refused_{fault}"] == 1


def test_a_frame_exposed_before_the_light_is_not_looked_at(lit: Lit) -> None:
    counts = Counts()
    dark = Frame(scene([LISTED]), lit.since_ns - 1)
    assert Sight(eye([[LISTED]]), counts).faces(lit, dark) == []
    assert (counts.early, counts.frames, counts.faces) == (1, 0, 0)


def test_faces_found_in_the_small_picture_are_told_in_the_large_one(lit: Lit) -> None:
    large = np.repeat(np.repeat(scene([LISTED]), 2, axis=0), 2, axis=1)
    both = Frame(large, time.monotonic_ns(), scene([LISTED]))
    (face,) = Sight(eye([[LISTED]]), Counts()).faces(lit, both)
    assert face == face_of(LISTED).scaled(2)


def test_a_still_frame_has_the_faces_of_the_frame_before(lit: Lit) -> None:
    counts = Counts()
    sight = Sight(eye([[LISTED], []]), counts)
    assert [len(sight.faces(lit, frame())) for _ in range(2)] == [1, 1]
    assert (counts.frames, counts.still, counts.faces) == (2, 1, 2)


def test_a_still_frame_in_the_dark_has_no_faces(guard: ScriptedGuard, lit: Lit) -> None:
    sight = Sight(eye([[LISTED]]), Counts())
    sight.faces(lit, frame())
    guard.goes_dark()
    with pytest.raises(LampDark):
        sight.faces(lit, frame())


def infrared() -> Frame:
    grey = np.repeat(scene([LISTED])[..., :1], 3, axis=2)
    return Frame(grey, time.monotonic_ns())


def test_a_picture_without_colour_is_not_looked_at(lit: Lit) -> None:
    counts = Counts()
    assert Sight(eye([[LISTED]]), counts).faces(lit, infrared()) == []
    assert (counts.grey, counts.frames, counts.faces) == (1, 0, 0)


def test_two_seconds_without_colour_end_the_looking(lit: Lit) -> None:
    sight = Sight(eye([]), Counts())
    for _ in range(GREY_FRAMES - 1):
        sight.faces(lit, infrared())
    with pytest.raises(PictureGrey, match="no colour"):
        sight.faces(lit, infrared())


def test_colour_that_comes_back_in_time_is_looked_at(lit: Lit) -> None:
    sight = Sight(eye([[LISTED], [LISTED]]), Counts())
    for _ in range(2):
        for _ in range(GREY_FRAMES - 1):
            sight.faces(lit, infrared())
        assert len(sight.faces(lit, frame())) == 1


@pytest.mark.parametrize("share", [0.001, 0.01])
def test_a_little_colour_is_told_from_the_noise_of_none(share: float) -> None:
    pixels = np.repeat(scene([])[..., :1], 3, axis=2)
    noisy = pixels.astype(int) + np.random.default_rng(3).integers(-3, 4, pixels.shape)
    picture = np.clip(noisy, 0, 255).astype(np.uint8)
    coloured = np.random.default_rng(4).random(picture.shape[:2]) < share
    picture[coloured] = (200, 60, 60)
    assert has_colour(picture) is (share > 0.002)


def test_a_face_that_was_aligned_leaves_no_chip(lit: Lit) -> None:
    embedder = KeepingEmbedder()
    Sight(eye([], embedder), Counts()).probe(lit, frame(), face_of(LISTED), Side.PLAIN)
    (chip,) = embedder.chips
    assert not chip.pixels.any()


def test_a_probe_that_is_forgotten_has_no_template(lit: Lit) -> None:
    probe = Sight(eye([]), Counts()).probe(lit, frame(), face_of(LISTED), Side.PLAIN)
    assert probe is not None
    probe.forget()
    assert not probe.template.vector.any()


def test_in_the_dark_no_face_is_looked_for(guard: ScriptedGuard, lit: Lit) -> None:
    counts = Counts()
    guard.goes_dark()
    with pytest.raises(LampDark):
        Sight(eye([[LISTED]]), counts).faces(lit, frame())
    assert counts.frames == 0


def test_faces_found_while_the_light_ended_are_thrown_away(guard: ScriptedGuard, lit: Lit) -> None:
    counts, whole = Counts(), eye([[LISTED]])
    sight = Sight(replace(whole, detector=FakeDetector([[LISTED]], guard.goes_dark)), counts)
    with pytest.raises(LampDark):
        sight.faces(lit, frame())
    assert (counts.frames, counts.faces) == (0, 0)


def test_in_the_dark_no_template_is_made(guard: ScriptedGuard, lit: Lit) -> None:
    embedder = FakeEmbedder()
    guard.goes_dark()
    with pytest.raises(LampDark):
        Sight(eye([], embedder), Counts()).probe(lit, frame(), face_of(LISTED), Side.PLAIN)
    assert embedder.made == 0


def test_a_template_made_while_the_light_ended_is_thrown_away(
    guard: ScriptedGuard, lit: Lit
) -> None:
    embedder = FakeEmbedder(before={0: guard.goes_dark})
    with pytest.raises(LampDark):
        Sight(eye([], embedder), Counts()).probe(lit, frame(), face_of(LISTED), Side.PLAIN)


QUALITY = Quality(100, 40, 20, 50, 20, 0, 0)


def cut(lit: Lit, frame: Frame, face: Face) -> Pixels:
    """Return the part of a picture that reviewers would see."""
    probe = Probe(face, template_of(0), QUALITY)
    pixels = Sight(eye([]), Counts()).view(lit, frame, probe, crop=True).pixels
    assert pixels is not None
    return pixels


def test_in_the_dark_there_is_no_crop(guard: ScriptedGuard, lit: Lit) -> None:
    guard.goes_dark()
    with pytest.raises(LampDark):
        cut(lit, frame(), face_of(LISTED))


@pytest.mark.parametrize("limit", [22_000, 12_000])
def test_a_crop_gets_coarser_until_it_fits(lit: Lit, limit: int) -> None:
    assert len(encode_jpeg(cut(lit, frame(), face_of(LISTED)), limit=limit)) <= limit


def test_a_crop_of_nothing_but_noise_fits_its_envelope(lit: Lit) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (400, 400, 3), np.uint8)
    face = face_of(PasserBy(0, 100, 100), size=CROP_PX / 2)
    assert len(encode_jpeg(cut(lit, Frame(noise, 0), face), limit=CROP_LIMIT)) <= CROP_LIMIT


def test_a_crop_ends_where_the_picture_ends(lit: Lit) -> None:
    at_the_edge = face_of(PasserBy(0, 0, 0))
    crop = encode_jpeg(cut(lit, frame(), at_the_edge), limit=22_000)
    assert Image.open(BytesIO(crop)).size == (150, 150)


def test_a_large_face_is_shrunk(lit: Lit) -> None:
    assert max(cut(lit, frame(), face_of(LISTED, size=200)).shape) <= CROP_PX


def test_without_a_crop_in_the_policy_no_picture_is_held(lit: Lit) -> None:
    probe = Probe(face_of(LISTED), template_of(0), QUALITY)
    assert Sight(eye([]), Counts()).view(lit, frame(), probe, crop=False).pixels is None
