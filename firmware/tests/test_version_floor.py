"""Rollback protection of updates: the floor survives, only rises, and a broken one refuses."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.errors import ForeignFile, UpdateRefused
from firmware.update.version_floor import raise_version_floor, version_floor
from formats.errors import Malformed
from formats.firmware_offer import FirmwareVersion, read_version

VERSIONS = st.lists(st.integers(0, 99999), min_size=2, max_size=4).map(
    lambda numbers: FirmwareVersion(tuple(numbers))
)


def test_the_floor_of_a_new_camera_is_what_runs(tmp_path: Path) -> None:
    assert version_floor(tmp_path / "update", read_version("0.3.0")) == read_version("0.3.0")


def test_the_floor_outlives_a_fall_back(tmp_path: Path) -> None:
    raise_version_floor(tmp_path / "update", read_version("0.10.0"))
    raise_version_floor(tmp_path / "update", read_version("0.9.0"))  # The old slot gets ready.
    assert version_floor(tmp_path / "update", read_version("0.9.0")) == read_version("0.10.0")


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"newest", b"1", b"1.2\n", b"01.2", b"1.2.3.4.5"]
)
def test_a_broken_floor_refuses(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "version-floor").write_bytes(content)
    with pytest.raises(UpdateRefused, match="is broken, so an older version"):
        version_floor(tmp_path, read_version("0.3.0"))


def test_a_floor_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "version-floor").symlink_to("/etc/hostname")
    with pytest.raises(ForeignFile):
        version_floor(tmp_path, read_version("0.3.0"))


@given(VERSIONS)
def test_a_version_has_one_spelling(version: FirmwareVersion) -> None:
    assert read_version(str(version)) == version


@given(st.text(max_size=30))
def test_any_text_is_a_version_in_its_spelling_or_refused(text: str) -> None:
    try:
        version = read_version(text)
    except Malformed:
        return
    assert str(version) == text


def test_versions_compare_number_by_number() -> None:
    assert (
        read_version("0.9") < read_version("0.9.0") < read_version("0.9.1") < read_version("0.10")
    )
