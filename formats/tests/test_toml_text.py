"""TOML that a person wrote, with any editor."""

from pathlib import Path

import pytest

from formats.errors import Malformed, TooLarge
from formats.toml_text import TOML_LIMIT, parse_toml, read_toml


def test_a_byte_order_mark_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_bytes("\ufeffsite = 'mill-lane'\r\n".encode())
    assert read_toml(tmp_path / "plan.toml") == {"site": "mill-lane"}


def test_another_encoding_is_named_with_its_line() -> None:
    with pytest.raises(Malformed, match=r"^Line 2 is not text in UTF-8: save the file as UTF-8\.$"):
        parse_toml("a = 1\nb = 'Müller'\n".encode("latin-1"))


@pytest.mark.parametrize("text", ["a =", "[a", "a = 1\na = 2", "a = " + "[" * 5000])
def test_what_is_no_toml_is_refused(text: str) -> None:
    with pytest.raises(Malformed, match="It is not TOML"):
        parse_toml(text.encode())


def test_an_endless_file_is_not_read_to_its_end() -> None:
    with pytest.raises(TooLarge, match="more than 256 KiB"):
        read_toml(Path("/dev/zero"))
    parse_toml(b"#" * TOML_LIMIT)
