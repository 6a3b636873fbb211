"""The registration record that a camera keeps; without it, and its lamp record, no arming.

The record holds every message of the registration, and is verified each time it is read: the keys
in it must be this camera's, and the sense line must have seen the code that a person read. It does
not say that the site still wants this camera: the signed policy does. A record for training is
believed as well; the level of its board's key stands in it.
"""

from pathlib import Path
from typing import Final

from firmware.config import State
from firmware.errors import NotRegistered
from firmware.folder import Folder
from firmware.identity import camera_identity
from formats.errors import FormatError
from formats.registration_record import Registration, read_registration
from formats.signed_members import SIGNED_LIMIT

FILE: Final = "registration.json"
"""In the state folder. A unit listens for a laptop only while it is not there."""
_MISSING: Final = (
    "This camera has no lamp record: register it over its cable with tallylight register."
)


def record_path(state: State) -> Path:
    """Return the path of the record; the state folder itself may be a link of root's."""
    return state.root.resolve() / FILE


def read_kept(state: State) -> bytes | None:
    """Return the bytes of the record; None if this camera is new.

    Raises:
        ForeignFile: it is a link, a FIFO, or of another kind.
    """
    path = record_path(state)
    try:
        with Folder(path.parent) as folder:
            return folder.read(path.name, limit=SIGNED_LIMIT)
    except FileNotFoundError:
        return None


def check_registration(state: State) -> Registration:
    """Return this camera's registration, with a lamp record that holds.

    Raises:
        NotRegistered: there is none, it is broken, or it is of another camera's keys.
        ForeignFile, IdentityRefused: a file is of another kind, or the camera has no keys.
    """
    content = read_kept(state)
    if content is None:
        raise NotRegistered(_MISSING)
    try:
        found = read_registration(content)
    except FormatError as error:
        raise NotRegistered(
            f"The registration {record_path(state)} is refused ({error}): wipe this camera and "
            "register it again."
        ) from error
    if found.identity != camera_identity(state):
        raise NotRegistered(
            "The registration of this camera is of other keys than it has: wipe it and register "
            "it again."
        )
    return found
