"""Atomic writes: files and folders appear whole or not at all."""

from pathlib import Path

import pytest

from provisioning.disk import atomic_folder, write_atomically


def fail_within(path: Path) -> None:
    with atomic_folder(path) as part:
        write_atomically(part / "file", b"new")
        raise KeyboardInterrupt


def test_a_folder_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        fail_within(folder)
    assert list(tmp_path.iterdir()) == [folder]
    assert (folder / "file").read_bytes() == b"old"


def test_a_folder_that_succeeds_replaces_what_was_there(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "old").write_bytes(b"old")
    with atomic_folder(folder) as part:
        write_atomically(part / "new", b"new")
    assert [path.name for path in folder.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [folder]


def test_a_file_is_replaced_and_private(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_half_written_file_of_an_earlier_run_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / ".file.part").write_bytes(b"half")
    write_atomically(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
