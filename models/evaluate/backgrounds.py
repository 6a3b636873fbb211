"""Pictures of 640 x 480 without a face: free photographs and textures, and drawn patterns.

The photographs are inside scikit-image; each is in the public domain or CC0, by its page there. A
picture is a part of one of them, or drawn. One seeded generator varies its scale, place and light,
so that every run measures the same pixels.
"""

from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WIDTH_PX, HEIGHT_PX = 640, 480

PHOTOGRAPHS: Final = (
    "brick.png",
    "chelsea.png",  # A cat's face: what a detector of faces takes most easily for one.
    "clock_motion.png",
    "coffee.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "retina.jpg",
    "rocket.jpg",
    "text.png",
)

PART_MIN_PX: Final = 120
"""Shortest side of a part; a smaller part would only be blur when it is enlarged."""

OCTAVES: Final = (4, 8, 16, 32, 64, 120)
"""Cells over the height, from clouds to grain."""


def backgrounds(count: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    """Yield `count` pictures, (480, 640, 3), photographs and drawings in turn."""
    rng = np.random.default_rng(seed)
    for turn in range(count):
        drawn = _DRAWINGS[turn // 2 % len(_DRAWINGS)]
        yield _lit(drawn(rng) if turn % 2 else _part(rng), rng)


def _part(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a part of a photograph, mirrored at random."""
    whole = _photograph(PHOTOGRAPHS[int(rng.integers(len(PHOTOGRAPHS)))])
    most = min(whole.width // 4, whole.height // 3)
    unit = int(rng.integers(min(PART_MIN_PX // 3, most), most + 1))
    width, height = 4 * unit, 3 * unit
    left = int(rng.integers(whole.width - width + 1))
    top = int(rng.integers(whole.height - height + 1))
    part = whole.resize((WIDTH_PX, HEIGHT_PX), box=(left, top, left + width, top + height))
    return np.asarray(part, np.float64)[:, :: int(rng.choice([-1, 1]))] / 255


@cache
def _photograph(name: str) -> Image.Image:
    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        raise SystemExit(
            "scikit-image is not installed, and it carries the backgrounds: make test."
        )
    with Image.open(Path(spec.origin).parent / "data" / name) as picture:
        return picture.convert("RGB")


def _clouds(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return noise of many sizes, the larger the stronger: like walls, foliage, asphalt."""
    sum_ = np.zeros((HEIGHT_PX, WIDTH_PX, 3))
    for cells in OCTAVES:
        coarse = rng.random((cells, cells * 4 // 3, 3)).astype(np.float32)
        sum_ += np.stack([_enlarged(coarse[..., k]) for k in range(3)], axis=2) / cells**0.5
    low, high = sum_.min(), sum_.max()
    clouds: NDArray[np.float64] = (sum_ - low) / (high - low)
    return clouds


def _enlarged(coarse: NDArray[np.float32]) -> NDArray[np.float32]:
    size = (WIDTH_PX, HEIGHT_PX)
    return np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC))


def _stripes(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return two crossing waves: like fences, blinds, tiles, cloth."""
    rows, columns = np.mgrid[:HEIGHT_PX, :WIDTH_PX]
    wave = np.zeros((HEIGHT_PX, WIDTH_PX))
    for angle in rng.uniform(0, np.pi, 2):
        period_px = float(np.exp(rng.uniform(np.log(6), np.log(120))))
        along = rows * np.sin(angle) + columns * np.cos(angle)
        wave += np.sign(np.sin(2 * np.pi * along / period_px)) * rng.uniform(0.2, 1)
    mixed = (wave - wave.min()) / max(float(np.ptp(wave)), 1e-6)
    stripes: NDArray[np.float64] = mixed[..., None] * rng.random(3) + (
        1 - mixed[..., None]
    ) * rng.random(3)
    return stripes


def _discs(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return discs of many colours: like pebbles, lamps, wheels, round things that are no face."""
    rows, columns = np.mgrid[:HEIGHT_PX, :WIDTH_PX]
    canvas = np.broadcast_to(rng.random(3), (HEIGHT_PX, WIDTH_PX, 3)).copy()
    for _ in range(40):
        radius_px = float(np.exp(rng.uniform(np.log(5), np.log(90))))
        x, y, flat = rng.uniform(0, WIDTH_PX), rng.uniform(0, HEIGHT_PX), rng.uniform(0.6, 1.6)
        inside = (columns - x) ** 2 + ((rows - y) * flat) ** 2 < radius_px**2
        canvas[inside] = rng.random(3)
    return canvas


_DRAWINGS: Final = (_clouds, _stripes, _discs)


def _lit(picture: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the picture in another light, with the noise of a sensor."""
    light = picture ** rng.uniform(0.6, 1.7) * rng.uniform(0.6, 1.3)
    light += rng.normal(0, rng.uniform(0, 0.03), light.shape)
    seen: NDArray[np.uint8] = np.rint(np.clip(light, 0, 1) * 255).astype(np.uint8)
    return seen
