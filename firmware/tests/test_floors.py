"""Rollback floors: they only rise, and one whole copy is enough after a power cut."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.errors import FloorsBroken
from firmware.tests.verifier import flip
from firmware.trust.floors import COPIES, ROLES, Floors, raise_floors, read_floors

HIGH = Floors(2000, dict.fromkeys(ROLES, 7))
LOW = Floors(1000, dict.fromkeys(ROLES, 3))


def test_nothing_was_ever_written(tmp_path: Path) -> None:
    assert read_floors(tmp_path) == Floors()


def test_floors_only_rise(tmp_path: Path) -> None:
    raise_floors(tmp_path, HIGH)
    raise_floors(tmp_path, LOW)
    assert read_floors(tmp_path) == HIGH


@pytest.mark.parametrize("name", COPIES)
def test_every_byte_of_one_copy_may_be_broken(tmp_path: Path, name: str) -> None:
    raise_floors(tmp_path, HIGH)
    whole = (tmp_path / name).read_bytes()
    for at in range(len(whole)):
        flip(tmp_path / name, at)
        assert read_floors(tmp_path) == HIGH
        (tmp_path / name).write_bytes(whole)


@pytest.mark.parametrize("name", COPIES)
def test_a_broken_copy_is_mended_by_the_next_rise(tmp_path: Path, name: str) -> None:
    raise_floors(tmp_path, HIGH)
    (tmp_path / name).write_bytes(b"")
    raise_floors(tmp_path, LOW)
    assert len({(tmp_path / copy).read_bytes() for copy in COPIES}) == 1


@pytest.mark.parametrize("name", COPIES)
def test_one_copy_of_an_older_day_does_not_lower_them(tmp_path: Path, name: str) -> None:
    raise_floors(tmp_path, LOW)
    older = (tmp_path / name).read_bytes()
    raise_floors(tmp_path, HIGH)
    (tmp_path / name).write_bytes(older)
    assert read_floors(tmp_path) == HIGH


def test_two_broken_copies_are_refused(tmp_path: Path) -> None:
    raise_floors(tmp_path, HIGH)
    for name in COPIES:
        flip(tmp_path / name, 0)
    with pytest.raises(FloorsBroken, match="register it again"):
        read_floors(tmp_path)
    with pytest.raises(FloorsBroken):
        raise_floors(tmp_path, HIGH)


@settings(deadline=None)  # The disk may be busy.
@given(cut=st.integers(0, 400), second=st.integers(0, 1))
def test_a_write_cut_off_anywhere_leaves_the_old_or_the_new(
    tmp_path_factory: pytest.TempPathFactory, cut: int, second: int
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    raise_floors(folder, LOW)
    new = tmp_path_factory.mktemp("new")
    raise_floors(new, HIGH)
    lines = [(new / name).read_bytes() for name in COPIES]
    if second:
        (folder / COPIES[0]).write_bytes(lines[0])
    (folder / COPIES[second]).write_bytes(lines[second][:cut])
    assert read_floors(folder) in {LOW.utc_s: LOW, HIGH.utc_s: HIGH}.values()
