"""The tool of `make mutants`: a survivor and a vanished line are told; the tree is not touched.

The mutants themselves run in `make mutants`. Here each entry is only compared with today's code.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hil_tests.long.mutants.listed import misfits, read_mutants

ROOT = Path(__file__).parents[2]
CODE = "def is_old(years):\n    return years >= 70\n"
TESTS = """
import pytest
from formats.age import is_old

def test_eighty_is_old():
    assert is_old(80)

def test_seventy_is_old():
    assert is_old(70)

def test_that_fails_anyway():
    assert False

def test_that_is_left_out():
    pytest.skip("This machine lacks something.")
"""
ENTRY = """
[["formats/age.py"]]
guards = "an age"
old = ">= 70"
new = "{new}"
by = "test_age.py::{by}"
"""

Tool = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    """Return the tool on a made-up tree, whose package has the name of a real one."""
    tree, lists = tmp_path / "tree", tmp_path / "lists"
    (tree / "formats").mkdir(parents=True)
    (tree / "formats" / "__init__.py").touch()
    (tree / "test_age.py").write_text(TESTS)
    lists.mkdir()
    subprocess.run(["git", "init", "--quiet", tree], check=True)

    def run(
        *, code: str = CODE, new: str = "> 70", by: str = "test_seventy_is_old"
    ) -> subprocess.CompletedProcess[str]:
        (tree / "formats" / "age.py").write_text(code)
        (lists / "one.toml").write_text(ENTRY.format(new=new, by=by))
        module = (sys.executable, "-m", "hil_tests.long.mutants")
        done = subprocess.run(
            [*module, "--tree", tree, "--lists", lists],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (tree / "formats" / "age.py").read_text() == code
        return done

    return run


def test_a_mutant_that_fails_its_test_is_caught(tool: Tool) -> None:
    done = tool()
    assert "1 of 1 mutations were caught" in done.stdout
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("by", "said"), [("test_eighty_is_old", "SURVIVED"), ("test_that_is_left_out", "SKIPPED")]
)
def test_a_mutant_that_no_test_fails_is_named(tool: Tool, by: str, said: str) -> None:
    done = tool(by=by)
    assert f"{said}: formats/age.py: >= 70" in done.stdout
    assert done.returncode == 1


def test_a_test_that_fails_anyway_catches_nothing(tool: Tool) -> None:
    done = tool(by="test_that_fails_anyway")
    assert "A test fails without any mutation" in done.stderr
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("new", "by", "said"),
    [
        ("> > 70", "test_seventy_is_old", "is no Python"),
        (">= 70", "test_seventy_is_old", "is not changed"),
        ("> 70", "test_of_another_time", "there is no test"),
    ],
)
def test_an_entry_that_does_not_fit_is_refused(tool: Tool, new: str, by: str, said: str) -> None:
    done = tool(new=new, by=by)
    assert said in done.stderr
    assert done.returncode == 1


@pytest.mark.parametrize("code", ["", CODE + CODE], ids=["gone", "twice"])
def test_an_old_text_that_does_not_occur_once_is_refused(tool: Tool, code: str) -> None:
    done = tool(code=code)
    assert f"occurs {code.count('>= 70')} times: write the line as it is today" in done.stderr
    assert done.returncode == 1


def test_every_entry_fits_the_code_of_today() -> None:
    mutants = read_mutants()
    assert len(mutants) >= 80
    assert misfits(ROOT, mutants) == []
