"""The Makefile and its tools: what a user types arrives as typed; what no commit may hold."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHECK_FILES = ROOT / "tools" / "check-files"


def make(*words: str, file: Path = ROOT / "Makefile") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", "-f", str(file), *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={name: value for name, value in os.environ.items() if "MAKE" not in name},
    )


def git(folder: Path, *words: str) -> None:
    author = ("-c", "user.name=A developer", "-c", "user.email=a@example.com")
    subprocess.run(["git", *author, *words], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize(
    "typed",
    [
        "/x/o'b/my video.mp4",
        "pay$day.jpg",
        "$(shell echo no).jpg",
        'a "quoted" name.png',
        "~/a.png",
        "back\\slash; true.jpg",
    ],
)
@pytest.mark.parametrize("target", ["shown", "shown-by-an-earlier-name"])
def test_what_a_user_gives_arrives_as_it_was_typed(tmp_path: Path, typed: str, target: str) -> None:
    file = tmp_path / "Makefile"
    file.write_text(
        f"include {ROOT}/Makefile\n"
        'shown:\n\t@printf "%s\\n" $(call option,SOURCE) $(call given,PERSON)\n'
        f"shown-by-an-earlier-name:\n\t@$(MAKE) --no-print-directory -f {file} shown\n"
    )
    lines = make(target, f"SOURCE={typed}", f"PERSON={typed}", file=file).stdout.splitlines()
    assert lines == ["--source", typed, typed]


def test_the_demo_takes_the_users_home_folder_for_a_quoted_tilde(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hil_tests.demo", "--source", "~/none.mp4", "--person", "~/no.png"],
        cwd=ROOT,
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert str(tmp_path) in done.stderr


def test_earlier_names_of_commands_work_and_name_the_new_one() -> None:
    done = make("-n", "chaos", "EVENTS=5")
    assert "make chaos is now called make long-chaos." in done.stdout
    assert "hil_tests.long.chaos" in done.stdout


def test_the_help_lists_every_command_that_is_meant_for_people() -> None:
    listed = set(re.findall(r"^  make ([a-z-]+)", make().stdout, re.MULTILINE))
    written = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert listed == written
    assert {"demo", "test", "check", "hil", "bench"} <= listed


def test_no_line_of_the_makefile_or_a_tool_is_longer_than_120() -> None:
    files = [ROOT / "Makefile", *sorted((ROOT / "tools").iterdir())]
    assert [file.name for file in files if max(map(len, file.read_text().splitlines())) > 120] == []


def test_a_large_file_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "film.mp4"
    file.write_bytes(bytes(524_289))
    done = subprocess.run([CHECK_FILES, file], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "film.mp4 has 524289 bytes" in done.stdout


@pytest.mark.parametrize(
    "key",
    [
        "-----BEGIN PRIVATE " + "KEY-----",
        "-----BEGIN OPENSSH PRIVATE " + "KEY-----",
        "AGE-SECRET-" + "KEY-1QQPQ",
        '{"holder":"a","' + 'locked":"' + "0" * 64 + '"}',
    ],
)
def test_a_private_key_is_refused_by_name(tmp_path: Path, key: str) -> None:
    file = tmp_path / "notes.txt"
    file.write_text(f"a line\n{key}\n")
    done = subprocess.run([CHECK_FILES, file], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "notes.txt holds a private key" in done.stdout


def test_an_ordinary_file_passes(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("Keys are made with tallylight key.\n")
    assert subprocess.run([CHECK_FILES, file], check=False).returncode == 0


def test_the_hooks_refuse_a_commit_with_a_private_key_and_let_another_pass(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    for name in (".pre-commit-config.yaml", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "tools").symlink_to(ROOT / "tools")
    (tmp_path / ".venv").symlink_to(Path(sys.prefix))
    file = tmp_path / "notes.py"
    hooks = [sys.executable, "-m", "pre_commit", "run", "--files", "notes.py"]
    said = []
    for text in ('"""A note."""\n', '"""-----BEGIN PRIVATE ' + 'KEY-----"""\n'):
        file.write_text(text)
        git(tmp_path, "add", "notes.py", ".pre-commit-config.yaml")
        done = subprocess.run(
            hooks,
            cwd=tmp_path,
            env={**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "home")},
            capture_output=True,
            text=True,
            check=False,
        )
        said.append((done.returncode, "holds a private key" in done.stdout))
    assert said == [(0, False), (1, True)]
