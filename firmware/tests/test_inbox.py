"""A site bundle arrives in the inbox, whole and unopened."""

import time
from pathlib import Path

import pytest

from firmware.delivery.inbox import INSTALL_S, Inbox, install
from firmware.errors import ForeignFile
from firmware.tests.power_cut import cut

OLD = {"metadata/1.root.json": b"root", "targets/old": b"old", "metadata/timestamp.json": b"1"}
NEW = {"metadata/1.root.json": b"root", "targets/new": b"new", "metadata/timestamp.json": b"2"}


def found(inbox: Path) -> dict[str, bytes]:
    paths = [path for path in inbox.rglob("*") if path.is_file()]
    return {path.relative_to(inbox).as_posix(): path.read_bytes() for path in paths}


def test_a_new_repository_takes_the_place_of_the_old(tmp_path: Path) -> None:
    install(tmp_path, OLD)
    install(tmp_path, NEW)
    assert found(tmp_path) == NEW


def test_what_is_the_same_is_not_written_again(tmp_path: Path) -> None:
    install(tmp_path, NEW)
    before = (tmp_path / "metadata" / "timestamp.json").stat().st_mtime_ns
    install(tmp_path, NEW)
    assert (tmp_path / "metadata" / "timestamp.json").stat().st_mtime_ns == before


def test_of_many_repositories_the_newest_is_written_and_one_in_ten_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox, now_s = Inbox(tmp_path), time.monotonic()
    for files in (OLD, OLD | {"targets/between": b""}, NEW):
        inbox.take(files)
        inbox.install_if_due()
    assert found(tmp_path) == OLD
    monkeypatch.setattr(time, "monotonic", lambda: now_s + INSTALL_S + 1)
    inbox.install_if_due()
    assert found(tmp_path) == NEW


@pytest.mark.parametrize("step", range(1, 8))
def test_after_a_power_cut_a_new_timestamp_has_all_its_files(tmp_path: Path, step: int) -> None:
    install(tmp_path, OLD)
    cut(step, lambda: install(tmp_path, NEW))
    now = found(tmp_path)
    newest = NEW if now["metadata/timestamp.json"] == b"2" else OLD
    assert newest.items() <= now.items()


def test_what_a_power_cut_left_over_is_removed_by_the_next(tmp_path: Path) -> None:
    install(tmp_path, OLD)
    (tmp_path / "targets" / ".new.part").write_bytes(b"half")
    install(tmp_path, NEW)
    assert found(tmp_path) == NEW


@pytest.mark.parametrize("name", ["metadata/timestamp.json", "targets/new", "targets/.new.part"])
def test_the_courier_writes_through_no_link_in_its_inbox(tmp_path: Path, name: str) -> None:
    inbox, outside = tmp_path / "inbox", tmp_path / "outside"
    install(inbox, OLD)
    outside.write_bytes(b"2")
    (inbox / name).unlink(missing_ok=True)
    (inbox / name).symlink_to(outside)
    install(inbox, NEW)
    assert outside.read_bytes() == b"2"
    assert found(inbox) == NEW
    assert not any(path.is_symlink() for path in inbox.rglob("*"))


def test_a_link_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    install(inbox, OLD)
    (inbox / "metadata").rename(tmp_path / "moved")
    (inbox / "metadata").symlink_to(tmp_path / "moved")
    with pytest.raises(ForeignFile, match="metadata is a symbolic link"):
        install(inbox, NEW)
