"""A rig with relays around a real camera: none is configured yet, and this refuses it."""

from typing import NoReturn

from hil_tests.errors import DeskRefused
from hil_tests.rig.limits import NO_RELAYS


def open_relays() -> NoReturn:
    """Refuse: no rig with relays is configured.

    Raises:
        DeskRefused: always.
    """
    raise DeskRefused(NO_RELAYS.reason)
