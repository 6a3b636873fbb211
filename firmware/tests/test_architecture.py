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
    "looking/schedule.py": {"quality"},
    "looking/search.py": {"gallery"},
    "nets.py": {"interpreter"},
}
"""`schedule` asks what box and points say, `search` compares templates with a list, `nets` names
an accelerator: none of them looks."""


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


def test_the_schedule_of_looks_sees_no_pixel() -> None:
    named = imported(MODULES["looking/schedule.py"])
    assert not {one for one in named if one.endswith((".measure", ".Pixels", ".Frame", "numpy"))}


@pytest.mark.parametrize("name", ["Lit", "_Lease"])
def test_only_the_lamp_makes_light(name: str) -> None:
    assert makers_of(name) == {"hardware/lamp.py"}


@pytest.mark.parametrize("name", ["Watchlist", "_Made"])
def test_only_the_verifier_makes_a_list(name: str) -> None:
    assert makers_of(name) == {"trust/watchlist.py"}


def test_only_files_whose_signatures_are_proven_become_a_list() -> None:
    assert makers_of("accept_list") == {"trust/site_verifier.py"}


def test_only_sight_and_the_lamp_open_pixels() -> None:
    planes = {"hardware/camera.py", "hardware/planes.py"}
    assert makers_of("pixels") == {"hardware/camera.py"}
    assert makers_of("small") == {"looking/sight.py"}
    assert makers_of("part") == makers_of("brightness") == {"looking/sight.py", *planes}


def test_only_sight_runs_the_nets() -> None:
    assert makers_of("find") | makers_of("template") == {"looking/sight.py"}


def test_every_look_takes_light_first() -> None:
    (sight,) = [
        node
        for node in ast.walk(MODULES["looking/sight.py"])
        if isinstance(node, ast.ClassDef) and node.name == "Sight"
    ]
    methods = [node for node in sight.body if isinstance(node, ast.FunctionDef)]
    methods = [
        each for each in methods if each.name != "forget"
    ]  # It overwrites, also in the dark.
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


OPENS_BY_PATH = {
    "assembly.py": {"read_bytes"},  # The site's root, in the image.
    "doctor/parts.py": {"exists", "read_text", "shutil.disk_usage", "shutil.which"},  # Of root.
    "guard/listener.py": {"chmod", "lstat", "mkdir", "unlink"},  # The guard's socket.
    "hardware/accelerator.py": {"glob", "read_text"},  # /sys.
    "hardware/temperature.py": {"read_text"},  # /sys.
    "looking/reporter.py": {"read_bytes", "rglob", "stat"},  # The program's code.
    "registration/board.py": {"exists", "open", "read_bytes"},  # /proc, /sys, /run, the image.
    "registration/listener.py": {"read_bytes"},  # The site's root, in the image.
    "trust/clock.py": {"read_text"},  # /proc.
    "trust/time_source.py": {"exists"},  # /run, of root.
    "trust/newer_list.py": {"read_bytes"},  # The site's root, in the image.
    "update/image.py": {"read_bytes"},  # The read-only image.
    # The site's root, in the image; a temporary folder for python-tuf, and root's own folder.
    "update/installer.py": {"mkdir", "open", "read_bytes", "readlink", "write_bytes"},
}
"""What belongs to root or to the guard alone, by module; all else is opened through `folder.py`."""
OPENED_FOR_TUF = {"trust/accepted.py"}
"""python-tuf opens a repository by path: decision 0017."""
OF_PATHS = {"exists", "is_dir", "is_file", "is_symlink", "stat", "lstat", "readlink", "touch"}
OF_PATHS |= {"read_bytes", "read_text", "write_bytes", "write_text", "chmod", "glob", "rglob"}
OF_PATHS |= {"iterdir", "mkdir", "unlink", "rmdir", "symlink_to", "hardlink_to"}
OF_THE_SYSTEM = {"open", "listdir", "scandir", "stat", "lstat", "rename", "replace", "remove"}
OF_THE_SYSTEM |= {"unlink", "mkdir", "makedirs", "rmdir", "symlink", "link", "readlink"}
OF_THE_SYSTEM |= {"truncate", "chmod", "chown", "mkfifo", "walk"}


def opened_by_path(tree: ast.AST) -> set[str]:
    """Return the calls with which a module reaches files by their paths."""
    found = set[str]()
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        below_a_folder = any(word.arg in {"dir_fd", "src_dir_fd"} for word in call.keywords)
        match call.func:
            case ast.Name(id="open" | "mkdtemp" | "mkstemp" as name):
                found.add(name)
            case ast.Attribute(value=ast.Name(id="os"), attr=name):
                if name in OF_THE_SYSTEM and not below_a_folder:
                    found.add(f"os.{name}")
            case ast.Attribute(value=ast.Name(id="shutil"), attr=name):
                found.add(f"shutil.{name}")
            case ast.Attribute(attr="open") if is_mode(call):
                found.add("open")
            case ast.Attribute(attr="rename" | "replace" as name) if len(call.args) == 1:
                found.add(name)
            case ast.Attribute(attr=name) if name in OF_PATHS:
                found.add(name)
            case _:
                pass
    return found


def is_mode(call: ast.Call) -> bool:
    """Return whether a call is `Path.open` and not `Folder.open`, which takes a limit."""
    return not any(word.arg == "limit" for word in call.keywords) and (
        not call.args or (isinstance(call.args[0], ast.Constant) and "b" in str(call.args[0].value))
    )


def test_files_of_the_state_folder_are_opened_below_an_open_folder() -> None:
    own = {"folder.py"} | OPENED_FOR_TUF
    found = {path: opened_by_path(tree) for path, tree in MODULES.items() if path not in own}
    assert {path: calls for path, calls in found.items() if calls} == OPENS_BY_PATH


@pytest.mark.parametrize(
    "line",
    [
        "open('x')",
        "path.open()",
        "path.open('rb')",
        "path.read_bytes()",
        "os.open(path, os.O_RDONLY)",
        "os.listdir(path)",
        "shutil.rmtree(path)",
        "path.replace(other)",
        "(folder / 'x').exists()",
    ],
)
def test_a_file_that_is_opened_by_its_path_is_found(line: str) -> None:
    assert opened_by_path(ast.parse(line))


@pytest.mark.parametrize(
    "line",
    [
        "folder.open('x', limit=1)",
        "folder.replace('x', b'')",
        "os.mkdir('x', 0o700, dir_fd=folder.descriptor)",
        "'a'.replace('a', 'b')",
        "now.replace(tzinfo=UTC)",
    ],
)
def test_what_is_opened_below_a_folder_is_not_found(line: str) -> None:
    assert not opened_by_path(ast.parse(line))
