"""Cache of slow results, outside the repository, by the digest of everything they depend on."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

FOLDER: Final = Path.home() / ".cache" / "tallylight" / "evaluate"

Rows: TypeAlias = NDArray[np.float64]
"""(n, k), one row for each of n things."""


def cached(origins: tuple[object, ...], make: Callable[[], Rows]) -> Rows:
    """Return the result of `make` for these origins, from this run or an earlier one.

    Args:
        origins: everything that the result depends on, each with a complete `repr`.
        make: computes the result.
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
