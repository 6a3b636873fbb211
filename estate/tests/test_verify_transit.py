"""The outsiders' verifier says what a copy has done to the books, and does not accuse them."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from estate.accounts import verify
from estate.tests.books import Office
from estate.tests.handed_over import books, outsider

LEDGER = "estate.jsonl"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    office = Office(tmp_path_factory.mktemp("made") / "office")
    yield books(office)
    office.store.close()


@pytest.fixture
def handed(exported: Path, tmp_path: Path) -> Path:
    """Return a copy of the books for one test to damage."""
    return Path(shutil.copytree(exported, tmp_path / "carried" / "handed"))


def refusal(folder: Path) -> str:
    """Return the sentence with which the books are refused; empty if they hold."""
    try:
        verify.verify_books(folder, None)
    except verify.NotAsExported as error:
        return str(error)
    return ""


FILES = (LEDGER, "estate.checkpoint", "keys.json")


@pytest.mark.parametrize("name", FILES)
def test_changed_line_ends_are_named(handed: Path, name: str) -> None:
    path = handed / name
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert refusal(handed).startswith(f"{name} has other line ends (CRLF)")


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\xff\xfe"])
@pytest.mark.parametrize("name", FILES)
def test_a_byte_order_mark_is_named(handed: Path, name: str, mark: bytes) -> None:
    path = handed / name
    path.write_bytes(mark + path.read_bytes())
    assert refusal(handed).startswith(f"{name} begins with a byte-order mark")


@pytest.mark.parametrize("name", [*FILES, "site"])
def test_upper_case_names_are_named(handed: Path, name: str) -> None:
    (handed / name).rename(handed / name.upper())
    expected = f"The name {name.upper()!r} was changed to upper case in transit"
    assert refusal(handed).startswith(expected)


@pytest.mark.parametrize(
    "name", ["._estate.jsonl", ".DS_Store", "._keys.json", "._estate.checkpoint"]
)
def test_dot_files_are_not_the_books(handed: Path, name: str) -> None:
    (handed / name).write_bytes(b"\x00\x05\x16\x07")
    (handed / "site" / "metadata" / f"._{name}.targets.json").write_bytes(b"\x00\x05")
    assert refusal(handed) == ""


def test_other_files_beside_the_books_are_left_alone(handed: Path) -> None:
    (handed / "README.TXT").write_bytes(b"hello")
    assert refusal(handed) == ""


def test_a_folder_one_level_too_high_is_named(handed: Path) -> None:
    assert refusal(handed.parent) == f"The books are one folder deeper: name {handed}."


def test_a_folder_without_books_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path} holds no books: name the folder of the export."


@pytest.mark.parametrize("cut", [1, 40])
def test_a_file_that_was_cut_short_is_named(handed: Path, cut: int) -> None:
    path = handed / LEDGER
    path.write_bytes(path.read_bytes()[:-cut])
    assert refusal(handed).startswith(f"{LEDGER} ends within a line: it was cut short in transit")


def as_link(path: Path) -> None:
    path.rename(path.with_name(".elsewhere"))
    path.symlink_to(path.with_name(".elsewhere"))


def as_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("replace", [as_link, as_pipe])
@pytest.mark.parametrize("name", FILES)
def test_what_is_not_a_plain_file_is_named(
    handed: Path, name: str, replace: Callable[[Path], None]
) -> None:
    replace(handed / name)
    assert refusal(handed) == f"{name!r} is not a plain file: copy the file itself."


def test_a_file_without_end_is_read_to_its_bound(handed: Path) -> None:
    with (handed / "keys.json").open("ab") as file:
        file.truncate(2**33)
    assert refusal(handed) == f"keys.json is longer than {verify.FILE_LIMIT:,} bytes."


@pytest.mark.long
def test_a_line_without_end_is_read_to_its_bound(handed: Path) -> None:
    with (handed / LEDGER).open("ab") as file:
        number = len((handed / LEDGER).read_bytes().splitlines())
        file.truncate(2**33)
    assert refusal(handed) == f"{LEDGER}, record {number}: it is not a record in canonical form"


@pytest.mark.parametrize(
    "damage", [b"", b"[]", b"7", b'{"estate":7}', b'{"estate":"AB"}', b"[" * 9999]
)
def test_a_table_of_keys_that_is_none_is_refused_in_one_sentence(
    handed: Path, damage: bytes
) -> None:
    (handed / "keys.json").write_bytes(damage)
    assert refusal(handed).startswith("keys.json is not a table of keys: ")


@pytest.mark.parametrize("damage", [b"", b"[]", b"{}", b"null", b"[" * 999, b"\xff"])
def test_a_checkpoint_that_is_none_is_refused_in_one_sentence(handed: Path, damage: bytes) -> None:
    with (handed / "estate.checkpoint").open("ab") as file:
        file.write(damage + b"\n")
    assert refusal(handed).startswith("A checkpoint in estate.checkpoint does not hold: ")


@pytest.mark.parametrize("folder", ["nowhere", "handed/keys.json"])
def test_what_is_no_folder_is_refused_in_one_sentence(handed: Path, folder: str) -> None:
    said = outsider(handed.parent / folder)
    assert (said.returncode, said.stderr.count("\n"), "Traceback" in said.stderr) == (1, 1, False)
