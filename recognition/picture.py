"""Decodes a picture file (JPEG, PNG, WebP) into upright RGB pixels, within limits of size.

The limits apply before decoding: a file that is too large, or that declares more pixels than a
camera takes, is refused and not decoded (decompression bombs).
"""

import warnings
from io import BytesIO
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from recognition.errors import PictureRefused

Pixels: TypeAlias = NDArray[np.uint8]
"""(height, width, 3), RGB, 0 to 255."""

FILE_BYTES_MAX: Final = 32 * 1024 * 1024
"""Largest picture file read: a 50-megapixel JPEG of the best quality is about 25 MiB."""

PICTURE_PX_MAX: Final = 50_000_000
"""Most pixels that are decoded: 150 MB in memory."""

FORMATS: Final = ("JPEG", "PNG", "WEBP")
"""The only decoders that may read a file from outside; Pillow has forty."""


def read_picture(path: Path) -> Pixels:
    """Return the picture in `path`, turned upright as its EXIF says.

    Raises:
        PictureRefused: the file is missing, too large, broken, or no picture.
    """
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise PictureRefused(f"{path.name} is larger than 32 MiB: give a smaller picture.")
        encoded = path.read_bytes()
    except OSError as error:
        raise PictureRefused(f"{path.name} cannot be read: {error.strerror}.") from error
    return _decoded(encoded, path.name)


def _decoded(encoded: bytes, name: str) -> Pixels:
    # Pillow only warns of very large pictures. Here that warning is an error.
    bombs = warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning)
    try:
        with bombs, Image.open(BytesIO(encoded), formats=FORMATS) as picture:
            _check_pixels(picture)
            return np.array(ImageOps.exif_transpose(picture).convert("RGB"))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        sentence = f"{name} has more than 50 megapixels: give a smaller picture."
        raise PictureRefused(sentence) from error
    except UnidentifiedImageError as error:
        kinds = ", ".join(FORMATS)
        raise PictureRefused(f"{name} is not a picture: use one of {kinds}.") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise PictureRefused(f"{name} is broken: take it again from its source.") from error


def _check_pixels(picture: Image.Image) -> None:
    if picture.width * picture.height > PICTURE_PX_MAX:
        raise Image.DecompressionBombError
