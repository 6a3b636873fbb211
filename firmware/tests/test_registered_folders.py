"""What root made for a program while a camera was registered: the program owns all of it."""

import os
from pathlib import Path

import pytest

from firmware.registration.listener import give_to_owner
from firmware.tests.camera_setup import made_camera

PROGRAM = 12_345
"""Number of a user that this machine does not have."""
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="root gives files to other users")


def test_a_program_owns_all_that_was_made_in_its_folder(tmp_path: Path) -> None:
    state = made_camera(tmp_path).state
    for folder in (state.watch, state.courier, state.lampguard):
        os.chown(folder, PROGRAM, PROGRAM)
        give_to_owner(folder)
        owners = {path: path.lstat().st_uid for path in folder.rglob("*")}
        assert set(owners.values()) == {PROGRAM}
    assert len([path for path in state.watch.rglob("*") if path.parent != state.watch]) > 2


def test_what_a_link_points_to_stays_roots(tmp_path: Path) -> None:
    folder, outside = tmp_path / "program", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (folder / "link").symlink_to(outside)
    os.chown(folder, PROGRAM, PROGRAM)
    give_to_owner(folder)
    assert outside.stat().st_uid == 0
    assert (folder / "link").lstat().st_uid == PROGRAM
