"""Fixture: each test has a copy of the previous version's files, and runs in their folder."""

from pathlib import Path

import pytest

from hil_tests.tests.previous_version.unpacked import Previous, unpack


@pytest.fixture
def previous(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Previous:
    monkeypatch.chdir(tmp_path)
    return unpack(tmp_path)
