"""Read what this board is: serial number, MAC address, image, how its key is kept, boot loader.

Each fact has one file of the kernel's or of the image's; a file that is missing gives a plain word
or zeros, and no error: the laptop decides what it accepts. On a board that says no level of its
key, the level is `none`.
"""

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from formats import VERSION
from formats.board import DIGEST_BYTES, MAC_BYTES, Board, BoardKey
from formats.errors import Malformed
from formats.hexadecimal import read_hex
from formats.strict_json import is_printable

_LIMIT: Final = 64
_IMAGE_LIMIT: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Places:
    """Where the facts stand."""

    serials: tuple[Path, ...] = (
        Path("/proc/device-tree/serial-number"),  # A Pi.
        Path("/sys/class/dmi/id/product_serial"),  # A virtual machine.
        Path("/etc/machine-id"),  # A container.
    )
    links: Path = Path("/sys/class/net")
    key_level: Path = Path("/run/tallylight/board-key-level")
    image: Path = Path("/usr/lib/tallylight/image.json")
    root_hash: Path = Path("/run/tallylight/root-hash")
    """The initial RAM disk writes it: dm-verity compares the root with it."""
    boot_loader: Path = Path("/proc/device-tree/chosen/bootloader/build-timestamp")


def read_board(models: Path, link: str, places: Places | None = None) -> Board:
    """Return the facts of this board.

    Args:
        models: the model bundle.
        link: name of the network link to the laptop.
        places: where the facts stand.
    """
    at = places or Places()
    image = _image(at.image)
    manifest = models / "manifest.toml"
    return Board(
        serial=next(filter(None, map(_word, at.serials)), "unknown"),
        mac=_hex(_word(at.links / link / "address").replace(":", ""), MAC_BYTES),
        kind=image.get("board", "desk"),
        key=_level(_word(at.key_level)),
        image=image.get("version", VERSION),
        image_digest=_hex(_word(at.root_hash), DIGEST_BYTES),
        nets_digest=sha256(manifest.read_bytes()).digest() if manifest.exists() else bytes(32),
        boot_loader_utc_s=_number(at.boot_loader),
    )


def _word(path: Path) -> str:
    """Return the one line of a file; empty if there is none, or one that no person can read."""
    try:
        with path.open("rb") as file:
            text = file.read(_LIMIT + 2).decode("ascii", "replace").strip("\0\n ")
    except OSError:
        return ""
    return text if len(text) <= _LIMIT and is_printable(text) else ""


def _level(word: str) -> BoardKey:
    return next((level for level in BoardKey if level == word), BoardKey.NONE)


def _hex(text: str, size: int) -> bytes:
    try:
        return read_hex(text, size)
    except Malformed:
        return bytes(size)


def _number(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return int.from_bytes(file.read(4), "big")
    except OSError:
        return 0


def _image(path: Path) -> dict[str, str]:
    """Return the texts of the image's description; it lies in the read-only image."""
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(_IMAGE_LIMIT))
    except (OSError, ValueError):
        return {}
    texts = found.items() if isinstance(found, dict) else ()
    return {name: text for name, text in texts if isinstance(text, str) and 0 < len(text) <= _LIMIT}
