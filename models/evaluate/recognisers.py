"""Recognisers under test: the shipped embedder, its variants and a peer, each with its alignment.

The shipped one is the code that runs on the camera. Its variants show what each change costs: the
net as published, in float before quantisation, and without the mirror image. The peer gets the five
points of its own detector and its own chip of 112 x 112, because another alignment would make it
worse.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from models import FOLDER as MODELS
from models.evaluate.cache import Rows, digest_of
from recognition.aligner import Chip, align
from recognition.contract import EmbedderEntry
from recognition.embedder import Embedder
from recognition.face import Face
from recognition.manifest import load_uncalibrated
from recognition.pixels import Pixels
from recognition.template import Side

CENTRE: Final = MODELS / "build" / "centre.toml"
PUBLISHED_NET: Final = "embedder.published.onnx"
FLOAT_NET: Final = "embedder.float32.tflite"
"""Files of `models.build.originals`: as published, and in float."""

PEER_NET: Final = "MobileFaceNet.onnx"
PEER_DETECTOR: Final = "yunet_n_320_320.onnx"
PEER_SCORE_MIN: Final = 0.3
"""A low bound: each picture has a face, and a missed face would count against the peer."""

PEER_CANVAS_PX: Final = 320
"""Side of YuNet's input; larger pictures are shrunk to it."""

PEER_PX: Final = 112
PEER_TEMPLATE: Final = (
    complex(38.2946, 51.6963),
    complex(73.5318, 51.5014),
    complex(56.0252, 71.7366),
    complex(41.5493, 92.3655),
    complex(70.7299, 92.2041),
)
"""Eyes, nose and corners of the mouth in a chip of 112 x 112: ArcFace's, as in its source."""

PEER_MEAN: Final = np.array([0.485, 0.456, 0.406])
PEER_SPREAD: Final = np.array([0.229, 0.224, 0.225])
"""Of ImageNet; the peer's source subtracts the first and divides by the second."""


class Recogniser(Protocol):
    """A maker of vectors whose cosine is the similarity of two faces."""

    @property
    def name(self) -> str:
        """Name in the report."""

    @property
    def origin(self) -> str:
        """Digest of everything that its vectors depend on."""

    def vector(self, pixels: Pixels, face: Face) -> Rows:
        """Return one face as numbers, (dim,)."""

    def of_chip(self, chip: Pixels) -> Rows:
        """Return the numbers of an aligned face, (112, 112, 3), with every pass they take."""


@dataclass(frozen=True, slots=True, eq=False)
class Shipped:
    """The embedder as the camera runs it."""

    embedder: Embedder
    entry: EmbedderEntry
    name: str = "int8, chip and mirror image (shipped)"

    @classmethod
    def load(cls, models: Path) -> "Shipped":
        """Return the embedder in a folder of models."""
        entry, _ = load_uncalibrated(models)
        return cls(Embedder.load(models, entry), entry)

    @property
    def origin(self) -> str:
        """Digest of everything that its vectors depend on."""
        return f"{self.entry.net.digest.hex()} {self.entry.alignment} mirrored"

    def vector(self, pixels: Pixels, face: Face) -> Rows:
        """Return the template, (128,)."""
        return self.of_chip(align(pixels, face, self.entry.alignment).pixels)

    def of_chip(self, chip: Pixels) -> Rows:
        """Return the template of an aligned face, (128,)."""
        made = self.embedder.template(Chip(chip, self.entry.alignment))
        return made.vector.astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Bare:
    """A net of the same contract, int8 or float, run without the camera's code."""

    name: str
    origin: str
    entry: EmbedderEntry
    mirrored: bool
    interpreter: Any

    @classmethod
    def load(
        cls, name: str, path: Path, entry: EmbedderEntry, *, mirrored: bool, plain: bool = False
    ) -> "Bare":
        """Load the net in a file; `plain`: with the runtime's own kernels, without XNNPACK."""
        resolver = (
            OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES if plain else OpResolverType.AUTO
        )
        interpreter = Interpreter(str(path), num_threads=1, experimental_op_resolver_type=resolver)
        interpreter.allocate_tensors()
        origin = f"{digest_of(path)} {entry.alignment} {mirrored=} {plain=}"
        return cls(name, origin, entry, mirrored, interpreter)

    def vector(self, pixels: Pixels, face: Face) -> Rows:
        """Return the numbers of a face, (128,)."""
        return self.of_chip(align(pixels, face, self.entry.alignment).pixels)

    def of_chip(self, chip: Pixels) -> Rows:
        """Return the answer to the chip, or its sum with that to the mirror image, (128,)."""
        return self.answer(chip) + (self.answer(chip[:, ::-1]) if self.mirrored else 0)

    def answer(self, chip: Pixels) -> Rows:
        """Return the net's answer to one chip, (128,)."""
        taken, given = (
            self.interpreter.get_input_details()[0],
            self.interpreter.get_output_details()[0],
        )
        real = taken["dtype"] is np.float32
        values = chip.astype(np.float32) - 128 if real else (chip ^ 0x80).view(np.int8)
        self.interpreter.set_tensor(taken["index"], values[None])
        self.interpreter.invoke()
        answer: Rows = self.interpreter.get_tensor(given["index"])[0].astype(np.float64)
        return answer if real else answer - given["quantization"][1]


@dataclass(frozen=True, slots=True, eq=False)
class Halves:
    """The shipped net's templates of chip and mirror image, which a camera takes in turn."""

    shipped: Shipped
    name: str = "halves"

    @property
    def origin(self) -> str:
        """Digest of everything that its vectors depend on."""
        return f"{self.shipped.origin} apart"

    def vector(self, pixels: Pixels, face: Face) -> Rows:
        """Return both templates of a face in one row, (256,)."""
        return self.of_chip(align(pixels, face, self.shipped.entry.alignment).pixels)

    def of_chip(self, chip: Pixels) -> Rows:
        """Return both templates of an aligned face in one row, (256,)."""
        one = Chip(chip, self.shipped.entry.alignment)
        sides = [self.shipped.embedder.template(one, each) for each in (Side.PLAIN, Side.MIRRORED)]
        return np.concatenate([each.vector for each in sides]).astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Uncentred:
    """The float net with its centre added back: what the centre alone changes."""

    net: Bare
    name: str = "float32 without the centre, mirrored"

    @property
    def origin(self) -> str:
        """Digest of everything that its vectors depend on."""
        return f"{self.net.origin} {digest_of(CENTRE)}"

    def vector(self, pixels: Pixels, face: Face) -> Rows:
        """Return the numbers of a face, (128,)."""
        return self.of_chip(align(pixels, face, self.net.entry.alignment).pixels)

    def of_chip(self, chip: Pixels) -> Rows:
        """Return the answers to chip and mirror image, each with the centre, (128,)."""
        centre: Rows = np.array(tomllib.loads(CENTRE.read_text("utf-8"))["mean"])
        return self.net.of_chip(chip) + 2 * centre


@dataclass(frozen=True, slots=True, eq=False)
class Published:
    """The published net that ours is derived from, on our chips."""

    net: Any
    origin: str
    entry: EmbedderEntry
    name: str = "float32 as published, mirrored"

    @classmethod
    def load(cls, originals: Path, entry: EmbedderEntry) -> "Published":
        """Load the net in the folder of `models.build.originals`."""
        cv2.setNumThreads(1)
        path = originals / PUBLISHED_NET
        return cls(cv2.dnn.readNetFromONNX(str(path)), digest_of(path), entry)

    def vector(self, pixels: Pixels, face: Face) -> Rows:
        """Return the numbers of a face, (128,)."""
        return self.of_chip(align(pixels, face, self.entry.alignment).pixels)

    def of_chip(self, chip: Pixels) -> Rows:
        """Return the sum of the answers to the chip and its mirror image, (128,)."""
        return self.answer(chip) + self.answer(chip[:, ::-1])

    def answer(self, chip: Pixels) -> Rows:
        """Return the net's answer to one chip, (128,)."""
        self.net.setInput(np.ascontiguousarray(chip.transpose(2, 0, 1)[None], np.float32))
        answer: Rows = self.net.forward()[0].astype(np.float64)
        return answer


@dataclass(frozen=True, slots=True, eq=False)
class Peer:
    """MobileFaceNet in float32 with YuNet: a common choice elsewhere."""

    net: Any
    detector: Any
    origin: str
    name: str = "peer: MobileFaceNet float32, YuNet's points, chip and mirror image"

    @classmethod
    def load(cls, peers: Path) -> "Peer":
        """Load the peer's nets from a folder."""
        cv2.setNumThreads(1)
        path = str(peers / PEER_DETECTOR)
        size = (PEER_CANVAS_PX, PEER_CANVAS_PX)
        detector = cv2.FaceDetectorYN.create(path, "", size, score_threshold=PEER_SCORE_MIN)
        net = cv2.dnn.readNetFromONNX(str(peers / PEER_NET))
        origin = f"{digest_of(peers / PEER_NET)} {digest_of(peers / PEER_DETECTOR)}"
        return cls(net, detector, origin)

    def vector(self, pixels: Pixels, face: Face) -> Rows:
        """Return the numbers of a face, (128,)."""
        return self.of_chip(self._chip(pixels, face))

    def of_chip(self, chip: Pixels) -> Rows:
        """Return the sum of both answers at length 1, (128,)."""
        both = [self.answer(chip), self.answer(chip[:, ::-1])]
        summed: Rows = np.sum([one / np.linalg.norm(one) for one in both], axis=0)
        return summed

    def answer(self, chip: Pixels) -> Rows:
        """Return the net's answer to one chip of 112 x 112, (128,)."""
        values = (chip / 255 - PEER_MEAN) / PEER_SPREAD
        self.net.setInput(values.transpose(2, 0, 1)[None].astype(np.float32))
        answer: Rows = self.net.forward()[0].astype(np.float64)
        return answer

    def _chip(self, pixels: Pixels, face: Face) -> Pixels:
        canvas = np.zeros((PEER_CANVAS_PX, PEER_CANVAS_PX, 3), np.uint8)
        shrunk = min(1.0, PEER_CANVAS_PX / max(pixels.shape[:2]))
        small = cv2.resize(pixels, None, fx=shrunk, fy=shrunk, interpolation=cv2.INTER_AREA)
        canvas[: small.shape[0], : small.shape[1]] = small[..., ::-1]
        found = self.detector.detect(canvas)[1]
        if found is None:
            raise SystemExit(
                "YuNet found no face where our detector found one: run it without --peers."
            )
        middle = np.array([face.box.x + face.box.width / 2, face.box.y + face.box.height / 2])
        off = np.abs(found[:, :2] + found[:, 2:4] / 2 - shrunk * middle).sum(axis=1)
        points = found[off.argmin(), 4:14].reshape(5, 2) @ np.array([1, 1j]) / shrunk
        template = np.array(PEER_TEMPLATE)
        offsets = points - points.mean()
        turn = np.vdot(offsets, template - template.mean()) / np.vdot(offsets, offsets).real
        shift = template.mean() - turn * points.mean()
        matrix = np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
        chip: Pixels = cv2.warpAffine(pixels, matrix, (PEER_PX, PEER_PX))
        return chip
