"""What the running image is: its board, version and camera driver, from the read-only root."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from firmware.errors import NoCameraDriver, UpdateRefused
from formats.errors import FormatError
from formats.firmware_offer import FirmwareVersion, read_version

IMAGE: Final = Path("/usr/lib/tallylight/image.json")
NO_DRIVER: Final = "none"
"""`camera` of an image that was built without a camera driver, such as `pi4-nocamera`."""


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


def refuse_image_without_camera(path: Path = IMAGE) -> None:
    """Raise if the running image has no camera driver. A camera without an image passes: a desk.

    Raises:
        NoCameraDriver: image.json says so, or names no driver.
    """
    try:
        driver = json.loads(path.read_bytes())["camera"]
    except FileNotFoundError:
        return
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise NoCameraDriver(
            f"{path} names no camera driver: write an image of this board onto the card."
        ) from error
    if driver == NO_DRIVER:
        raise NoCameraDriver(
            "This image has no camera driver, so this camera cannot arm: write an image of this "
            "board onto the card that has one."
        )
