"""Face detection: finds the faces in a picture of any size, the highest score first.

The net reads a picture of 640 x 480 in three grids, of 8, 16 and 32 pixels. It finds faces of about
24 pixels up to the whole height. A larger picture is shrunk to fit; a picture is never stretched
and never enlarged. Where several cells found the same face, the one with the highest score is kept
(non-maximum suppression).
"""

from collections.abc import Iterator, Sequence
from math import log
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recognition.contract import Decode, DetectorEntry, TensorSpec
from recognition.face import Box, Face, Point, Points
from recognition.interpreter import Accelerator, Net
from recognition.pixels import Pixels

SCORE_MIN: Final = 0.8
"""Least score of a face. A lower bound finds smaller faces and raises more false alarms on
textures; `python -m models.evaluate.detection` measures both."""

OVERLAP_MAX: Final = 0.3
"""Two boxes are one face when they share more than this part of their union,"""

INSIDE_MAX: Final = 0.6
"""or when more than this part of the smaller lies inside the larger."""

CELLS_MOST: Final = 300
"""Cells of one grid that are read, those with the highest scores: about four find the same face."""

FACES_MOST: Final = 64
"""Faces of one picture: a wall of faces must not hold a camera up for longer than a frame."""


class Detector:
    """One or more nets, each of which makes one pass over a picture."""

    def __init__(self, passes: Sequence[tuple[Net, tuple[Decode, ...]]]) -> None:
        self._passes = [_Pass(net, decodes) for net, decodes in passes]

    @classmethod
    def load(
        cls,
        folder: Path,
        entries: Sequence[DetectorEntry],
        accelerator: Accelerator = Accelerator.CPU,
    ) -> "Detector":
        """Return a detector with one pass per entry.

        Raises:
            ModelRefused: a net is missing, is not the named file, or breaks its contract.
        """
        return cls([(Net.load(folder, one.net, accelerator), one.decodes) for one in entries])

    def find(self, pixels: Pixels) -> list[Face]:
        """Return the faces in the picture, the highest score first."""
        return self.above(pixels, SCORE_MIN)

    def above(self, pixels: Pixels, score_min: float) -> list[Face]:
        """Return the faces with more than a score, the highest first."""
        found = [face for one in self._passes for face in one.find(pixels, score_min)]
        found.sort(key=lambda face: -face.score)
        faces: list[Face] = []
        for face in found:
            if len(faces) < FACES_MOST and not any(_same(face.box, one.box) for one in faces):
                faces.append(face)
        return faces


class _Pass:
    """One net, and how to read its maps."""

    def __init__(self, net: Net, decodes: tuple[Decode, ...]) -> None:
        self._net = net
        _, self._height_px, self._width_px, _ = net.entry.input.shape
        maps = zip(net.entry.outputs, decodes, strict=True)
        self._grids = [_Grid(spec, decode) for spec, decode in maps]

    def find(self, pixels: Pixels, score_min: float) -> Iterator[Face]:
        canvas, scale = self._fitted(pixels)
        for grid, stored in zip(self._grids, self._net.run(canvas), strict=True):
            for face in grid.faces(stored, score_min):
                yield face.scaled(1 / scale)

    def _fitted(self, pixels: Pixels) -> tuple[NDArray[np.int8], float]:
        """Return the picture in the net's size and form, and the scale of the shrinking."""
        height, width = pixels.shape[:2]
        scale = min(self._width_px / width, self._height_px / height, 1.0)
        if scale < 1:
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            small = Image.fromarray(pixels).resize(
                size, Image.Resampling.BILINEAR, reducing_gap=2.0
            )
            pixels = np.asarray(small)
        canvas = np.zeros((1, self._height_px, self._width_px, 3), np.uint8)
        canvas[0, : pixels.shape[0], : pixels.shape[1]] = pixels
        # 0 to 255 becomes -128 to 127: only the sign bit changes.
        return (canvas ^ 0x80).view(np.int8), scale


class _Grid:
    """One map: a grid of cells, each of which can hold one face."""

    def __init__(self, spec: TensorSpec, decode: Decode) -> None:
        _, self._rows, self._columns, channels = spec.shape
        self._stride_px = decode.stride_px
        # value = (stored - zero point) * scale / factor - offset, as one product and one sum.
        self._gain = spec.scale / np.array(decode.factor, np.float32)
        self._base = -spec.zero_point * self._gain - np.array(decode.offset, np.float32)
        self._channels = channels

    def faces(self, stored: NDArray[np.int8], score_min: float = SCORE_MIN) -> Iterator[Face]:
        """Yield the face of each cell that found one, of `CELLS_MOST` at most.

        Several cells can find the same face.
        """
        cells = stored.reshape(-1, self._channels)
        logits = cells[:, :2] * self._gain[:2] + self._base[:2]
        # A score is the root of a product of two probabilities: each is at least its square.
        least = _logit(score_min**2)
        possible = np.flatnonzero((logits[:, 0] > least) & (logits[:, 1] > least))
        scores = np.sqrt(1 / (1 + np.exp(-logits[possible])).prod(axis=1))
        best = np.argsort(-scores, kind="stable")[:CELLS_MOST]
        kept = np.sort(best[scores[best] > score_min])
        likely, scores = possible[kept], scores[kept]
        values = cells[likely] * self._gain + self._base
        corners = np.stack([likely % self._columns, likely // self._columns], axis=1)
        sizes = np.exp(values[:, 4:6]) * self._stride_px
        places = values[:, [2, 3, *range(6, self._channels)]].reshape(len(likely), 6, 2)
        places = (places + corners[:, None]) * self._stride_px
        for score, size, seen in zip(scores, sizes, places, strict=True):
            yield _face(float(score), size.tolist(), seen.tolist())


def _logit(probability: float) -> float:
    return log(probability / (1 - probability))


def _face(score: float, size: list[float], places: list[list[float]]) -> Face:
    (width, height), ((x, y), *points) = size, places
    box = Box(x - width / 2, y - height / 2, width, height)
    return Face(box, score, Points(*(Point(*point) for point in points)))


def _same(one: Box, other: Box) -> bool:
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    shared = max(0.0, width) * max(0.0, height)
    areas = (one.width * one.height, other.width * other.height)
    return shared > OVERLAP_MAX * (sum(areas) - shared) or shared > INSIDE_MAX * min(areas)
