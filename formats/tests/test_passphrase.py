"""The first line of a passphrase file, and the files that are refused."""

from pathlib import Path

import pytest

from formats.keyfile import KeyRefused
from formats.passphrase import LIMIT_BYTES, read_passphrase


def test_only_the_first_line_is_the_passphrase(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    file.write_bytes(b"correct horse\r\na note\n")
    assert read_passphrase(file) == "correct horse"


def test_a_byte_order_mark_is_no_part_of_the_passphrase(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    file.write_bytes(b"\xef\xbb\xbfcorrect horse\n")
    assert read_passphrase(file) == "correct horse"


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"", "is empty"),
        (b"\nsecond line\n", "is empty"),
        (b"\xff\xfe\n", "cannot be read"),
        (b"x" * (LIMIT_BYTES + 1), "too long"),
    ],
)
def test_a_file_without_a_passphrase_is_refused(
    tmp_path: Path, content: bytes, refusal: str
) -> None:
    file = tmp_path / "passphrase"
    file.write_bytes(content)
    with pytest.raises(KeyRefused, match=refusal):
        read_passphrase(file)


def test_a_missing_file_and_a_folder_are_refused_by_name(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(KeyRefused, match=path.name):
            read_passphrase(path)
