"""Files of a repository that are missing, altered, endless or no files."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from firmware.tests.desk import (
    DIM,
    Desk,
    template_row,
)
from firmware.tests.test_folder import FOREIGN
from firmware.tests.verifier import Camera, flip, only, refused
from firmware.trust.floors import floors_of
from firmware.trust.watchlist import Refusal
from formats.watchlist import Body, write_body


@pytest.fixture
def camera(tmp_path: Path) -> Camera:
    return Camera(tmp_path)


@pytest.mark.parametrize("at", [0, 100, 200, -1])
@pytest.mark.parametrize(
    "target", ["policy.json", "recipients.json", "watchlist-mill.json", "watchlist-mill.sealed"]
)
def test_a_flipped_byte_of_a_target_is_refused(camera: Camera, target: str, at: int) -> None:
    Desk().publish(camera.inbox)
    flip(only(camera.inbox, f"targets/*.{target}"), at)
    with refused(Refusal.ALTERED):
        camera.looks()


def test_a_body_that_the_case_file_does_not_name_is_refused(camera: Camera) -> None:
    with refused(Refusal.ALTERED):
        camera.takes(Desk(amend_case=lambda case: replace(case, body_digest=bytes(32))))


def test_a_body_with_other_rows_is_refused(camera: Camera) -> None:
    one_row = write_body(Body(DIM, bytes([1]) * 16, template_row(0)))
    with refused(Refusal.ALTERED):
        camera.takes(Desk(amend_body=lambda _: one_row))


def test_a_sealed_payload_that_is_no_body_is_refused(camera: Camera) -> None:
    with refused(Refusal.FORM):
        camera.takes(Desk(amend_body=lambda body: body + b"\0"))


def test_a_body_of_another_dimension_is_refused(camera: Camera) -> None:
    with refused(Refusal.ALTERED):
        camera.takes(Desk(amend_case=lambda case: replace(case, dim=DIM + 1)))


@pytest.mark.parametrize(
    "name",
    [
        "metadata/timestamp.json",
        "metadata/1.snapshot.json",
        "metadata/1.targets.json",
        "metadata/1.site-mill.json",
        "targets/*.policy.json",
        "targets/*.recipients.json",
        "targets/*.watchlist-mill.json",
        "targets/*.watchlist-mill.sealed",
    ],
)
def test_a_missing_file_is_refused(camera: Camera, name: str) -> None:
    Desk().publish(camera.inbox)
    only(camera.inbox, name).unlink()
    with refused(Refusal.MISSING):
        camera.looks()


def test_a_missing_inbox_is_refused(camera: Camera) -> None:
    with refused(Refusal.MISSING):
        camera.looks()


@pytest.mark.parametrize("what", FOREIGN)
@pytest.mark.parametrize("name", ["metadata/timestamp.json", "targets/*.watchlist-mill.sealed"])
def test_what_is_no_plain_file_is_refused_at_once_and_by_name(
    camera: Camera, name: str, what: str
) -> None:
    camera.takes(Desk())
    before = set(camera.inbox.glob("targets/*"))
    Desk().publish(camera.inbox, version=2)
    (path,) = set(camera.inbox.glob(name)) - before
    path.unlink()
    make, named = FOREIGN[what]
    make(path)
    began_s = time.monotonic()
    with refused(Refusal.FILE, match=f"{path.name} is .*{named}"):
        camera.looks()
    assert time.monotonic() - began_s < 1
    assert camera.reloads().version == 1


@pytest.mark.parametrize("name", ["metadata", "targets", "."])
def test_a_link_in_place_of_a_folder_is_refused(camera: Camera, name: str) -> None:
    Desk().publish(camera.inbox)
    folder = camera.inbox / name
    moved = folder.rename(folder.parent / "moved")
    folder.symlink_to(moved)
    with refused(Refusal.FILE, match="symbolic link"):
        camera.looks()


def test_metadata_that_is_no_json_is_refused(camera: Camera) -> None:
    Desk().publish(camera.inbox)
    (camera.inbox / "metadata" / "timestamp.json").write_bytes(b"{")
    with refused(Refusal.FORM):
        camera.looks()


def test_nothing_was_accepted_yet(camera: Camera) -> None:
    with refused(Refusal.MISSING):
        camera.reloads()
    assert not camera.kept()


def test_an_accepted_list_that_vanished_is_no_new_cameras(camera: Camera) -> None:
    camera.takes(Desk(), version=2)
    (camera.metadata / "accepted").unlink()
    with refused(Refusal.FLOORS, match="is gone"):
        camera.looks()
    with refused(Refusal.FLOORS, match="is gone"):
        camera.reloads()


def test_floors_that_vanished_are_no_new_cameras(camera: Camera) -> None:
    camera.takes(Desk(), version=2)
    for path in floors_of(camera.metadata).iterdir():
        path.unlink()
    with refused(Refusal.FLOORS, match="broken or gone"):
        camera.looks()
    with refused(Refusal.FLOORS, match="broken or gone"):
        camera.reloads()
