"""Rollback protection of updates: the lowest version that may be installed, on the data partition.

The floor is the highest version that was ready on this camera. It is raised before a slot is
committed and compared before a bundle is installed. So a signed bundle that is older is refused,
also after a fall-back. The slot of the version before is no install: it stays the fall-back.

A floor that cannot be read refuses every install. A camera without one has never been ready; its
floor is the version that runs.
"""

from pathlib import Path
from typing import Final

from firmware.errors import UpdateRefused
from firmware.folder import Folder
from formats.errors import FormatError
from formats.firmware_offer import FirmwareVersion, read_version

_FILE: Final = "version-floor"
_LIMIT: Final = 64


def version_floor(folder: Path, running: FirmwareVersion) -> FirmwareVersion:
    """Return the lowest version that may be installed.

    Raises:
        UpdateRefused: the floor cannot be read.
    """
    try:
        with Folder(folder) as own:
            kept = read_version(own.read(_FILE, limit=_LIMIT).decode("ascii"))
    except FileNotFoundError:
        return running
    except (FormatError, UnicodeDecodeError) as error:
        raise UpdateRefused(
            f"The version floor in {folder} is broken, so an older version could not be told: "
            "flash and register this camera again."
        ) from error
    return max(kept, running)


def raise_version_floor(folder: Path, ready: FirmwareVersion) -> None:
    """Make the floor at least this version; it is on the disk when this returns.

    Raises:
        UpdateRefused: the old floor cannot be read.
        OSError: the card cannot be written.
    """
    floor = version_floor(folder, ready)
    with Folder.made(folder, 0o700) as own:
        own.replace(_FILE, str(floor).encode("ascii"))
