"""Finds faces in a picture of any size, best first.

One net sees a picture of 640 x 480 and finds faces of about 24 to 130 pixels there; the same
weights at 192 x 192 see the faces that fill the picture. Each looks once; what both found is one
face. The picture is shrunk to fit, never stretched and never enlarged.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recognition.contract import Decode, DetectorEntry
from recognition.face import Box, Face, Point, Points
from recognition.interpreter import Accelerator, Net
from recognition.picture import Pixels

SCORE_MIN: Final = 0.2
"""Least score of an anchor that is listened to at all."""

SCORE_SURE: Final = 0.5
"""Anchors above, if there are any, say where the face is."""

CERTAINTY_MIN: Final = 0.38
"""Least certainty of a face. The score alone, at 0.5, finds as many faces and raises far more false
alarms on textures; models/evaluate/detect.py measures what this bound costs and saves."""

SPREAD_WEIGHT: Final = 4.0
"""Certainty is the best score less so many times the disagreement of the anchors round it."""

LONE_SPREAD: Final = 0.09
"""Disagreement that is assumed where no second anchor saw the face."""

OVERLAP_MAX: Final = 0.3
"""Two finds are one face when they share more than this part of their union, or"""

INSIDE_MAX: Final = 0.6
"""when more than this part of the smaller lies inside the larger."""


class Detector:
    """One or more passes over a picture."""

    def __init__(self, passes: Sequence[tuple[Net, Decode]]) -> None:
        self._passes = [_Pass(net, decode) for net, decode in passes]

    @classmethod
    def load(
        cls,
        folder: Path,
        entries: Sequence[DetectorEntry],
        accelerator: Accelerator = Accelerator.CPU,
    ) -> "Detector":
        """Return a detector with one pass per entry.

        Raises:
            ModelRefused: a net is missing, another one, or breaks its contract.
        """
        return cls([(Net.load(folder, one.net, accelerator), one.decode) for one in entries])

    def find(self, pixels: Pixels) -> list[Face]:
        """Return the faces in the picture, the most certain first."""
        found = [face for one in self._passes for face in one.find(pixels)]
        found.sort(key=lambda face: -face.score)
        faces: list[Face] = []
        for face in found:
            if not any(_same(face.box, other.box) for other in faces):
                faces.append(face)
        return faces


class _Pass:
    """One look through one net."""

    def __init__(self, net: Net, decode: Decode) -> None:
        self._net = net
        _, self._height_px, self._width_px, _ = net.entry.input.shape
        _, rows, columns, _ = net.entry.outputs[0].shape
        y, x = np.mgrid[:rows, :columns].reshape(2, -1)
        self._anchors = (np.stack([x, y], axis=1) + 0.5).astype(np.float32) * decode.stride_px
        spec = net.entry.outputs[0]
        # value = (stored - zero point) * scale / factor - offset, as one product and one sum.
        self._gain = spec.scale / np.array(decode.factor, np.float32)
        self._base = -spec.zero_point * self._gain - np.array(decode.offset, np.float32)
        self._logit_min = np.log(SCORE_MIN / (1 - SCORE_MIN))

    def find(self, pixels: Pixels) -> list[Face]:
        canvas, scale = self._fitted(pixels)
        stored = self._net.run(canvas)[0].reshape(-1, len(self._gain))
        logits = stored[:, 0] * self._gain[0] + self._base[0]
        likely = np.flatnonzero(logits > self._logit_min)
        likely = likely[np.argsort(-logits[likely], kind="stable")]
        values = stored[likely] * self._gain + self._base
        scores = 1 / (1 + np.exp(-values[:, 0]))
        places = values[:, 1:].reshape(-1, 8, 2)
        places[:, [0, 2, 3, 4, 5, 6, 7]] += self._anchors[likely][:, None]
        real = (places[:, 1] > 0).all(axis=1)
        merged = _merged(places[real] / scale, scores[real])
        return [_face(one, score) for one, score in merged]

    def _fitted(self, pixels: Pixels) -> tuple[NDArray[np.int8], float]:
        """Return the picture in the net's size and form, and how much it was shrunk."""
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
        # 0 to 255 becomes -128 to 127: the sign bit turns over, nothing else.
        return (canvas ^ 0x80).view(np.int8), scale


def _merged(
    places: NDArray[np.float32], scores: NDArray[np.float32]
) -> Iterator[tuple[NDArray[np.float32], float]]:
    """Yield one find per face: the best of neighbours that overlap, if they agree where it is."""
    left = np.arange(len(scores))
    while left.size:
        overlaps = _overlaps(places[left[0]], places[left])
        near = left[overlaps > OVERLAP_MAX]
        near = near if near.size else left[:1]
        best = float(scores[near[0]])
        if best - SPREAD_WEIGHT * _spread(places[near], scores[near]) > CERTAINTY_MIN:
            sure = near[scores[near] > SCORE_SURE]
            sure = sure if sure.size else near
            yield _mean(places[sure], scores[sure]), best
        left = np.setdiff1d(left, near, assume_unique=True)


def _mean(places: NDArray[np.float32], scores: NDArray[np.float32]) -> NDArray[np.float32]:
    mean: NDArray[np.float32] = np.tensordot(scores / scores.sum(), places, 1)
    return mean


def _spread(places: NDArray[np.float32], scores: NDArray[np.float32]) -> float:
    """Return how far apart the anchors place a face, as part of its size.

    On a face they agree; what is none is placed by each as it likes.
    """
    if len(places) == 1:
        return LONE_SPREAD
    mean = _mean(places, scores)
    spread_px = np.sqrt(_mean(np.square(places - mean), scores))
    return float(spread_px.mean() / mean[1].mean())


def _overlaps(one: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the shared part of the union of one box with each of the others."""
    low = np.maximum(one[0] - one[1] / 2, others[:, 0] - others[:, 1] / 2)
    high = np.minimum(one[0] + one[1] / 2, others[:, 0] + others[:, 1] / 2)
    shared = np.clip(high - low, 0, None).prod(axis=1)
    union = one[1].prod() + others[:, 1].prod(axis=1) - shared
    overlaps: NDArray[np.float32] = shared / np.maximum(union, 1e-6)
    return overlaps


def _face(places: NDArray[np.float32], score: float) -> Face:
    (x, y), (width, height), *points = places.astype(float).tolist()
    box = Box(x - width / 2, y - height / 2, width, height)
    return Face(box, score, Points(*(Point(*point) for point in points)))


def _same(one: Box, other: Box) -> bool:
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    shared = max(0.0, width) * max(0.0, height)
    areas = (one.width * one.height, other.width * other.height)
    return shared > OVERLAP_MAX * (sum(areas) - shared) or shared > INSIDE_MAX * min(areas)
