"""Keeps what took long to compute, outside the repository, under the digest of all it came from."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

FOLDER: Final = Path.home() / ".cache" / "tallylight" / "evaluate"

Rows: TypeAlias = NDArray[np.float64]
"""(n, k), one row for each of n things."""


def kept(origins: tuple[object, ...], make: Callable[[], Rows]) -> Rows:
    """Return what `make` gave for these origins, now or in an earlier run.

    Args:
        origins: everything the result depends on, each with a `repr` that says all of it.
        make: computes it.
    """
    digest = hashlib.sha256(repr(origins).encode()).hexdigest()
    path = FOLDER / f"{digest}.npy"
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            np.save(file, make(), allow_pickle=False)
        part.rename(path)
    stored: Rows = np.load(path, allow_pickle=False)
    return stored


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
