"""Pictures from the camera's planes, and frames that open only in light."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from firmware.errors import CameraStalled, LampDark
from firmware.hardware.camera import Frame, PiCamera
from firmware.hardware.lamp import Lamp, Lit
from firmware.hardware.planes import Layout, Planes
from firmware.tests.fakes import ScriptedGuard
from recognition.face import Box
from recognition.pixels import Pixels

COLOURS = [
    (255, 255, 255),
    (0, 0, 0),
    (128, 128, 128),
    (255, 0, 0),
    (0, 255, 0),
    (0, 0, 255),
    (250, 200, 160),
]


@pytest.fixture
def lit() -> Iterator[Lit]:
    with ScriptedGuard() as guard, Lamp(guard.channel).lit() as lit:
        yield lit


def yuv(red: int, green: int, blue: int) -> tuple[int, int, int]:
    """Convert one colour by the full-range matrix of ITU-R BT.601, as JPEG has it."""
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    u, v = 128 + 0.564 * (blue - luma), 128 + 0.713 * (red - luma)
    return round(luma), min(255, round(u)), min(255, round(v))


def rgb(raw: NDArray[np.uint8], width: int, height: int, stride: int) -> Pixels:
    return Planes(Layout("YUV420", width, height, stride), raw.reshape(-1)).rgb()


def planes(width: int, height: int, stride: int, colour: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Make a picture of one colour; the bytes beyond its width are 77 and must not be seen."""
    luma, u, v = yuv(*colour)
    rows = np.full((height, stride), 77, np.uint8)
    rows[:, :width] = luma
    chroma = np.full((2, height // 2, stride // 2), 77, np.uint8)
    chroma[0, :, : width // 2], chroma[1, :, : width // 2] = u, v
    raw: NDArray[np.uint8] = np.concatenate([rows.reshape(-1), chroma.reshape(-1)])
    return raw.reshape(-1, stride)


@given(
    width=st.integers(1, 80).map(lambda half: 2 * half),
    height=st.integers(1, 40).map(lambda half: 2 * half),
    more=st.integers(0, 40).map(lambda half: 2 * half),
    colour=st.sampled_from(COLOURS),
)
def test_known_colours_come_out_with_any_stride(
    width: int, height: int, more: int, colour: tuple[int, int, int]
) -> None:
    picture = rgb(planes(width, height, width + more, colour), width, height, width + more)
    assert picture.shape == (height, width, 3)
    assert np.abs(picture.astype(int) - colour).max() <= 2


def test_the_left_half_stays_left() -> None:
    raw = planes(64, 32, 96, (128, 128, 128))
    raw[:32, :32] = 20
    picture = rgb(raw, 64, 32, 96)
    assert picture[:, :32].max() < 30 < picture[:, 32:].min()


def test_a_picture_can_be_overwritten() -> None:
    Frame(rgb(planes(4, 4, 4, (1, 2, 3)), 4, 4, 4), 0).forget()


def test_a_frame_opens_in_light(lit: Lit) -> None:
    pixels = np.ones((2, 2, 3), np.uint8)
    assert Frame(pixels, 0).pixels(lit) is pixels


def test_a_frame_stays_closed_in_the_dark() -> None:
    with ScriptedGuard() as guard, Lamp(guard.channel).lit() as lit:
        guard.goes_dark()
        with pytest.raises(LampDark):
            Frame(np.ones((2, 2, 3), np.uint8), 0).pixels(lit)


def test_a_forgotten_frame_is_black(lit: Lit) -> None:
    frame = Frame(np.ones((2, 2, 3), np.uint8), 0)
    pixels = frame.pixels(lit)
    frame.forget()
    assert not pixels.any()


def noisy_planes(form: str, seed: int = 1) -> Planes:
    layout = Layout(form, 64, 48, 96)
    raw = np.random.default_rng(seed).integers(0, 256, layout.size, np.uint8)
    return Planes(layout, raw)


@pytest.mark.parametrize("form", ["YUV420", "NV12"])
@given(x=st.integers(-20, 70), y=st.integers(-20, 50), side=st.integers(1, 60))
def test_a_part_is_what_the_whole_picture_shows_there(form: str, x: int, y: int, side: int) -> None:
    with ScriptedGuard() as guard, Lamp(guard.channel).lit() as lit:
        part, left, top = Frame(noisy_planes(form), 0).part(lit, Box(x, y, side, side))
        whole = Frame(noisy_planes(form), 0).pixels(lit)
    here = (slice(max(0, y), max(0, y + side)), slice(max(0, x), max(0, x + side)))
    filled = np.zeros_like(whole)
    filled[top : top + part.shape[0], left : left + part.shape[1]] = part
    assert (filled[here] == whole[here]).all()


def test_a_part_stays_closed_in_the_dark() -> None:
    with ScriptedGuard() as guard, Lamp(guard.channel).lit() as lit:
        guard.goes_dark()
        frame = Frame(noisy_planes("YUV420"), 0)
        with pytest.raises(LampDark):
            frame.part(lit, Box(0, 0, 9, 9))
        with pytest.raises(LampDark):
            frame.brightness(lit)


def test_a_forgotten_frame_leaves_no_part(lit: Lit) -> None:
    frame = Frame(noisy_planes("YUV420"), 0)
    part, _, _ = frame.part(lit, Box(4, 4, 20, 20))
    assert part.any()
    frame.forget()
    assert not part.any()


def test_the_brightness_of_a_frame_is_that_of_its_small_picture(lit: Lit) -> None:
    small = noisy_planes("YUV420")
    frame = Frame(noisy_planes("YUV420", 2), 0, small)
    assert (frame.brightness(lit) == small.brightness()).all()
    assert frame.size_px == (64, 48)


def test_a_frame_shows_nothing() -> None:
    frame = Frame(np.full((2, 2, 3), 42, np.uint8), 0)
    assert f"{frame} {frame!r}" == "Frame() Frame()"


def test_without_picamera2_there_is_no_camera() -> None:
    with pytest.raises(CameraStalled, match="apt-get"):
        PiCamera()
