"""image.json: what an image is: version, board, camera driver, digests of what is inside.

The camera finds it at /usr/lib/tallylight/image.json. `camera` says which driver the image has;
`none` is an image without one, which cannot arm. The root hash of a slot is not in it, because the
file is part of what the root hash covers: `boot` and RAUC know the root hash.
"""

import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import Final

from formats import VERSION

PLACE: Final = Path("usr/lib/tallylight/image.json")
"""Below the root."""


def image_facts(board: str, camera: str, lock: bytes, programs: Path) -> dict[str, str]:
    """Return what image.json says.

    Args:
        board: name of the board, with `-nocamera` where the image has no camera driver.
        camera: the driver: `picamera2`, `libcamera-virtual`, or `none`.
        lock: the file with the digests of the Debian packages.
        programs: folder with the camera's programs and their dependencies.
    """
    return {
        "board": board,
        "camera": camera,
        "packages": sha256(lock).hexdigest(),
        "programs": tree_digest(programs),
        "version": VERSION,
    }


def tree_digest(folder: Path) -> str:
    """Return the SHA-256 over the sorted lines `digest  path` of all files in a folder, as hex."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = (
        f"{sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n"
        for path in files
    )
    return sha256("".join(lines).encode()).hexdigest()


def main() -> None:
    """Write image.json into a root: `image_facts BOARD CAMERA LOCK ROOT`."""
    board, camera, lock, root = sys.argv[1:]
    programs = Path(root) / "opt/tallylight"
    facts = image_facts(board, camera, Path(lock).read_bytes(), programs)
    text = json.dumps(facts, indent=2, sort_keys=True) + "\n"
    (Path(root) / PLACE).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
