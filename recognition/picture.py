"""Decodes a picture file (JPEG, PNG, WebP) into the upright RGB pixels that a viewer shows.

A person judges a picture in a viewer; the nets must see the same. So the orientation is taken from
its EXIF tag alone, 16 bits are scaled to 8, and a colour profile is applied. What viewers show in
different ways is refused: animations, transparency, ink colours, a gamma of its own.

The limits apply before decoding: a file that is too large, or that declares more pixels than a
camera takes, is refused and not decoded (decompression bombs).
"""

import os
import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from stat import S_ISREG
from typing import Final

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from recognition.errors import PictureRefused
from recognition.pixels import Pixels

FILE_BYTES_MAX: Final = 32 * 1024 * 1024
"""Largest picture file read: a 50-megapixel JPEG of the best quality is about 25 MiB."""

PICTURE_PX_MAX: Final = 50_000_000
"""Most pixels that are decoded: 150 MB in memory."""

FORMATS: Final = ("JPEG", "PNG", "WEBP")
"""The only decoders that may read a file from outside; Pillow has forty."""

_ORIENTATION: Final = 0x0112
"""EXIF 2.3, section 4.6.4: the tag that says how a picture must be turned."""
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIXTEEN_BITS: Final = ("I;16", "I;16B", "I;16L", "I")
"""Modes in which Pillow opens a PNG of 16 bits of grey."""
_GAMMA: Final = (0.44, 0.47)
"""The gAMA of sRGB is 0.45455 (PNG specification, 11.3.2.2); writers round it."""


def read_picture(path: Path) -> Pixels:
    """Return the picture in `path`, upright, as a viewer shows it.

    Raises:
        PictureRefused: the file is missing, too large, broken, no picture, or of a kind that
            viewers show in different ways.
    """
    encoded = _read_file(path)
    try:
        # Pillow warns of what it reads anyway; what is wrong here is said in one sentence.
        with (
            warnings.catch_warnings(action="ignore"),
            Image.open(BytesIO(encoded), formats=FORMATS) as picture,
        ):
            _refuse_unopened(picture, path.name)
            picture.load()
            return _pixels(picture, path.name)
    except PictureRefused:
        raise
    except Image.DecompressionBombError as error:
        raise PictureRefused(_too_many_pixels(path.name)) from error
    except UnidentifiedImageError as error:
        kinds = ", ".join(FORMATS)
        raise PictureRefused(f"{path.name} is not a picture: use one of {kinds}.") from error
    except Exception as error:  # Decoders name no closed set of errors.
        raise PictureRefused(f"{path.name} is broken: take it again from its source.") from error


def _read_file(path: Path) -> bytes:
    try:
        # A pipe would wait for a writer.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:  # noqa: PTH123  # A descriptor.
            if not S_ISREG(os.fstat(file.fileno()).st_mode):
                raise PictureRefused(f"{path.name} is not a file: name a picture.")
            encoded = file.read(FILE_BYTES_MAX + 1)
    except FileNotFoundError as error:
        raise PictureRefused(f"There is no file {path.name}: check the picture's path.") from error
    except IsADirectoryError as error:
        raise PictureRefused(f"{path.name} is not a file: name a picture.") from error
    except OSError as error:
        raise PictureRefused(f"{path.name} cannot be read: {error.strerror}.") from error
    if len(encoded) > FILE_BYTES_MAX:
        raise PictureRefused(f"{path.name} is larger than 32 MiB: give a smaller picture.")
    return encoded


def _refuse_unopened(picture: Image.Image, name: str) -> None:
    """Refuse what the head of the file shows already, before any pixel is decoded."""
    if picture.width * picture.height > PICTURE_PX_MAX:
        raise PictureRefused(_too_many_pixels(name))
    # A phone's JPEG of several pictures (MPO) is shown by its first; an animation is not.
    if picture.format != "MPO" and getattr(picture, "n_frames", 1) > 1:
        raise PictureRefused(f"{name} is an animation: save the one picture that you mean.")
    if picture.mode == "CMYK":
        raise PictureRefused(f"{name} has the colours of a printing press: save it as RGB.")


def _pixels(picture: Image.Image, name: str) -> Pixels:
    if not _GAMMA[0] <= picture.info.get("gamma", _GAMMA[0]) <= _GAMMA[1]:
        raise PictureRefused(f"{name} has a gamma of its own: save it as JPEG, and look at it.")
    if picture.has_transparency_data and _alpha(picture).getextrema() != (255, 255):
        raise PictureRefused(f"{name} is transparent in places: save it without transparency.")
    if picture.mode in _SIXTEEN_BITS:
        picture = _eight_bits(picture)
    upright = _turned(picture)
    profile = picture.info.get("icc_profile")
    if profile:
        upright = _in_srgb(upright, profile, name)
    return np.array(upright.convert("RGB"))


def _alpha(picture: Image.Image) -> Image.Image:
    return picture.convert("RGBA").getchannel("A")


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Return a picture of 16 bits of grey in 8: white is 65,535 there and 255 here."""
    turned = Image.fromarray((np.asarray(picture, np.uint32) // 257).astype(np.uint8))
    turned.info = picture.info
    return turned


def _turned(picture: Image.Image) -> Image.Image:
    """Return the picture upright; an EXIF without a readable orientation turns nothing."""
    try:
        exif = Image.Exif()
        exif.load(picture.info.get("exif", b""))
        turn = _TURNS.get(exif.get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001  # As above; viewers ignore what they cannot read.
        return picture
    return picture if turn is None else picture.transpose(turn)


def _in_srgb(picture: Image.Image, profile: bytes, name: str) -> Image.Image:
    """Return the picture in the colours of sRGB, which the nets were calibrated with."""
    convert: Callable[..., Image.Image | None] = ImageCms.profileToProfile
    picture = picture.convert("L" if picture.mode in {"1", "L", "LA"} else "RGB")
    try:
        target = ImageCms.createProfile("sRGB")
        found = convert(picture, BytesIO(profile), target, outputMode="RGB")
    except ImageCms.PyCMSError as error:
        raise PictureRefused(
            f"{name} has a colour profile that cannot be read: save it as sRGB."
        ) from error
    return picture if found is None else found


def _too_many_pixels(name: str) -> str:
    return f"{name} has more than 50 megapixels: give a smaller picture."
