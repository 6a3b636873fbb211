"""Each test runs in exactly one of the commands of `make test-all`, with any marks."""

import ast
import re
import subprocess
from pathlib import Path

import pytest
from _pytest.mark.expression import Expression

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


def recipe(target: str) -> list[str]:
    """Return the lines of a target's recipe."""
    found = re.search(rf"^{target}:[^\n]*\n((?:\t[^\n]*\n)+)", MAKEFILE, re.MULTILINE)
    assert found is not None, target
    return found[1].splitlines()


SELECTIONS = [
    found[1]
    for line in recipe("test") + recipe("test-long")
    if (found := re.search(r'-m "(.+)"$', line)) is not None
]


def test_all_is_both() -> None:
    assert re.search(r"^test-all: test test-long ", MAKEFILE, re.MULTILINE)
    assert len(SELECTIONS) == len(recipe("test") + recipe("test-long"))


@pytest.mark.parametrize("marks", [(), ("alone",), ("long",), ("alone", "long")])
def test_exactly_one_command_takes_a_test(marks: tuple[str, ...]) -> None:
    def carries(name: str, /, **_: object) -> bool:
        assert name in {"alone", "long"}
        return name in marks

    assert [Expression.compile(each).evaluate(carries) for each in SELECTIONS].count(True) == 1


def is_alone(node: ast.FunctionDef, module: ast.Module) -> bool:
    """Return whether a test carries the mark `alone`, by itself or with its whole module."""
    marks = [ast.unparse(one) for one in node.decorator_list]
    marks += [ast.unparse(one) for one in module.body if isinstance(one, ast.Assign)]
    return any("pytest.mark.alone" in mark for mark in marks)


def test_a_test_with_a_real_guard_runs_alone() -> None:
    """Its lease ends after 200 ms: beside other tests, a busy machine ends the light."""
    beside = []
    for path in (ROOT / "firmware" / "tests").glob("test_*.py"):
        module = ast.parse(path.read_text("utf-8"))
        for node in module.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                called = {
                    ast.unparse(one.func) for one in ast.walk(node) if isinstance(one, ast.Call)
                }
                if "guarding" in called and not is_alone(node, module):
                    beside.append(f"{path.name}::{node.name}")
    assert beside == []


def test_every_file_of_tests_is_below_a_folder_that_is_searched(
    pytestconfig: pytest.Config,
) -> None:
    files = subprocess.run(
        ["git", "ls-files", "*test_*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert {file.split("/")[0] for file in files} <= set(pytestconfig.getini("testpaths"))


def test_the_gate_runs_all() -> None:
    assert "make test-all" in (ROOT / ".ci" / "run").read_text().splitlines()
