"""What the benchmarks measure on: a picture with one face, and galleries of drawn templates.

The face is the public-domain portrait of Eileen Collins that scikit-image carries. The templates
are random bytes from a seed, and of no person.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from recognition.gallery import Gallery
from recognition.pixels import Pixels

DIM = 128
"""Length of a template."""


def street() -> Pixels:
    """Return a picture of 640 x 480 with one face of about 110 px."""
    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        raise SystemExit("scikit-image is not installed, and it carries the portrait: make test.")
    folder = Path(spec.origin).parent / "data"
    with Image.open(folder / "brick.png") as wall, Image.open(folder / "astronaut.png") as portrait:
        picture = wall.convert("RGB").resize((640, 480))
        picture.paste(portrait.convert("RGB").crop((100, 0, 400, 300)), (170, 90))
    return np.asarray(picture)


def drawn_gallery(length: int) -> Gallery:
    """Return a gallery of so many drawn templates."""
    rng = np.random.default_rng(length)
    handles = rng.integers(0, 256, (length, 16), dtype=np.uint8)
    return Gallery(handles, rng.integers(-127, 128, (length, DIM), dtype=np.int8))
