"""Every test here has the previous version's files for itself, and is in their folder."""

from pathlib import Path

import pytest

from hil_tests.tests.previous_version.unpacked import Previous, unpack


@pytest.fixture
def previous(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Previous:
    monkeypatch.chdir(tmp_path)
    return unpack(tmp_path)
