"""Time the nets alone: start-up, detector, embedder, and peers on the same pixels.

The picture is of 640 x 480 with one public-domain portrait in it. With a folder of peers, YuNet and
MobileFaceNet run on the same pixels through OpenCV.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from benchmarks.materials import street
from benchmarks.table import Table, options
from benchmarks.timing import SECONDS, SPREAD, Step, add_all
from models import FOLDER
from recognition.aligner import align
from recognition.detector import Detector
from recognition.embedder import Embedder
from recognition.manifest import load_manifest


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--models", type=Path, default=FOLDER, help="default: %(default)s")
    parser.add_argument("--peers", type=Path, help="folder with yunet_n_640_640.onnx and others")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each row")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    table = Table("nets, one thread", SPREAD, ["ai-edge-litert", "numpy", "pillow"])
    add_all(table, _shipped(arguments.models), arguments.seconds)
    if arguments.peers:
        table.note(f"OpenCV {cv2.__version__} runs the peers.")
        add_all(table, _peers(arguments.peers), arguments.seconds)
    table.finish(arguments.json)


def _shipped(models: Path) -> Iterator[Step]:
    manifest = load_manifest(models)
    picture = street()

    def start() -> None:
        Detector.load(models, manifest.detectors)
        Embedder.load(models, manifest.embedder)

    yield "start-up: the nets are read, checked, built", start
    for entry in manifest.detectors:
        _, height, width, _ = entry.net.input.shape
        alone = Detector.load(models, [entry])
        yield f"detector, one pass of {width} x {height}", partial(alone.find, picture)
    (face, *_) = Detector.load(models, manifest.detectors).find(picture)
    embedder = Embedder.load(models, manifest.embedder)
    chip = align(picture, face, manifest.embedder.alignment)
    yield "embedder, one template: chip and mirror image", partial(embedder.template, chip)


def _peers(folder: Path) -> Iterator[Step]:
    picture = np.ascontiguousarray(street()[..., ::-1])
    yunet = cv2.FaceDetectorYN.create(str(folder / "yunet_n_640_640.onnx"), "", (640, 480))
    yield "peer: YuNet, 640 x 480, float", lambda: yunet.detect(picture)
    mobile = cv2.dnn.readNetFromONNX(str(folder / "MobileFaceNet.onnx"))
    blob = cv2.dnn.blobFromImage(picture, 1 / 255, (112, 112))

    def embed() -> object:
        mobile.setInput(blob)
        return mobile.forward()

    yield "peer: MobileFaceNet, one chip, float", embed


if __name__ == "__main__":
    main()
