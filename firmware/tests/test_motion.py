"""The motion gate: which pictures are searched for faces, and what it keeps of them."""

import numpy as np
import pytest

from firmware.looking.motion import STILL_MOST_NS, MotionGate
from firmware.tests.fakes import PasserBy, face_of, scene
from recognition.pixels import Pixels

WALKER = PasserBy(1, 200)
TENTH_NS = 100_000_000


class Searched:
    """A gate that is shown ten pictures a second."""

    def __init__(self) -> None:
        self.gate, self.frames = MotionGate(), 0

    def shown(self, pixels: Pixels) -> bool:
        """Show the next picture, a tenth of a second later; return whether it must be searched."""
        self.frames += 1
        faces = self.gate.faces_if_still(pixels[..., 1], STILL_MOST_NS + self.frames * TENTH_NS)
        if faces is None:
            self.gate.keep([face_of(WALKER)])
            return True
        assert faces == [face_of(WALKER)]
        return False


def noisy(pixels: Pixels, seed: int) -> Pixels:
    """Return a picture with the noise of a camera in daylight."""
    noise = np.random.default_rng(seed).normal(0, 5, pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def test_a_picture_in_which_nothing_moved_is_not_searched_again() -> None:
    searched = Searched()
    assert [searched.shown(noisy(scene([WALKER]), seed)) for seed in range(4)] == [1, 0, 0, 0]


def test_a_still_picture_is_searched_twice_a_second() -> None:
    searched = Searched()
    assert [searched.shown(scene([WALKER])) for _ in range(11)] == 2 * [1, 0, 0, 0, 0] + [1]


@pytest.mark.parametrize("size_px", [24, 100])
def test_a_face_that_comes_into_view_is_searched_for_at_once(size_px: int) -> None:
    searched, street = Searched(), scene([])
    assert searched.shown(street)
    street[60 : 60 + size_px, 300 : 300 + size_px] = 160
    assert searched.shown(street)


def test_slow_changes_add_up() -> None:
    searched = Searched()
    grey = [np.full((240, 320, 3), 100 + 2 * at, np.uint8) for at in range(5)]
    assert [searched.shown(one) for one in grey] == [1, 0, 0, 0, 1]


def test_a_picture_of_another_size_is_searched() -> None:
    searched = Searched()
    assert searched.shown(scene([]))
    assert searched.shown(scene([])[:, :320])


def test_the_cells_of_a_picture_are_overwritten_when_the_next_is_searched() -> None:
    searched = Searched()
    searched.shown(scene([WALKER]))
    cells = searched.gate._cells
    assert cells is not None
    assert cells.any()
    searched.shown(scene([]))
    assert not cells.any()


def test_a_gate_that_forgets_keeps_no_cell_and_no_face() -> None:
    searched = Searched()
    searched.shown(scene([WALKER]))
    cells = searched.gate._cells
    searched.gate.forget()
    assert cells is not None
    assert not cells.any()
    assert (searched.gate._cells, searched.gate._faces) == (None, [])


def test_after_forgetting_a_picture_is_searched_again() -> None:
    searched = Searched()
    searched.shown(scene([WALKER]))
    searched.gate.forget()
    assert searched.shown(scene([WALKER]))
