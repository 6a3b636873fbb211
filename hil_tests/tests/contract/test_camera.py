"""The contract of picamera2 with the camera's code: the real one and the desk's double keep it.

`make hil-camera` runs these tests in a root file system with the real picamera2. Elsewhere they run
on the double.
"""

import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import islice
from typing import Any

import numpy as np
import pytest

from firmware.errors import CameraStalled
from firmware.hardware.camera import BUFFERS, STREAMS, PiCamera
from firmware.hardware.lamp import Lamp, Lit
from firmware.hardware.planes import LAYOUTS
from firmware.tests.fakes import ScriptedGuard
from hil_tests.scenes.picamera import DeskPicamera2
from recognition.pixels import has_colour


def real() -> Any:  # noqa: ANN401  # It ships no types.
    from hil_tests.rig.virtual.picamera import VirtualPicamera2  # noqa: PLC0415  # Not everywhere.

    return VirtualPicamera2()


DEVICES: dict[str, Callable[[], Any]] = {
    "double-YUV420": DeskPicamera2,
    "double-NV12": lambda: DeskPicamera2(form="NV12"),
}
if find_spec("picamera2") is not None:
    DEVICES = {"picamera2": real}


@pytest.fixture(params=list(DEVICES))
def camera(request: pytest.FixtureRequest) -> Iterator[PiCamera]:
    camera = PiCamera(DEVICES[request.param])
    yield camera
    camera.close()


@pytest.fixture
def lit() -> Iterator[Lit]:
    with ScriptedGuard() as guard, Lamp(guard.channel).lit() as lit:
        yield lit


def test_what_each_stream_gives_is_read_back(camera: PiCamera) -> None:
    assert set(camera.layouts) == set(STREAMS)
    for layout in camera.layouts.values():
        assert layout.form in LAYOUTS
        assert layout.stride >= layout.width_px


def test_a_frame_opens_in_two_sizes_of_the_same_picture(camera: PiCamera, lit: Lit) -> None:
    with camera.running() as frames:
        frame = next(frames)
    large, small = frame.pixels(lit), frame.small(lit)
    assert large.shape == (960, 1280, 3)
    assert small.shape == (480, 640, 3)
    apart = np.abs(large[::2, ::2].astype(int) - small)
    assert np.median(apart) <= 4


def test_a_frame_has_its_colours_and_where_they_belong(camera: PiCamera, lit: Lit) -> None:
    with camera.running() as frames:
        pixels = next(frames).pixels(lit)
    assert has_colour(pixels)
    columns = pixels[400:500].mean(axis=0)
    assert np.abs(columns[:640].mean(axis=0) - columns[640:].mean(axis=0)).max() > 20
    assert pixels[400:500].std(axis=0).max() < 20  # Upright bars: rows are alike.


def test_frames_are_stamped_as_they_are_exposed(camera: PiCamera) -> None:
    with camera.running() as frames:
        stamps = [frame.captured_ns for frame in islice(frames, 10)]
    assert stamps == sorted(set(stamps))
    assert 0 <= time.monotonic_ns() - stamps[-1] < 5e9


def test_buffers_go_back_before_a_frame_is_looked_at(camera: PiCamera) -> None:
    with camera.running() as frames:
        kept = list(islice(frames, 5 * BUFFERS))
    assert len(kept) == 5 * BUFFERS


def test_a_forgotten_frame_is_black_in_both_sizes(camera: PiCamera, lit: Lit) -> None:
    with camera.running() as frames, next(frames) as frame:
        large, small = frame.pixels(lit), frame.small(lit)
        assert large.any()
        assert small.any()
    assert not large.any()
    assert not small.any()


def test_it_starts_again_without_being_configured_again(camera: PiCamera) -> None:
    for _ in range(3):
        with camera.running() as frames:
            next(frames).forget()


def test_a_camera_whose_frames_stop_has_stalled(
    camera: PiCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firmware.hardware.camera.STALLED_S", 0.3)
    with camera.running() as frames:
        next(frames).forget()
        camera._camera.stop()
        # Frames that were under way may still come.
        with pytest.raises(CameraStalled, match="check its cable"):
            list(islice(frames, 3 * BUFFERS))


def test_requests_that_are_not_given_back_starve_the_camera(camera: PiCamera) -> None:
    device, held = camera._camera, list[Any]()

    def hold_all() -> None:
        while len(held) < BUFFERS + 2:
            held.append(device.wait(device.capture_request(wait=False), timeout=0.5))

    device.start()
    try:
        with pytest.raises(TimeoutError):
            hold_all()
        assert 0 < len(held) <= BUFFERS
    finally:
        for request in held:
            request.release()
        device.stop()


def test_a_camera_with_a_layout_nobody_understands_is_refused() -> None:
    with pytest.raises(CameraStalled, match="MJPEG"):
        PiCamera(lambda: DeskPicamera2(form="MJPEG"))
