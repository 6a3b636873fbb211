import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps
from PIL.PngImagePlugin import PngInfo

from recognition.errors import PictureRefused
from recognition.picture import FILE_BYTES_MAX, read_picture
from recognition.tests.damaged_pictures import judge

RATIONAL = b"\x01\x00\x00\x05\x00\x00\x00\x01\x00\x00\x00\x26"
"""An image width as a fraction, where EXIF wants a whole number."""
TEXT = b"\x01\x1a\x00\x02\x00\x00\x00\x0472\x00\x00"
"""A resolution as text."""


def test_a_picture_comes_as_rows_of_rgb(tmp_path: Path) -> None:
    Image.new("RGB", (3, 2), (255, 0, 0)).save(tmp_path / "red.png")
    pixels = read_picture(tmp_path / "red.png")
    assert pixels.shape == (2, 3, 3)
    assert pixels[0, 0].tolist() == [255, 0, 0]


def test_a_grey_picture_comes_as_rgb(tmp_path: Path) -> None:
    Image.new("L", (3, 2), 7).save(tmp_path / "grey.png")
    assert read_picture(tmp_path / "grey.png")[0, 0].tolist() == [7, 7, 7]


def test_a_picture_is_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # "Turn a quarter to the right to see it upright."
    Image.new("RGB", (4, 2)).save(tmp_path / "lying.jpg", exif=exif)
    assert read_picture(tmp_path / "lying.jpg").shape == (4, 2, 3)


@pytest.mark.parametrize("turn", range(1, 9))
def test_every_orientation_is_turned_upright(tmp_path: Path, turn: int) -> None:
    upright = Image.fromarray(np.arange(60, dtype=np.uint8).reshape(4, 5, 3))
    exif = Image.Exif()
    exif[0x0112] = turn
    upright.save(tmp_path / "turned.png", exif=exif)
    expected = np.array(ImageOps.exif_transpose(Image.open(tmp_path / "turned.png")))
    assert np.array_equal(read_picture(tmp_path / "turned.png"), expected)


@pytest.mark.parametrize("tag", [RATIONAL, TEXT], ids=["rational width", "text resolution"])
def test_the_orientation_counts_whatever_else_its_exif_says(tmp_path: Path, tag: bytes) -> None:
    count = b"\x00\x02"
    orientation = b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"
    entries = sorted([tag, orientation])
    exif = b"Exif\x00\x00MM\x00*\x00\x00\x00\x08" + count + b"".join(entries) + bytes(12)
    Image.new("RGB", (4, 2)).save(tmp_path / "lying.jpg", exif=exif)
    assert read_picture(tmp_path / "lying.jpg").shape == (4, 2, 3)


def test_16_bits_of_grey_are_read_as_a_viewer_shows_them(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 257, 32768, 65535]], np.uint16)).save(tmp_path / "scan.png")
    assert read_picture(tmp_path / "scan.png")[0, :, 0].tolist() == [0, 1, 127, 255]


def test_a_picture_that_is_transparent_in_places_is_refused(tmp_path: Path) -> None:
    hidden = Image.new("RGBA", (3, 2), (255, 0, 0, 255))
    hidden.putpixel((1, 1), (255, 0, 0, 0))
    hidden.save(tmp_path / "hidden.png")
    with pytest.raises(PictureRefused, match=r"hidden\.png is transparent in places"):
        read_picture(tmp_path / "hidden.png")


def test_an_opaque_alpha_changes_nothing(tmp_path: Path) -> None:
    Image.new("RGBA", (3, 2), (255, 0, 0, 255)).save(tmp_path / "opaque.png")
    assert read_picture(tmp_path / "opaque.png")[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("name", ["moving.png", "moving.webp"])
def test_an_animation_is_refused(tmp_path: Path, name: str) -> None:
    frames = [Image.new("RGB", (9, 9), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    with pytest.raises(PictureRefused, match=rf"{name} is an animation"):
        read_picture(tmp_path / name)


def test_a_phones_file_of_two_pictures_is_read_as_its_first(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (9, 9), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "phone.jpg", "MPO", save_all=True, append_images=frames[1:])
    assert read_picture(tmp_path / "phone.jpg")[0, 0].tolist() == [254, 0, 0]


def test_a_picture_in_ink_colours_is_refused(tmp_path: Path) -> None:
    Image.new("CMYK", (9, 9)).save(tmp_path / "print.jpg")
    with pytest.raises(PictureRefused, match=r"print\.jpg has the colours of a printing press"):
        read_picture(tmp_path / "print.jpg")


def test_a_gamma_of_its_own_is_refused(tmp_path: Path) -> None:
    dark = PngInfo()
    dark.add(b"gAMA", (2000).to_bytes(4, "big"))
    Image.new("RGB", (9, 9)).save(tmp_path / "dark.png", pnginfo=dark)
    with pytest.raises(PictureRefused, match=r"dark\.png has a gamma of its own"):
        read_picture(tmp_path / "dark.png")


def test_a_colour_profile_is_applied(tmp_path: Path) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = lab.replace(b"rXYZ", b"tXYZ").replace(b"gXYZ", b"rXYZ").replace(b"tXYZ", b"gXYZ")
    Image.new("RGB", (9, 9), (250, 10, 10)).save(tmp_path / "p.png", icc_profile=swapped)
    red, green, _ = read_picture(tmp_path / "p.png")[0, 0].tolist()
    assert (red, green) == (10, 250)


def test_a_profile_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (9, 9)).save(tmp_path / "odd.png", icc_profile=b"none")
    with pytest.raises(PictureRefused, match=r"odd\.png has a colour profile that cannot be read"):
        read_picture(tmp_path / "odd.png")


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PictureRefused, match="pipe is not a file"):
        read_picture(tmp_path / "pipe")


def test_a_folder_in_a_pictures_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(PictureRefused, match="folder is not a file: name a picture"):
        read_picture(tmp_path / "folder")


def test_a_damaged_picture_is_read_or_refused_without_a_warning(tmp_path: Path) -> None:
    answers = Counter(judge(1000, 7, tmp_path))
    assert answers["read"] > 50
    assert answers["is broken: take it again from its source."] > 200


def test_a_missing_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PictureRefused, match=r"There is no file none\.jpg: check"):
        read_picture(tmp_path / "none.jpg")


def test_a_file_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("a thousand words")
    with pytest.raises(PictureRefused, match=r"text\.jpg is not a picture"):
        read_picture(tmp_path / "text.jpg")


def test_a_truncated_picture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "half.png"
    noise = np.random.default_rng(1).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(PictureRefused, match=r"half\.png is broken"):
        read_picture(path)


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(FILE_BYTES_MAX + 1)
    with pytest.raises(PictureRefused, match="larger than 32 MiB"):
        read_picture(tmp_path / "huge.png")


@pytest.mark.parametrize("side", [7100, 10_000, 14_000])
def test_a_small_file_with_too_many_pixels_is_refused_unpacked(tmp_path: Path, side: int) -> None:
    Image.new("1", (side, side)).save(tmp_path / "bomb.png")
    with pytest.raises(PictureRefused, match="more than 50 megapixels"):
        read_picture(tmp_path / "bomb.png")
