"""C libraries that stand between a desk's programs and the kernel: LD_PRELOAD, in one place."""

import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

COMPILER: Final = "cc"


@dataclass(frozen=True, slots=True)
class Preloaded:
    """One library, and the file through which the rig speaks to it."""

    source: Path
    """In C, beside this module."""
    variable: str
    """Names the file to the library."""
    folder: Path
    """Where the library is made."""

    def make(self) -> None:
        """Compile the library, where there is a compiler."""
        if (compiler := shutil.which(COMPILER)) is not None:
            options = ["-shared", "-fPIC", "-O1", "-o", str(self.library)]
            subprocess.run([compiler, *options, str(self.source)], check=True)

    @property
    def library(self) -> Path:
        """The compiled library, where it was made."""
        return self.folder / self.source.with_suffix(".so").name


def preload(libraries: Iterable[tuple[Preloaded, Path]]) -> list[str]:
    """Return what stands before the command of a program that is to load these libraries.

    Args:
        libraries: each with the file through which it is spoken to.
    """
    made = [(one, file) for one, file in libraries if one.library.exists()]
    if not made:
        return []
    paths = ":".join(str(one.library) for one, _ in made)
    return ["env", f"LD_PRELOAD={paths}", *(f"{one.variable}={file}" for one, file in made)]
