"""Detection: recall of the shipped detector at each height of face, and its false alarms.

Heads are cut out of pictures in which the face is centred and of one known size. They are shrunk or
enlarged, and blended with soft edges into textured backgrounds of 640 x 480. A face counts as found
if the centre of a box is nearer than a third of the face's height to the face's centre. False
alarms are counted separately, on pictures and video without a face. With a folder of peers, YuNet
runs on the same pixels. The result is printed as JSON.
"""

import argparse
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.evaluate.backgrounds import HEIGHT_PX, WIDTH_PX, backgrounds
from models.evaluate.lfw import pictures
from recognition.detector import Detector
from recognition.manifest import load_uncalibrated
from recognition.pixels import Pixels

FACE_PX: Final = 129
"""Height of a face's box in the set's pictures of 250 x 250: the detector's median."""

FACE_AT: Final = (0.50, 0.52)
"""Centre of this box, as parts of the picture: the detector's median, too."""

HEAD: Final = (0.42, 0.46)
"""Half axes of the ellipse that is cut out, as parts of the picture, with hair, ears and chin."""

SOFT: Final = 0.12
"""Part of the ellipse's radius over which it is blended into the background."""

HEIGHTS_PX: Final = (24, 28, 32, 40, 48, 64, 96, 128, 192, 256, 320)
FACES: Final = 300
"""Faces at each height: at a recall of 95 % the 95 % interval is about 2.5 points on both sides."""

NEAR: Final = 1 / 3
"""Largest distance between the centres of box and face, in heights of the face."""

EMPTY_FRAMES: Final = 3000
"""If there is no false alarm in so many, the rate is below 1 in 1,000 with 95 % confidence."""

SEED: Final = 20261122
"""Not the seed with which the detector's bounds were chosen."""

OURS: Final = "ours"
YUNET: Final = "yunet_n_640_640.onnx"
YUNET_SCORES: Final = (0.5, 0.9)
"""A low bound, and the default of OpenCV's FaceDetectorYN."""

Find: TypeAlias = Callable[[Pixels], dict[str, NDArray[np.float64]]]
"""Returns the centres of the found faces, (k, 2), in pixels, by the name of the detector."""


@dataclass(frozen=True, slots=True)
class Video:
    """A video, and the spans of it without a face, in frames."""

    path: Path
    spans: tuple[tuple[int, int], ...]
    """First frame, and the frame after the last."""


def measure(
    lfw_zip: Path, models: Path, peers: Path | None = None, video: Video | None = None
) -> dict[str, Any]:
    """Return recall by face height and false alarms of every detector, as plain JSON.

    Args:
        lfw_zip: ZIP of Person_Name/picture.jpg, 250 x 250, faces centred.
        models: folder with nets and manifest.
        peers: folder with YuNet's net; None: YuNet is left out.
        video: more frames without a face, or None.
    """
    finds = [_ours(models)] if peers is None else [_ours(models), _yunet(peers / YUNET)]
    heads = [pixels for _, pixels in pictures(lfw_zip)]
    empty = {"pictures": backgrounds(EMPTY_FRAMES, SEED + 1)}
    if video is not None:
        empty[video.path.name] = _frames(video)
    report: dict[str, Any] = {
        "set": lfw_zip.name,
        "seed": SEED,
        "recall": [row for height_px in HEIGHTS_PX for row in _recall(finds, heads, height_px)],
        "false_alarms": [
            row for name, frames in empty.items() for row in _alarms(finds, name, frames)
        ],
    }
    if peers is None:
        report["skipped"] = "YuNet: no folder of peers was given."
    return report


def _ours(models: Path) -> Find:
    detector = Detector.load(models, load_uncalibrated(models)[1])

    def find(pixels: Pixels) -> dict[str, NDArray[np.float64]]:
        boxes = [face.box for face in detector.find(pixels)]
        centres = [(box.x + box.width / 2, box.y + box.height / 2) for box in boxes]
        return {OURS: np.array(centres).reshape(-1, 2)}

    return find


def _yunet(path: Path) -> Find:
    net = cv2.FaceDetectorYN.create(
        str(path), "", (WIDTH_PX, HEIGHT_PX), score_threshold=min(YUNET_SCORES)
    )

    def find(pixels: Pixels) -> dict[str, NDArray[np.float64]]:
        net.setInputSize((pixels.shape[1], pixels.shape[0]))
        found = net.detect(np.ascontiguousarray(pixels[..., ::-1]))[1]
        rows = np.zeros((0, 15)) if found is None else found
        centres = rows[:, :2] + rows[:, 2:4] / 2
        return {f"YuNet > {score}": centres[rows[:, 14] > score] for score in YUNET_SCORES}

    return find


def _recall(finds: list[Find], heads: list[Pixels], height_px: int) -> list[dict[str, Any]]:
    found: Counter[str] = Counter()
    spent_s = defaultdict(list)
    for canvas, centres in _canvases(heads, height_px):
        for find in finds:
            started = time.perf_counter()
            answers = find(canvas)
            took_s = time.perf_counter() - started
            for name, seen in answers.items():
                off = np.linalg.norm(seen[:, None] - centres[None], axis=2)
                found[name] += int((off <= NEAR * height_px).any(axis=0).sum())
                spent_s[name].append(took_s)
    print(f"{height_px} px: {dict(found)} of {FACES}", file=sys.stderr)
    return [
        {
            "detector": name,
            "height_px": height_px,
            "faces": FACES,
            "found": found[name],
            "recall": round(found[name] / FACES, 4),
            "median_ms": round(1000 * float(np.median(spent_s[name])), 1),
        }
        for name in spent_s
    ]


def _canvases(heads: list[Pixels], height_px: int) -> Iterator[tuple[Pixels, NDArray[np.float64]]]:
    """Yield pictures with the centres of their faces, (k, 2)."""
    rng = np.random.default_rng((SEED, height_px))
    chosen = iter(rng.choice(len(heads), FACES, replace=False).tolist())
    cell_px = round(2 * height_px)
    columns, rows = max(1, WIDTH_PX // cell_px), max(1, HEIGHT_PX // cell_px)
    left = FACES
    for scenery in backgrounds(FACES, SEED):
        canvas, centres = scenery.astype(np.float64), []
        for place in range(min(6, columns * rows, left)):
            room = (WIDTH_PX / columns, HEIGHT_PX / rows)
            slack = [max(0.0, side - height_px) / 4 for side in room]
            x = (place % columns + 0.5) * room[0] + rng.uniform(-slack[0], slack[0])
            y = (place // columns + 0.5) * room[1] + rng.uniform(-slack[1], slack[1])
            _lay(canvas, heads[next(chosen)], height_px, (x, y))
            centres.append((x, y))
        left -= len(centres)
        yield np.rint(canvas).astype(np.uint8), np.array(centres)
        if not left:
            return


def _lay(
    canvas: NDArray[np.float64], head: Pixels, height_px: int, centre: tuple[float, float]
) -> None:
    """Blend one head into the canvas with its face's centre at `centre`; crop it to the canvas."""
    side = round(head.shape[0] * height_px / FACE_PX)
    picture = np.asarray(Image.fromarray(head).resize((side, side), reducing_gap=3.0), np.float64)
    rows, columns = (np.mgrid[:side, :side] + 0.5) / side
    radius = np.hypot((columns - FACE_AT[0]) / HEAD[0], (rows - FACE_AT[1]) / HEAD[1])
    alpha = np.clip((1 - radius) / SOFT, 0, 1)[..., None]
    left, top = round(centre[0] - FACE_AT[0] * side), round(centre[1] - FACE_AT[1] * side)
    low_x, low_y = max(0, left), max(0, top)
    high_x, high_y = min(WIDTH_PX, left + side), min(HEIGHT_PX, top + side)
    there = np.s_[low_y:high_y, low_x:high_x]
    here = np.s_[low_y - top : high_y - top, low_x - left : high_x - left]
    canvas[there] += alpha[here] * (picture[here] - canvas[there])


def _alarms(finds: list[Find], name: str, frames: Iterable[Pixels]) -> list[dict[str, Any]]:
    alarms: Counter[str] = Counter()
    count = 0
    for frame in frames:
        count += 1
        for find in finds:
            alarms.update({detector: len(seen) for detector, seen in find(frame).items()})
    print(f"{name}: {dict(alarms)} alarms in {count} frames", file=sys.stderr)
    return [
        {
            "detector": detector,
            "without_face": name,
            "frames": count,
            "alarms": alarms[detector],
            "per_1000_frames": round(1000 * alarms[detector] / count, 2),
        }
        for detector in alarms
    ]


def _frames(video: Video) -> Iterator[Pixels]:
    film = cv2.VideoCapture(str(video.path))
    number = 0
    while True:
        there, frame = film.read()
        if not there:
            return
        if any(first <= number < end for first, end in video.spans):
            yield np.ascontiguousarray(frame[..., ::-1])
        number += 1


def _span(text: str) -> tuple[int, int]:
    first, _, end = text.partition(":")
    return int(first), int(end)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path, help="ZIP of Person_Name/picture.jpg, 250 x 250")
    parser.add_argument("models", type=Path, help="folder with nets and manifest")
    parser.add_argument("--peers", type=Path, help=f"folder with {YUNET}")
    parser.add_argument("--video", type=Path, help="video with spans without a face")
    parser.add_argument("--span", type=_span, action="append", default=[], help="FIRST:END frames")
    arguments = parser.parse_args()
    video = Video(arguments.video, tuple(arguments.span)) if arguments.video else None
    report = measure(arguments.archive, arguments.models, arguments.peers, video)
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
