from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recognition.errors import PictureRefused
from recognition.picture import FILE_BYTES_MAX, read_picture


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


def test_a_missing_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PictureRefused, match=r"none\.jpg cannot be read: No such file"):
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
