"""Compiles C libraries for LD_PRELOAD, which change what a program gets from the C library."""

import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

COMPILER: Final = "cc"


@dataclass(frozen=True, slots=True)
class Preloaded:
    """One library, and the name of the file through which the rig tells it what to do."""

    source: Path
    """In C."""
    variable: str
    """The environment variable with the path of that file."""
    folder: Path
    """The folder for the compiled library."""

    def make(self) -> None:
        """Compile the library, if there is a compiler."""
        if (compiler := shutil.which(COMPILER)) is not None:
            options = ["-shared", "-fPIC", "-O1", "-o", str(self.library)]
            subprocess.run([compiler, *options, str(self.source)], check=True)

    @property
    def library(self) -> Path:
        """The compiled library; the file exists after `make`, if there is a compiler."""
        return self.folder / self.source.with_suffix(".so").name


def environment(
    libraries: Iterable[tuple[Preloaded, Path]], seen_at: Path | None = None
) -> list[str]:
    """Return the environment variables of a program that loads these libraries.

    Args:
        libraries: each with the file through which it is told; those not compiled are left out.
        seen_at: the folder where the program finds libraries and files, if not at their own paths.
    """
    made = [(one, file) for one, file in libraries if one.library.exists()]
    if not made:
        return []

    def path(file: Path) -> str:
        return str(seen_at / file.name if seen_at else file)

    preloads = ":".join(path(one.library) for one, _ in made)
    return [f"LD_PRELOAD={preloads}", *(f"{one.variable}={path(file)}" for one, file in made)]
