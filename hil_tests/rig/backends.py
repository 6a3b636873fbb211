"""Opens the rig that pytest's option --rig names, or refuses with one sentence."""

import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from hil_tests.errors import DeskRefused
from hil_tests.rig.contract import Rig
from hil_tests.rig.desk.rig import DeskRig
from hil_tests.rig.desk_site import DeskSite
from hil_tests.rig.limits import Backend
from hil_tests.rig.relays.rig import open_relays
from hil_tests.rig.virtual.machine import Machine
from hil_tests.rig.virtual.overlay import QUIET
from hil_tests.rig.virtual.rig import VirtualRig

IMAGE: Final = "TALLYLIGHT_VIRTUAL_CAMERA"
"""Environment variable with the folder of the virtual board's image."""


def refuse_unavailable(backend: Backend) -> None:
    """Do nothing if this machine has the back-end.

    Raises:
        DeskRefused: it has not; the sentence says what to do.
    """
    if backend is Backend.RELAYS:
        open_relays()
    if backend is Backend.VIRTUAL and (
        os.geteuid() != 0 or not (virtual_image() / "system.img").is_file()
    ):
        raise DeskRefused("The virtual camera needs root and its image: run make hil RIG=virtual.")


def open_rig(backend: Backend, desk: DeskSite, folder: Path) -> AbstractContextManager[Rig]:
    """Return a dark camera of that site; nothing runs yet.

    Args:
        backend: one that this machine has.
        desk: of a site with a camera; the rig changes it.
        folder: for everything else that the rig writes.
    """
    refuse_unavailable(backend)
    if backend is Backend.VIRTUAL:
        return open_virtual(desk, folder)
    return DeskRig(desk)


def open_virtual(desk: DeskSite, folder: Path, *, as_shipped: bool = False) -> VirtualRig:
    """Return the virtual camera; with `as_shipped` its units start and restart by themselves."""
    target = "multi-user.target" if as_shipped else QUIET
    return VirtualRig(desk, Machine(virtual_image(), folder, target), as_shipped)


def virtual_image() -> Path:
    """Return the folder of the virtual board's image, which `make image` makes."""
    return Path(os.environ.get(IMAGE, "/nonexistent"))
