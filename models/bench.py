"""What everything costs on this machine: nets, search, envelopes, outbox; with the conditions.

Each figure is the least, the median and the 95th percentile over repetitions on one thread; on a
busy machine the least says most. Nothing is asserted.
The picture is of 640 x 480 with one public-domain portrait in it. With a folder of peers, YuNet and
MobileFaceNet run on the same pixels through OpenCV.
"""

import argparse
import os
import platform
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from importlib.util import find_spec
from itertools import chain, count
from pathlib import Path
from typing import Final

# One thread everywhere: a camera's other cores have other work.
os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")

import cv2
import numpy as np
from nacl.public import PrivateKey
from nacl.signing import SigningKey
from PIL import Image

from firmware.delivery.outbox import Link, Outbox
from formats.envelope import Kind, Origin, TimeQuality, open_sealed, seal, verify
from recognition.aligner import align
from recognition.detector import Detector
from recognition.embedder import Embedder
from recognition.gallery import Gallery
from recognition.manifest import load_manifest
from recognition.picture import Pixels
from recognition.template import Template

MODELS: Final = Path(__file__).resolve().parent
SCRATCH: Final = MODELS.parent / "build"
LISTS: Final = (7, 100, 10_000, 100_000)
REVIEWERS: Final = 2
PAYLOAD_BYTES: Final = 25_000
"""Of a match event with a face crop."""

SECONDS: Final = 3.0
"""How long each thing is repeated, and"""

TURNS: Final = (5, 2000)
"""how often at least and at most."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=MODELS, help="default: %(default)s")
    parser.add_argument("--peers", type=Path, help="folder with yunet_n_640_640.onnx and others")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    manifest = load_manifest(arguments.models)
    detector = Detector.load(arguments.models, manifest.detectors)
    embedder = Embedder.load(arguments.models, manifest.embedder)
    _print_conditions(embedder.runtime)
    print(f"{'milliseconds':44}{'least':>9}{'median':>9}{'95 %':>9}")
    steps = (
        _nets(arguments.models, detector, embedder),
        _searches(),
        _envelopes(),
        _peers(arguments.peers) if arguments.peers else (),
    )
    for name, step in chain.from_iterable(steps):
        print(f"{name:44}{_timed(step)}", flush=True)
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"memory at most {peak_kib / 1024:.0f} MiB, the list of {LISTS[-1]:,} included")


Step = tuple[str, Callable[[], object]]


def _print_conditions(runtime: str) -> None:
    with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
        models = {line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")}
    print(f"{', '.join(models) or platform.machine()}, {os.cpu_count()} cores, one thread used")
    print(f"{platform.system()} {platform.release()}, Python {platform.python_version()}")
    print(
        f"{runtime}, numpy {np.__version__}, Pillow {version('pillow')}, OpenCV {cv2.__version__}"
    )
    print(f"load of the machine {os.getloadavg()[0]:.1f} when this began")


def _timed(step: Callable[[], object]) -> str:
    """Return how long a step takes, after one turn to warm up: three columns of milliseconds."""
    step()
    spent_s: list[float] = []
    while len(spent_s) < TURNS[0] or (sum(spent_s) < SECONDS and len(spent_s) < TURNS[1]):
        started = time.perf_counter()
        step()
        spent_s.append(time.perf_counter() - started)
    return "".join(f"{1000 * one_s:9.3f}" for one_s in np.quantile(spent_s, [0, 0.5, 0.95]))


def _street() -> Pixels:
    """Return a picture of 640 x 480 with one face of about 110 px."""
    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        raise SystemExit("scikit-image is not installed: it carries the portrait.")
    folder = Path(spec.origin).parent / "data"
    with Image.open(folder / "brick.png") as wall, Image.open(folder / "astronaut.png") as portrait:
        street = wall.convert("RGB").resize((640, 480))
        street.paste(portrait.convert("RGB").crop((100, 0, 400, 300)), (170, 90))
    return np.asarray(street)


def _nets(models: Path, detector: Detector, embedder: Embedder) -> Iterator[Step]:
    manifest = load_manifest(models)
    street = _street()
    (face, *_) = detector.find(street)
    alignment = manifest.embedder.alignment
    chip = align(street, face, alignment)
    gallery = _gallery(100)

    def start() -> None:
        Detector.load(models, manifest.detectors)
        Embedder.load(models, manifest.embedder)

    def frame() -> None:
        for one in detector.find(street):
            gallery.best(embedder.template(align(street, one, alignment)))

    yield "start: manifest's nets read, checked, built", start
    for entry in manifest.detectors:
        _, height, width, _ = entry.net.input.shape
        alone = Detector.load(models, [entry])
        yield f"detector, pass of {width} x {height}", lambda alone=alone: alone.find(street)
    yield "alignment", lambda: align(street, face, alignment)
    yield "template: two looks of the embedder", lambda: embedder.template(chip)
    yield "whole frame with one face, list of 100", frame


def _gallery(length: int) -> Gallery:
    rng = np.random.default_rng(length)
    handles = rng.integers(0, 256, (length, 16), dtype=np.uint8)
    return Gallery(handles, rng.integers(-127, 128, (length, 128), dtype=np.int8))


def _searches() -> Iterator[Step]:
    probe = Template(np.random.default_rng(0).integers(-127, 128, 128, dtype=np.int8))
    for length in LISTS:
        gallery = _gallery(length)
        yield f"search, list of {length:,}", lambda gallery=gallery: gallery.best(probe)


def _envelopes() -> Iterator[Step]:
    camera = SigningKey.generate()
    reviewers = [PrivateKey.generate() for _ in range(REVIEWERS)]
    keys = [one.public_key for one in reviewers]
    origin = Origin(bytes(16), 1, 1, TimeQuality.SYNCHRONISED, bytes(32))
    payload = bytes(PAYLOAD_BYTES)
    sealed = seal(Kind.EVENT, payload, sender=camera, recipients=keys, origin=origin)
    yield (
        f"seal an event for {REVIEWERS} reviewers",
        lambda: seal(Kind.EVENT, payload, sender=camera, recipients=keys, origin=origin),
    )
    yield (
        "verify and open it",
        lambda: open_sealed(verify(sealed, camera.verify_key), reviewers[0]),
    )
    # Inside the checkout, because the folder for temporary files may lie in memory only.
    SCRATCH.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        outbox, numbers = Outbox(Path(folder)), count(1)

        def put() -> None:
            number = next(numbers)
            outbox.put(sealed, Link(number, bytes(16), number, sealed.digest))

        yield "outbox: one event durably on this disk", put


def _peers(folder: Path) -> Iterator[Step]:
    street = np.ascontiguousarray(_street()[..., ::-1])
    yunet = cv2.FaceDetectorYN.create(str(folder / "yunet_n_640_640.onnx"), "", (640, 480))
    yield "peer: YuNet, 640 x 480, float", lambda: yunet.detect(street)
    mobile = cv2.dnn.readNetFromONNX(str(folder / "MobileFaceNet.onnx"))
    blob = cv2.dnn.blobFromImage(street, 1 / 255, (112, 112))

    def embed() -> object:
        mobile.setInput(blob)
        return mobile.forward()

    yield "peer: MobileFaceNet, one look, float", embed


if __name__ == "__main__":
    main()
