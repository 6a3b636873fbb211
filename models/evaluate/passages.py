"""Passages: what three looks of one passage miss, beside one look and three occasions.

Pictures of three occasions differ more than three looks of one passage, and gain more when they are
added up. No lawful set of passages with names is at hand. So a passage is made from one picture:
each look has its points moved, its light changed and its detail blurred at random. The report gives
the likeness of such looks to each other, beside which a reader can put that of a real camera.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from models.evaluate.cache import Rows
from models.evaluate.lfw import Found
from models.evaluate.recognisers import Halves
from models.evaluate.trials import SEED, TRACK, Trial, in_turn, interval, tracks_of, unit
from recognition.aligner import align
from recognition.calibration import Calibration, Grade, threshold_for
from recognition.errors import ListNotServed
from recognition.face import Face, Point, Points
from recognition.pixels import Pixels
from recognition.template import PPM

Json: TypeAlias = dict[str, Any]

BUDGETS: Final = (0.01, 0.001)
SIZES: Final = (7, 30)


@dataclass(frozen=True, slots=True)
class Spread:
    """How much the looks of one passage differ."""

    name: str
    points: float
    """Standard deviation of each point, in distances of the eyes."""
    light: float
    """Standard deviation of the brightness's logarithm."""
    blur_px: float
    """Largest radius of the blur, in pixels of the chip."""


SPREADS: Final = (
    Spread("one passage, consecutive frames", 0.02, 0.1, 0.7),
    Spread("one passage, spaced looks", 0.05, 0.3, 1.4),
)


def passages(found: Found, halves: Halves, listed: Rows, table: Calibration) -> list[Json]:
    """Return FNIR of each kind of probe, at the thresholds of a camera.

    Args:
        found: the set; each person with two pictures or more passes once.
        halves: the templates of the chip and of its mirror image.
        listed: (faces, dim), templates of the list: both of them added up.
        table: the calibration.
    """
    people = found.people
    several = np.flatnonzero(np.bincount(people) > 1)
    chosen = np.array([np.flatnonzero(people == person)[0] for person in several])
    every = found.each(halves.vector, halves.name, halves.origin)
    dim = every.shape[1] // 2
    plain, mirrored = every[:, :dim], every[:, dim:]
    trial = partial(Trial.of, listed, people)
    rows = [
        _row("one look", None, trial(probes=plain[chosen], made_from=chosen[:, None]), table),
    ]
    for spread in SPREADS:
        looks = found.some(chosen).each(
            partial(_passage, halves, spread), f"passage, {spread}", halves.origin
        )
        each = looks.reshape(len(chosen), TRACK, 2, dim)
        first, second = (each[:, :, side].reshape(-1, dim) for side in (0, 1))
        groups = np.arange(len(chosen) * TRACK).reshape(-1, TRACK)
        probes = trial(probes=in_turn(first, second, groups), made_from=chosen[:, None])
        rows.append(_row(spread.name, _likeness(first, groups), probes, table))
    groups = tracks_of(people, np.ones(len(people), np.bool_))
    probes = trial(probes=in_turn(plain, mirrored, groups), made_from=groups)
    rows.append(_row("three occasions", _likeness(plain, groups), probes, table))
    return rows


def _row(name: str, likeness: float | None, trial: Trial, table: Calibration) -> Json:
    return {
        "probe": name,
        "people": len(np.unique(trial.mates[1])),
        "likeness": likeness,
        "missed": [_missed(trial, table, budget, size) for budget in BUDGETS for size in SIZES],
    }


def _missed(trial: Trial, table: Calibration, budget: float, size: int) -> Json:
    row: Json = {"budget": budget, "n": size}
    try:
        chosen = threshold_for(table, size, round(budget * PPM), Grade.FUSED)
    except ListNotServed:
        return {**row, "refused": True}
    missed = trial.fnmr(chosen.score_ppm / PPM)
    low, high = interval(missed)
    return {**row, "fnir": [round(end, 5) for end in (float(missed.mean()), low, high)]}


def _likeness(templates: Rows, groups: NDArray[np.int64]) -> float:
    """Return the median cosine of two consecutive looks of a group."""
    looks = unit(templates)[groups]
    return round(float(np.median((looks[:, 1:] * looks[:, :-1]).sum(axis=2))), 3)


def _passage(halves: Halves, spread: Spread, pixels: Pixels, face: Face) -> Rows:
    """Return the templates of `TRACK` looks, each of chip and mirror image, in one row."""
    seed = [SEED, round(face.box.x * 1000), round(face.box.y * 1000), int(pixels[::9, ::9].sum())]
    rng = np.random.default_rng(seed)
    return np.concatenate(
        [halves.of_chip(_look(halves, spread, pixels, face, rng)) for _ in range(TRACK)]
    )


def _look(
    halves: Halves, spread: Spread, pixels: Pixels, face: Face, rng: np.random.Generator
) -> Pixels:
    eyes_px = np.hypot(
        face.points.left_eye.x - face.points.right_eye.x,
        face.points.left_eye.y - face.points.right_eye.y,
    )
    moved = [
        Point(*(np.array(one) + rng.normal(0, spread.points * eyes_px, 2)).tolist())
        for one in (
            face.points.right_eye,
            face.points.left_eye,
            face.points.nose,
            face.points.right_mouth,
            face.points.left_mouth,
        )
    ]
    chip = align(
        pixels, Face(face.box, face.score, Points(*moved)), halves.shipped.entry.alignment
    ).pixels
    lit = np.clip(chip * np.exp(rng.normal(0, spread.light)), 0, 255).astype(np.uint8)
    radius_px = rng.uniform(0, spread.blur_px)
    return np.asarray(Image.fromarray(lit).filter(ImageFilter.GaussianBlur(radius_px)))
