"""Files and folders that appear whole, or not at all."""

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp


def write_whole(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Put `content` into `path` in one step, by default readable by its owner alone."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=mode)
    part.write_bytes(content)
    part.replace(path)


@contextmanager
def whole_folder(path: Path) -> Generator[Path]:
    """A new, empty folder that becomes `path` if the block ends without an error.

    What `path` held before is gone then, and untouched otherwise.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = Path(mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        yield part
        if path.exists():
            path.rename(part / ".before")
        part.rename(path)
        shutil.rmtree(path / ".before", ignore_errors=True)
    except BaseException:
        shutil.rmtree(part)
        raise
