"""Put the broker of a registration into the camera's own `camera.toml`: host, port, authority.

The image is read-only, so its settings lie in the state folder: `settings/camera.toml`. Its other
lines stay as they are. A camera without this file, as on a desk, keeps its settings.
"""

import re
from pathlib import Path
from typing import Final

from firmware.config import State
from firmware.errors import RegistrationRefused
from firmware.folder import Folder
from formats.registration import Acceptance

FOLDER: Final = "settings"
FILE: Final = "camera.toml"
_LIMIT: Final = 64 * 1024
_HOST: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]{0,252}")
"""A name or an address; with a quote in it, it would be a further line of the settings."""


def refuse_odd_host(acceptance: Acceptance) -> None:
    """Raise unless the broker's host can stand in the settings.

    Raises:
        RegistrationRefused: it is no name and no address.
    """
    if not _HOST.fullmatch(acceptance.broker_host):
        raise RegistrationRefused("The broker's host is no name and no address: name another.")


def write_settings(state: State, acceptance: Acceptance, authority: Path) -> None:
    """Replace the broker in the settings.

    Args:
        state: the camera's.
        acceptance: names the broker.
        authority: where the authority's certificate lies.

    Raises:
        ForeignFile: the settings are a link, or of another kind.
    """
    lines = {
        "broker_host": f'"{acceptance.broker_host}"',
        "broker_port": str(acceptance.broker_port),
        "broker_ca": f'"{authority}"',
    }
    try:
        settings = Folder(state.root.resolve() / FOLDER)
    except FileNotFoundError:
        return
    with settings as folder:
        if folder.status(FILE) is None:
            return
        text = folder.read(FILE, limit=_LIMIT).decode()
        kept = [line for line in text.splitlines() if line.partition("=")[0].strip() not in lines]
        new = [f"{name} = {value}" for name, value in lines.items()]
        folder.replace(FILE, "\n".join([*kept, *new, ""]).encode(), mode=0o644)
