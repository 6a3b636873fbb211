"""How many faces the shipped detector finds at each height, and what else; prints JSON.

Pictures whose face is centred and of one known size are shrunk or enlarged and pasted on textured
backgrounds of 640 x 480. A find counts when its centre lies within a third of the face's height of
where the face was put. Finds elsewhere are counted apart: bystanders in the pictures, or nothing.
"""

import argparse
import json
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
from lfw import pictures
from PIL import Image

from recognition.detector import Detector
from recognition.manifest import load_uncalibrated
from recognition.picture import Pixels

WIDTH_PX, HEIGHT_PX = 640, 480
FACE_PX: Final = 118
"""Height of the face's box in the set's pictures of 250 x 250: the median of the detector's."""

FACE_AT: Final = (0.50, 0.535)
"""Its centre, as parts of the picture: likewise."""

HEIGHTS_PX: Final = (24, 32, 48, 64, 96, 128, 192, 256)
FACES: Final = 200
"""Faces put up at each height."""

SEED: Final = 20260101
TEXTURES: Final = ("brick.png", "grass.png", "gravel.png", "coffee.png", "chelsea.png")


def canvases(
    archive: Path, height_px: int, rng: np.random.Generator
) -> Iterator[tuple[Pixels, list[tuple[float, float]]]]:
    """Yield pictures with the centres of the faces in them."""
    backgrounds = [_texture(name) for name in TEXTURES]
    portraits = [pixels for _, pixels in pictures(archive)]
    chosen = iter(rng.choice(len(portraits), FACES, replace=False).tolist())
    side = round(250 * height_px / FACE_PX)
    columns, rows = max(1, WIDTH_PX // side), max(1, HEIGHT_PX // side)
    for turn in range(FACES):
        canvas = backgrounds[turn % len(backgrounds)].copy()
        centres = []
        for place in range(min(6, columns * rows)):
            which = next(chosen, None)
            if which is None:
                break
            x = (place % columns) * (WIDTH_PX // columns) + (WIDTH_PX // columns - side) // 2
            y = (place // columns) * (HEIGHT_PX // rows) + (HEIGHT_PX // rows - side) // 2
            portrait = Image.fromarray(portraits[which]).resize((side, side))
            canvas.paste(portrait, (x, y))
            centres.append((x + side * FACE_AT[0], y + side * FACE_AT[1]))
        if not centres:
            return
        yield np.asarray(canvas), centres


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path, help="ZIP of Person_Name/picture.jpg, 250 x 250")
    parser.add_argument("models", type=Path, help="folder with nets and manifest")
    arguments = parser.parse_args()
    _, entries = load_uncalibrated(arguments.models)
    ways = {"both": entries, "wide": entries[:1], "near": entries[1:]}
    detectors = {name: Detector.load(arguments.models, some) for name, some in ways.items()}
    report = [
        {"passes": name, **_measured(detector, arguments.archive, height_px)}
        for name, detector in detectors.items()
        for height_px in HEIGHTS_PX
    ]
    print(json.dumps({"set": arguments.archive.name, "detection": report}, indent=2))


def _measured(detector: Detector, archive: Path, height_px: int) -> dict[str, float]:
    rng = np.random.default_rng(SEED)
    put = found = elsewhere = 0
    spent_s = []
    for canvas, centres in canvases(archive, height_px, rng):
        started = time.perf_counter()
        faces = detector.find(canvas)
        spent_s.append(time.perf_counter() - started)
        boxes = [face.box for face in faces]
        seen = np.array([(box.x + box.width / 2, box.y + box.height / 2) for box in boxes])
        off = np.linalg.norm(seen.reshape(-1, 1, 2) - np.array(centres)[None], axis=2)
        put += len(centres)
        found += int((off <= height_px / 3).any(axis=0).sum())
        elsewhere += int((off > height_px / 3).all(axis=1).sum())
    return {
        "height_px": height_px,
        "faces": put,
        "recall": round(found / put, 3),
        "elsewhere": elsewhere,
        "median_ms": round(1000 * float(np.median(spent_s)), 1),
    }


def _texture(name: str) -> Image.Image:
    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        raise SystemExit("scikit-image is not installed: it carries the backgrounds.")
    with Image.open(Path(spec.origin).parent / "data" / name) as picture:
        return picture.convert("RGB").resize((WIDTH_PX, HEIGHT_PX))


if __name__ == "__main__":
    main()
