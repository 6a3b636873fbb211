"""dlib's ResNet as a peer: its own five points and chip of 150 pixels, in the detector's box.

dlib is not among the project's packages. It is a peer where it is installed
(`requirements/bench-dlib.txt`) and its nets lie in the folder of the peers.
"""

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from models.evaluate.cache import Rows, digest_of
from recognition.face import Face
from recognition.pixels import Pixels

NET: Final = "dlib_face_recognition_resnet_model_v1.dat"
POINTS: Final = "shape_predictor_5_face_landmarks.dat"
CHIP_PX: Final = 150


def is_there(peers: Path) -> bool:
    """Return whether dlib is installed, and its nets are in the folder."""
    return find_spec("dlib") is not None and all((peers / one).exists() for one in (NET, POINTS))


@dataclass(frozen=True, slots=True, eq=False)
class Dlib:
    """dlib's embedder, as its users call it: without the mirror image."""

    module: Any
    net: Any
    points: Any
    origin: str
    name: str = "peer: dlib ResNet float32, its own points, chip alone"

    @classmethod
    def load(cls, peers: Path) -> "Dlib":
        """Load dlib's nets from a folder."""
        dlib = import_module("dlib")
        origin = f"{digest_of(peers / NET)} {digest_of(peers / POINTS)} {dlib.__version__}"
        net = dlib.face_recognition_model_v1(str(peers / NET))
        return cls(dlib, net, dlib.shape_predictor(str(peers / POINTS)), origin)

    def vector(self, pixels: Pixels, face: Face) -> Rows:
        """Return the answer to the chip, (128,)."""
        box = face.box
        # dlib's own detector gives squares: from brow to chin, and as wide.
        left = round(box.x + (box.width - box.height) / 2)
        height = round(box.height)
        square = self.module.rectangle(left, round(box.y), left + height, round(box.y) + height)
        return self.of_chip(self.module.get_face_chip(pixels, self.points(pixels, square), CHIP_PX))

    def of_chip(self, chip: Pixels) -> Rows:
        """Return the answer to a chip; one of another size is scaled."""
        sized = cv2.resize(chip, (CHIP_PX, CHIP_PX))
        return np.array(self.net.compute_face_descriptor(sized), np.float64)
