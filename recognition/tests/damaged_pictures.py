"""Fuzzing of the picture reader: damages picture files, and counts what is read and refused.

`make long-pictures` prints the counts. It ends with an error at the first file on which the reader
raises anything but `PictureRefused`, or warns.
"""

import argparse
import warnings
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin

from recognition.errors import PictureRefused
from recognition.picture import read_picture

ENTRIES = (b"\xff", b"\x00", b"\xff\xff\xff\xff", b"\x80\x00", b"72\x00\x00")
"""What is written over a place: extremes of lengths, counts and types."""


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    """Return the bytes of a picture file."""
    file = BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def lying() -> Image.Exif:
    """Return an EXIF of a camera that was held upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "maker"
    exif[0x011A] = 72.0
    exif.get_ifd(0x8769)[0x9003] = "2026:01:01 00:00:00"
    return exif


def seeds() -> dict[str, bytes]:
    """Return one small file of each kind that a phone, a scanner or a program writes."""
    noise = np.random.default_rng(1).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    picture = Image.fromarray(noise)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    own = PngImagePlugin.PngInfo()
    own.add(b"gAMA", (45455).to_bytes(4, "big"))
    clear = picture.rotate(180).convert("RGBA")
    grey16 = Image.fromarray(noise[..., 0].astype(np.uint16) * 257)
    return {
        "jpeg": saved(picture, "JPEG", exif=lying()),
        "jpeg, progressive": saved(picture, "JPEG", progressive=True, icc_profile=profile),
        "jpeg, ink": saved(picture.convert("CMYK"), "JPEG"),
        "jpeg, two pictures": saved(picture, "MPO", save_all=True, append_images=[picture]),
        "png": saved(picture, "PNG", exif=lying(), pnginfo=own),
        "png, profile": saved(picture, "PNG", icc_profile=profile),
        "png, palette": saved(picture.quantize(16), "PNG", transparency=3),
        "png, 16 bits": saved(grey16, "PNG"),
        "png, alpha": saved(clear, "PNG"),
        "png, animated": saved(picture, "PNG", save_all=True, append_images=[clear]),
        "webp": saved(picture, "WEBP", exif=lying(), icc_profile=profile),
        "webp, animated": saved(picture, "WEBP", save_all=True, append_images=[clear]),
    }


def damaged(seed: bytes, random: np.random.Generator) -> bytes:
    """Return the file, changed in one to four places; the head is hit as often as the rest."""
    changed = bytearray(seed)
    for _ in range(random.integers(1, 5)):
        reach = len(changed) if random.integers(2) else min(len(changed), 200)
        at = int(random.integers(max(1, reach)))
        match random.integers(5):
            case 0:
                changed[at : at + 1] = bytes([random.integers(256)])
            case 1:
                del changed[at : at + int(random.integers(1, 40))]
            case 2:
                changed[at:at] = changed[at : at + int(random.integers(1, 40))]
            case 3:
                entry = ENTRIES[random.integers(len(ENTRIES))]
                changed[at : at + len(entry)] = entry
            case _:
                del changed[at + 1 :]
    return bytes(changed)


def judge(count: int, seed: int, folder: Path) -> Iterator[str]:
    """Yield `read` or the refusal of each of `count` damaged files.

    Raises:
        Exception: the reader raised anything but `PictureRefused`; the file is left in `folder`.
    """
    random, files = np.random.default_rng(seed), list(seeds().values())
    path = folder / "damaged"
    for number in range(count):
        path.write_bytes(damaged(files[number % len(files)], random))
        with warnings.catch_warnings(action="error"):
            try:
                read_picture(path)
            except PictureRefused as error:
                yield str(error).removeprefix("damaged ")
            else:
                yield "read"


def main() -> None:
    """Damage, read, and print how often each answer came."""
    parser = argparse.ArgumentParser(prog="make long-pictures", description=__doc__)
    parser.add_argument("--edits", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        answers = Counter(judge(given.edits, given.seed, Path(folder)))
    for answer, times in answers.most_common():
        print(f"{times:8,}  {answer}")  # noqa: T201  # It prints what it counts.


if __name__ == "__main__":
    main()
