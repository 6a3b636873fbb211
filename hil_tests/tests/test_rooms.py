"""A file in a wrong room fails `make check`: import-linter's contracts, tried on a scratch copy."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = (
    *("formats", "recognition", "wire", "terminal", "firmware", "provisioning", "estate", "models"),
    *("hil_tests", "benchmarks"),
)


def judged(copy: Path) -> subprocess.CompletedProcess[str]:
    """Return import-linter's result for the copy, which stands before the installed packages."""
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", program, "--no-cache"],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )


def all_but_code(_: str, names: list[str]) -> set[str]:
    return {name for name in names if "." in name and not name.endswith(".py")}


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("copy")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=all_but_code)
    return copy


def test_the_copy_itself_keeps_every_contract(copied: Path) -> None:
    done = judged(copied)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    "stray",
    [
        "firmware/stray.py",
        "firmware/looking/stray.py",
        "firmware/trust/stray.py",
        "provisioning/stray.py",
        "estate/stray.py",
        "hil_tests/stray.py",
        "hil_tests/rig/stray.py",
        "benchmarks/stray.py",
        "models/stray.py",
        "recognition/stray.py",
    ],
)
def test_a_file_that_is_in_no_room_is_refused(copied: Path, stray: str) -> None:
    file = copied / stray
    file.write_text('"""A file without a room."""\n')
    done = judged(copied)
    file.unlink()
    assert done.returncode == 1
    assert stray.removesuffix(".py").replace("/", ".") in done.stdout


@pytest.mark.parametrize(
    ("file", "imports"),
    [
        ("provisioning/keys/stray.py", "provisioning.lists.build"),
        ("provisioning/site/stray.py", "provisioning.broker.check"),
        ("estate/store/stray.py", "estate.verdicts"),
        ("estate/intake/stray.py", "estate.console.app"),
        ("hil_tests/scenes/stray.py", "hil_tests.rig.contract"),
        ("hil_tests/rig/desk/stray.py", "hil_tests.rig.virtual.machine"),
        ("firmware/hardware/stray.py", "firmware.looking.sight"),
        ("formats/stray.py", "wire.connection"),
        ("estate/report/stray.py", "provisioning.site.folder"),
    ],
)
def test_a_file_in_a_wrong_room_is_refused_for_what_it_imports(
    copied: Path, file: str, imports: str
) -> None:
    stray = copied / file
    stray.write_text(f'"""A file in a wrong room."""\n\nimport {imports}  # noqa: F401\n')
    done = judged(copied)
    stray.unlink()
    assert done.returncode == 1
    assert f"{file.removesuffix('.py').replace('/', '.')} -> {imports}" in done.stdout
