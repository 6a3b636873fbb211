"""Draws people into a street, and adds the light, blur and noise of a camera.

A figure is cut out of a picture and laid over the houses. Light, blur and noise come last. All are
the same in each run.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from recognition.pixels import Pixels

WIDTH_PX: Final = 960
HEIGHT_PX: Final = 720
SEED: Final = 2016
"""Of the noise and the houses."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A person cut out of a picture."""

    pixels: Pixels
    """(h, w, 3)."""
    cover: NDArray[np.uint8]
    """(h, w), 0 where the background shows, 255 where the person is."""


def overlay_figure(picture: Pixels, figure: Figure, left: int, top: int, scale: float) -> None:
    """Draw a figure over the picture, as far as it is inside.

    Args:
        picture: (HEIGHT_PX, WIDTH_PX, 3), changed.
        figure: the person.
        left: column of the figure's left edge, which may be outside.
        top: row of its upper edge.
        scale: of the figure's own size.
    """
    size = (round(figure.cover.shape[1] * scale), round(figure.cover.shape[0] * scale))
    cover = cv2.resize(figure.cover, size, interpolation=cv2.INTER_AREA)
    pixels = cv2.resize(figure.pixels, size, interpolation=cv2.INTER_AREA)
    rows = slice(max(top, 0), min(top + size[1], HEIGHT_PX))
    columns = slice(max(left, 0), min(left + size[0], WIDTH_PX))
    if columns.start >= columns.stop:
        return
    inside = (
        slice(rows.start - top, rows.stop - top),
        slice(columns.start - left, columns.stop - left),
    )
    share = cover[inside][..., None] / np.float32(255)
    behind = picture[rows, columns]
    picture[rows, columns] = (share * pixels[inside] + (1 - share) * behind).astype(np.uint8)


def camera_effects(picture: Pixels, at_s: float, noise: NDArray[np.int16]) -> Pixels:
    """Return the picture with changing light, a little blur, and noise."""
    light = 1.0 + 0.18 * np.sin(2 * np.pi * at_s / 7.0)
    blur = 0.4 + 0.5 * (1 + np.sin(2 * np.pi * at_s / 3.1)) / 2
    blurred = cv2.GaussianBlur(picture, (0, 0), blur)
    lit = cv2.convertScaleAbs(blurred, alpha=light)
    return np.asarray(cv2.add(lit, noise, dtype=cv2.CV_8U), np.uint8)


def sensor_noise(random: np.random.Generator) -> NDArray[np.int16]:
    """Return the noise of a sensor, a little larger than a frame."""
    level = random.normal(0.0, 4.0, (HEIGHT_PX + 64, WIDTH_PX + 64, 1))
    return np.repeat(level, 3, axis=2).astype(np.int16)


def cut_out(portrait_px: Pixels) -> Figure:
    """Cut the person out of a portrait whose subject stands in the middle."""
    height, width = portrait_px.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    frame = (width // 12, height // 40, width - width // 6, height - height // 40)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(SEED)
    cv2.grabCut(portrait_px, mask, frame, *models, 2, cv2.GC_INIT_WITH_RECT)
    person = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    outlines, _ = cv2.findContours(person, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cover = np.zeros((height, width), np.uint8)
    cv2.drawContours(cover, [max(outlines, key=cv2.contourArea)], 0, 255, cv2.FILLED)
    return Figure(portrait_px, cv2.GaussianBlur(cover, (0, 0), 2.0))


def scenery(random: np.random.Generator) -> Pixels:
    """Draw sky, houses with windows, and a pavement."""
    picture = np.empty((HEIGHT_PX, WIDTH_PX, 3), np.float32)
    picture[:] = np.linspace((170, 190, 215), (215, 215, 210), HEIGHT_PX)[:, None]
    left = 0
    while left < WIDTH_PX:
        width = int(random.integers(110, 230))
        top = int(random.integers(40, 220))
        wall = random.uniform(90, 170) * np.array([1.0, 0.93, 0.86])
        picture[top:560, left : left + width] = wall
        for y in range(top + 24, 520, 62):
            for x in range(left + 16, left + width - 30, 48):
                picture[y : y + 38, x : x + 24] = wall * random.uniform(0.35, 0.7)
        left += width
    picture[560:] = np.linspace((120, 118, 115), (80, 79, 78), HEIGHT_PX - 560)[:, None]
    rough = cv2.resize(random.normal(0, 9, (180, 240)).astype(np.float32), (WIDTH_PX, HEIGHT_PX))
    return np.asarray(np.clip(picture + rough[..., None], 0, 255), np.uint8)
