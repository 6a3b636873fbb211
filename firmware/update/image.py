"""What the running image is: its board and version, from the read-only root."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from firmware.errors import UpdateRefused
from formats.errors import FormatError
from formats.firmware_offer import FirmwareVersion, read_version

IMAGE: Final = Path("/usr/lib/tallylight/image.json")


@dataclass(frozen=True, slots=True)
class ThisImage:
    """The image that this camera runs."""

    board: str
    version: FirmwareVersion


def read_image(path: Path = IMAGE) -> ThisImage:
    """Return what the running image is.

    Raises:
        UpdateRefused: this is no image of a camera.
    """
    try:
        facts = json.loads(path.read_bytes())
        return ThisImage(str(facts["board"]), read_version(str(facts["version"])))
    except (OSError, ValueError, TypeError, KeyError, FormatError) as error:
        raise UpdateRefused(
            f"{path} does not say which image runs: updates are for cameras that were flashed."
        ) from error
