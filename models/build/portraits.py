"""Calibration pictures of the quantisation: many variations of two public-domain portraits.

All pictures come from two Python packages and are checked by digest. One seeded generator varies
them, so that every run of the recipe has the same pixels. The faces are Grace Hopper (US Navy) and
Eileen Collins (NASA), both in the public domain; the textures are CC0 or public domain. No face was
scraped for this.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from recognition.aligner import Alignment, align
from recognition.face import Box, Face, Point, Points

SEED: Final = 20260101

ROOTS: Final = {
    "matplotlib": Path("mpl-data/sample_data"),
    "skimage": Path("data"),
}


@dataclass(frozen=True, slots=True)
class Portrait:
    """A picture with one face; its five points were measured once and are recorded here."""

    package: str
    name: str
    digest: str
    places: tuple[tuple[float, float], ...]
    """Right eye, left eye, nose, right and left corner of the mouth, in pixels."""
    face_px: float
    """Height of the detector's box round the face."""


PORTRAITS: Final = (
    Portrait(
        "matplotlib",
        "grace_hopper.jpg",
        "a8ca6d734765703b09728ab47fe59f473d93ae3967fc24c7c0288c3c7adb7130",
        ((227.1, 193.3), (307.8, 195.4), (266.5, 240.0), (228.5, 267.9), (302.2, 269.6)),
        212.5,
    ),
    Portrait(
        "skimage",
        "astronaut.png",
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        ((200.1, 101.8), (247.1, 102.6), (220.4, 124.5), (198.6, 142.8), (239.7, 143.6)),
        113.3,
    ),
)

TEXTURES: Final = {
    "brick.png": "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf",
    "chelsea.png": "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
    "coffee.png": "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
    "grass.png": "b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89",
    "gravel.png": "c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12",
    "rocket.jpg": "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
}


def chips(count: int, alignment: Alignment) -> Iterator[NDArray[np.uint8]]:
    """Yield `count` aligned faces, (chip_px, chip_px, 3), varied as passers-by vary."""
    rng = np.random.default_rng(SEED)
    pictures = [_read(one.package, one.name, one.digest) for one in PORTRAITS]
    for turn in range(count):
        which = turn % len(PORTRAITS)
        face = _face(PORTRAITS[which], rng)
        chip = Image.fromarray(align(np.asarray(pictures[which]), face, alignment).pixels)
        varied = _varied(chip, rng)
        if turn == 0:
            # The full range in the first picture makes the input's scale exactly 1.
            varied[0, 0], varied[0, 1] = 0, 255
        yield varied


def scenes(
    count: int, width_px: int, height_px: int, face_px: tuple[float, float]
) -> Iterator[NDArray[np.uint8]]:
    """Yield `count` pictures, (height, width, 3), with faces of `face_px` from least to most."""
    rng = np.random.default_rng(SEED)
    pictures = [_read(one.package, one.name, one.digest) for one in PORTRAITS]
    textures = [_read("skimage", name, digest) for name, digest in TEXTURES.items()]
    for turn in range(count):
        scene = _background(textures[turn % len(textures)], width_px, height_px, rng)
        for _ in range(int(rng.integers(1, 7))):
            which = int(rng.integers(len(PORTRAITS)))
            size_px = float(np.exp(rng.uniform(*np.log(face_px))))
            scale = size_px / PORTRAITS[which].face_px
            portrait = pictures[which].resize(
                (max(1, int(512 * scale)), max(1, int(512 * scale))), box=(0, 0, 512, 512)
            )
            left = int(rng.integers(-portrait.width // 3, width_px - portrait.width // 3))
            top = int(rng.integers(-portrait.height // 3, height_px - portrait.height // 3))
            scene.paste(Image.fromarray(_varied(portrait, rng)), (left, top))
        pixels = np.array(scene)
        if turn == 0:
            pixels[0, 0], pixels[0, 1] = 0, 255  # As above.
        yield pixels


def _read(package: str, name: str, digest: str) -> Image.Image:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{package} is not installed, and it carries {name}: make models.")
    encoded = (Path(spec.origin).parent / ROOTS[package] / name).read_bytes()
    if hashlib.sha256(encoded).hexdigest() != digest:
        raise SystemExit(f"{name} in {package} is not the picture of this recipe: digests differ.")
    return Image.open(BytesIO(encoded)).convert("RGB")


def _face(portrait: Portrait, rng: np.random.Generator) -> Face:
    """Return the portrait's face, its points moved at random as a detector errs."""
    off = rng.normal(0, 0.02 * portrait.face_px, (5, 2))
    places = (np.array(portrait.places) + off).tolist()
    return Face(Box(0, 0, 0, 0), 1.0, Points(*(Point(x, y) for x, y in places)))


def _background(
    texture: Image.Image, width_px: int, height_px: int, rng: np.random.Generator
) -> Image.Image:
    side = int(rng.integers(100, min(texture.size)))
    left = int(rng.integers(texture.width - side + 1))
    top = int(rng.integers(texture.height - side + 1))
    part = (left, top, left + side, top + side)
    return Image.fromarray(_varied(texture.resize((width_px, height_px), box=part), rng))


def _varied(picture: Image.Image, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the picture mirrored, blurred, made grey, darker or noisy, at random."""
    if rng.random() < 0.5:  # noqa: PLR2004 - an even chance
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if rng.random() < 0.3:  # noqa: PLR2004 - three in ten
        picture = picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 2.5))))
    if rng.random() < 0.3:  # noqa: PLR2004 - three in ten
        picture = picture.convert("L").convert("RGB")
    light = np.asarray(picture, np.float64) / 255
    light = light ** rng.uniform(0.6, 1.7) * rng.uniform(0.6, 1.3) * rng.uniform(0.85, 1.15, 3)
    light += rng.normal(0, rng.uniform(0, 0.04), light.shape)
    seen: NDArray[np.uint8] = np.rint(np.clip(light, 0, 1) * 255).astype(np.uint8)
    return seen
