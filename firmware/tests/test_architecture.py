"""Rules about the firmware's source: which modules use the nets, make a proof, or take one."""

import ast
from pathlib import Path

import pytest

FIRMWARE = Path(__file__).parents[1]
MODULES = {
    path.relative_to(FIRMWARE).as_posix(): ast.parse(path.read_text())
    for path in sorted(FIRMWARE.rglob("*.py"))
    if "tests" not in path.relative_to(FIRMWARE).parts
}
NETS = {"detector", "embedder", "aligner", "quality", "interpreter", "gallery"}
MEET_THE_NETS = {
    "looking/sight.py": {"aligner", "quality"},
    "looking/search.py": {"gallery"},
    "nets.py": {"interpreter"},
}
"""`search` compares templates with a list, and `nets` names the accelerator: neither looks."""


def imported(tree: ast.AST) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def called(tree: ast.AST) -> set[str]:
    """Return the last names of all functions and methods that are called."""
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = {call.id for call in calls if isinstance(call, ast.Name)}
    return names | {call.attr for call in calls if isinstance(call, ast.Attribute)}


def makers_of(name: str) -> set[str]:
    return {path for path, tree in MODULES.items() if name in called(tree)}


def test_the_modules_are_found() -> None:
    assert {"looking/sight.py", "hardware/lamp.py", "delivery/outbox.py"} <= set(MODULES)


def test_only_sight_meets_the_nets() -> None:
    meetings = {
        path: {net for net in NETS if f"recognition.{net}" in imported(tree)}
        for path, tree in MODULES.items()
    }
    assert {path: nets for path, nets in meetings.items() if nets} == MEET_THE_NETS


@pytest.mark.parametrize("name", ["Lit", "_Lease"])
def test_only_the_lamp_makes_light(name: str) -> None:
    assert makers_of(name) == {"hardware/lamp.py"}


@pytest.mark.parametrize("name", ["Watchlist", "_Made"])
def test_only_the_verifier_makes_a_list(name: str) -> None:
    assert makers_of(name) == {"trust/watchlist.py"}


def test_only_files_whose_signatures_are_proven_become_a_list() -> None:
    assert makers_of("accept_list") == {"trust/site_verifier.py"}


def test_only_sight_and_the_lamp_open_pixels() -> None:
    assert makers_of("pixels") == {"looking/sight.py", "hardware/camera.py"}
    assert makers_of("small") == {"looking/sight.py"}


def test_only_sight_runs_the_nets() -> None:
    assert makers_of("find") | makers_of("template") == {"looking/sight.py"}


def test_every_look_takes_light_first() -> None:
    (sight,) = [
        node
        for node in ast.walk(MODULES["looking/sight.py"])
        if isinstance(node, ast.ClassDef) and node.name == "Sight"
    ]
    methods = [node for node in sight.body if isinstance(node, ast.FunctionDef)]
    looks = [each for each in methods if not each.name.startswith("_") and not each.decorator_list]
    first = {each.name: ast.unparse(each.args.args[1]) for each in looks}
    assert set(first.values()) == {"lit: Lit"}
    assert len(first) == 3


def test_every_function_that_takes_a_frame_takes_light_before_it() -> None:
    takers = {}
    for path, tree in MODULES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                arguments = [ast.unparse(each) for each in node.args.args]
                if "frame: Frame" in arguments:
                    light = "lit: Lit" in arguments[: arguments.index("frame: Frame")]
                    takers[f"{path}:{node.name}"] = light
    assert takers
    assert all(takers.values()), takers


def test_nothing_runs_a_shell_or_reads_the_environment() -> None:
    assert makers_of("getenv") | makers_of("system") == set()
    readers = [path for path, tree in MODULES.items() if "os.environ" in ast.unparse(tree)]
    assert readers == ["supervisor.py"]  # It reads the supervisor's socket, and nothing else.
