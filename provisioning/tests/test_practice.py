"""A registration is practised with pretend cameras: the same messages, and nothing is kept."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from provisioning.registration.practice import PretendCamera, pretend_bench


def stars(line: str) -> str:
    """Return what a person types who counts the stars of a line."""
    return " ".join(str(len(group)) for group in line.partition(":")[2].split())


def test_a_person_who_counts_the_stars_registers_a_pretend_camera() -> None:
    words = [sys.executable, "-m", "provisioning", "register", "practise", "--count", "1"]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        assert program.stdin
        assert program.stderr
        assert program.stdout
        line = next(line for line in program.stderr if "each star" in line)
        program.stdin.write(stars(line) + "\n")
        program.stdin.flush()
        assert "label of pretend-1 would be printed" in program.stderr.read()
        assert program.stdout.read().strip() == "1 pretend camera registered. Nothing was kept."
    assert program.returncode == 0


def test_nothing_of_a_practice_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pretend_bench(1, lambda _: None) as made:
        (camera,) = made.cables
        assert isinstance(camera, PretendCamera)
        assert [path.name for path in tmp_path.iterdir()] != []
    assert [*tmp_path.iterdir()] == []
