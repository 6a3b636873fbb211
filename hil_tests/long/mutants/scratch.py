"""A scratch copy of a tree, in which one file at a time is mutated and one test is run.

The copy has its own virtual environment, whose packages are those of the running Python and the
copied tree. An editable install of the real tree is not part of it: no program in the copy can
import the real tree, whatever its environment says. The real tree is only read.
"""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from hil_tests.long.mutants.listed import Mutant, mutated

LIMIT_S: Final = 120.0
"""Longest run of one mutant's test; most take two seconds."""
TEST_S: Final = 30
"""Longest test, with and without a mutation: some wait for what a mutation prevents."""
FAILED: Final = 1
"""pytest's exit status if a test failed; other statuses say that it could not run."""


@dataclass(frozen=True, slots=True)
class Result:
    """What the tests of one run said."""

    status: int | None
    """pytest's exit status; None if the time was up."""
    said: str


class Scratch:
    """One copy of a tree."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._numbers = count(1)

    def run(self, tests: Iterable[str], limit_s: float = LIMIT_S) -> Result:
        """Run these tests in the copy as it is, in the order given."""
        python = self.root / ".venv" / "bin" / "python"
        plain = ("-p", "no:cacheprovider", "-p", "no:randomly")
        options = ("-q", "-x", "--no-header", f"--timeout={TEST_S}", *plain)
        with subprocess.Popen(
            [python, "-m", "pytest", *options, *tests],
            cwd=self.root,
            env=_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                said, _ = process.communicate(timeout=limit_s)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)  # Its broker and its programs, too.
                return Result(None, "")
        return Result(process.returncode, said)

    @contextmanager
    def mutant(self, mutant: Mutant) -> Iterator[None]:
        """Hold the copy mutated for the time of the block."""
        path = self.root / mutant.file
        text, before = path.read_bytes(), path.stat()
        path.write_text(mutated(self.root, mutant), "utf-8")
        # Python takes a file's bytecode by its size and the second of its change.
        other_s = before.st_mtime_ns + next(self._numbers) * 1_000_000_000
        os.utime(path, ns=(other_s, other_s))
        try:
            yield
        finally:
            path.write_bytes(text)
            os.utime(path, ns=(before.st_mtime_ns, before.st_mtime_ns))


@contextmanager
def scratch_copy(tree: Path) -> Iterator[Scratch]:
    """Copy the files that git knows or would take, for the time of the block."""
    with TemporaryDirectory(prefix="tallylight-mutants-") as folder:
        root = Path(folder)
        root.chmod(0o755)  # Some tests run programs as other users.
        for name in _files(tree):
            to = root / name
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(tree / name, to, follow_symlinks=False)
        _make_environment(root)
        yield Scratch(root)


def _make_environment(root: Path) -> None:
    """Make the copy's virtual environment: the packages and commands of this one, on the copy."""
    made, own = root / ".venv", Path(sys.prefix)
    venv.create(made, symlinks=True)
    (packages,) = made.glob("lib/python*/site-packages")
    paths = f"{root}\n{sysconfig.get_path('purelib')}\n"
    (packages / "copy.pth").write_text(paths, "utf-8")
    python = f"#!{own}/bin/python".encode()
    for command in (own / "bin").iterdir():
        if command.is_file() and (content := command.read_bytes()).startswith(python):
            copied = made / "bin" / command.name
            copied.write_bytes(content.replace(bytes(own), bytes(made), 1))
            copied.chmod(0o755)


def _files(tree: Path) -> list[str]:
    listing = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    done = subprocess.run(["git", *listing], cwd=tree, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.split("\0") if name and (tree / name).is_file()]


def _environment() -> dict[str, str]:
    """Return this environment without what would lead Python or pytest elsewhere."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "PYTEST", "VIRTUAL_ENV"))
    }
