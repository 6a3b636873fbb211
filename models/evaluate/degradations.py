"""Degraded pictures: what small size, blur, JPEG compression, light and noise cost.

Each degraded picture goes through the camera's whole pipeline: detection, quality, embedding. So a
row has three losses: no face was found, the face was refused, or the person was missed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter

from models.evaluate.cache import Rows, cached
from models.evaluate.lfw import Found, central, map_in_parallel, pictures
from models.evaluate.recognisers import Shipped
from recognition.calibration import Grade, grade
from recognition.detector import Detector
from recognition.manifest import load_uncalibrated
from recognition.pixels import Pixels
from recognition.quality import measure

FACE_PX: Final = 129
"""Height of a face's box in the set's pictures: the median of the detector's."""

PEOPLE: Final = 150
"""People of whom one picture is degraded: 600,000 comparisons with strangers at every step."""

SEED: Final = 20260101
NONE, REFUSED, FAIR, GOOD = range(4)
"""The outcome for a degraded picture: no face, a face refused, a face of this grade."""


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of degradation at one strength."""

    kind: str
    value: float
    unit: str
    apply: Callable[[Image.Image], Image.Image]


def _shrunk(height_px: float) -> Step:
    def apply(picture: Image.Image) -> Image.Image:
        side = round(picture.width * height_px / FACE_PX)
        return picture.resize((side, side), reducing_gap=3.0)

    return Step("height", height_px, "px", apply)


def _blurred(radius_px: float) -> Step:
    return Step(
        "blur", radius_px, "px", lambda one: one.filter(ImageFilter.GaussianBlur(radius_px))
    )


def _compressed(quality: int) -> Step:
    def apply(picture: Image.Image) -> Image.Image:
        file = BytesIO()
        picture.save(file, "JPEG", quality=quality)
        return Image.open(file).convert("RGB")

    return Step("JPEG", quality, "quality", apply)


def _lit(factor: float) -> Step:
    return Step("light", factor, "times", lambda one: ImageEnhance.Brightness(one).enhance(factor))


def _noisy(spread: float) -> Step:
    def apply(picture: Image.Image) -> Image.Image:
        rng = np.random.default_rng(SEED)
        values = np.asarray(picture) + rng.normal(0, spread, (picture.height, picture.width, 1))
        return Image.fromarray(np.rint(np.clip(values, 0, 255)).astype(np.uint8))

    return Step("noise", spread, "levels", apply)


STEPS: Final = (
    Step("none", 0, "", lambda one: one),
    *(_shrunk(height_px) for height_px in (64, 48, 40, 32)),
    *(_blurred(radius_px) for radius_px in (1.5, 2, 3)),
    *(_compressed(quality) for quality in (40, 15)),
    *(_lit(factor) for factor in (0.25, 2)),
    _noisy(20),
)


@dataclass(frozen=True, slots=True, eq=False)
class Degraded:
    """The outcomes for some pictures at one step."""

    step: Step
    made_from: NDArray[np.int64]
    """(n, 1), the place in the set of the face that each was made from."""
    outcomes: NDArray[np.int64]
    """(n,), NONE to GOOD."""
    vectors: Rows
    """(n, 128), zeros where no face was found."""


def degrade(found: Found, models: Path) -> list[Degraded]:
    """Return the outcomes for one picture of each of `PEOPLE` people, at every step.

    The first step changes nothing.

    Args:
        found: the set.
        models: folder with nets and manifest.
    """
    shipped = Shipped.load(models)
    _, entries = load_uncalibrated(models)
    eye = Detector.load(models, entries)
    several = np.flatnonzero(np.bincount(found.people) > 1)[:PEOPLE]
    chosen = np.array([np.flatnonzero(found.people == person)[0] for person in several])
    wanted = set(found.places[chosen].tolist())
    originals = [one for at, (_, one) in enumerate(pictures(found.archive)) if at in wanted]
    made = []
    for step in STEPS:
        origins = (found.origins, chosen.tolist(), shipped.origin, FACE_PX, step.kind, step.value)
        pixels = (np.asarray(step.apply(Image.fromarray(one))) for one in originals)
        name = f"worse by {step.kind}, {step.value:g} {step.unit}"
        stored = cached(
            origins, partial(map_in_parallel, partial(_row, shipped, eye), pixels, name)
        )
        made.append(Degraded(step, chosen[:, None], stored[:, 0].astype(np.int64), stored[:, 1:]))
    return made


def _row(shipped: Shipped, eye: Detector, pixels: Pixels) -> Rows:
    faces = eye.find(pixels)
    if not faces:
        return np.zeros(129)
    face = central(faces, pixels)
    outcomes = {None: REFUSED, Grade.FAIR: FAIR, Grade.GOOD: GOOD}
    outcome = outcomes[grade(measure(pixels, face))]
    return np.array([outcome, *shipped.vector(pixels, face)])
