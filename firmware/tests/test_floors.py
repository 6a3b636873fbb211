"""Rollback floors: they only rise, and one whole copy is enough after a power cut."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.errors import FloorsBroken
from firmware.tests.verifier import flip
from firmware.tests.worn_card import worn_card
from firmware.trust.floors import COPIES, ROLES, Floors, begin_floors, raise_floors, read_floors

HIGH = Floors(2000, dict.fromkeys(ROLES, 7))
LOW = Floors(1000, dict.fromkeys(ROLES, 3))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a new camera's floors."""
    begin_floors(tmp_path)
    return tmp_path


def test_a_new_camera_begins_at_the_bottom_and_only_once(folder: Path) -> None:
    assert read_floors(folder) == Floors(0, dict.fromkeys(ROLES, 0))
    raise_floors(folder, HIGH)
    begin_floors(folder)
    assert read_floors(folder) == HIGH


@pytest.mark.parametrize("worn", COPIES)
def test_one_copy_that_the_card_does_not_give_back_keeps_no_camera_dark(
    folder: Path, worn: str
) -> None:
    raise_floors(folder, LOW)
    with worn_card(worn):
        assert read_floors(folder) == LOW
        raise_floors(folder, HIGH)
    assert read_floors(folder) == HIGH


def test_floors_that_vanished_are_no_new_cameras(folder: Path) -> None:
    raise_floors(folder, HIGH)
    for name in COPIES:
        (folder / name).unlink()
    with pytest.raises(FloorsBroken, match="broken or gone"):
        read_floors(folder)
    with pytest.raises(FloorsBroken, match="register it again"):
        raise_floors(folder, HIGH)
    folder.rmdir()
    with pytest.raises(FloorsBroken, match="broken or gone"):
        read_floors(folder)
    with pytest.raises(FloorsBroken, match="register it again"):
        raise_floors(folder, HIGH)


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_that_is_no_file_is_a_broken_one(folder: Path, name: str) -> None:
    raise_floors(folder, HIGH)
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert read_floors(folder) == HIGH
    raise_floors(folder, LOW)
    assert len({(folder / copy).read_bytes() for copy in COPIES}) == 1


def test_floors_only_rise(folder: Path) -> None:
    raise_floors(folder, HIGH)
    raise_floors(folder, LOW)
    assert read_floors(folder) == HIGH


@pytest.mark.parametrize("name", COPIES)
def test_every_byte_of_one_copy_may_be_broken(folder: Path, name: str) -> None:
    raise_floors(folder, HIGH)
    whole = (folder / name).read_bytes()
    for at in range(len(whole)):
        flip(folder / name, at)
        assert read_floors(folder) == HIGH
        (folder / name).write_bytes(whole)


@pytest.mark.parametrize("name", COPIES)
def test_a_broken_copy_is_mended_by_the_next_rise(folder: Path, name: str) -> None:
    raise_floors(folder, HIGH)
    (folder / name).write_bytes(b"")
    raise_floors(folder, LOW)
    assert len({(folder / copy).read_bytes() for copy in COPIES}) == 1


@pytest.mark.parametrize("name", COPIES)
def test_one_copy_of_an_older_day_does_not_lower_them(folder: Path, name: str) -> None:
    raise_floors(folder, LOW)
    older = (folder / name).read_bytes()
    raise_floors(folder, HIGH)
    (folder / name).write_bytes(older)
    assert read_floors(folder) == HIGH


def test_two_broken_copies_are_refused(folder: Path) -> None:
    raise_floors(folder, HIGH)
    for name in COPIES:
        flip(folder / name, 0)
    with pytest.raises(FloorsBroken, match="register it again"):
        read_floors(folder)
    with pytest.raises(FloorsBroken):
        raise_floors(folder, HIGH)


@settings(deadline=None)  # The disk may be busy.
@given(cut=st.integers(0, 400), second=st.integers(0, 1))
def test_a_write_cut_off_anywhere_leaves_the_old_or_the_new(
    tmp_path_factory: pytest.TempPathFactory, cut: int, second: int
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    begin_floors(folder)
    raise_floors(folder, LOW)
    new = tmp_path_factory.mktemp("new")
    begin_floors(new)
    raise_floors(new, HIGH)
    lines = [(new / name).read_bytes() for name in COPIES]
    if second:
        (folder / COPIES[0]).write_bytes(lines[0])
    (folder / COPIES[second]).write_bytes(lines[second][:cut])
    assert read_floors(folder) in {LOW.utc_s: LOW, HIGH.utc_s: HIGH}.values()
