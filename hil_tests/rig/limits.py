"""What each back-end cannot do: one table of feature and back-end, with the reason in a sentence.

A test that needs a missing feature is skipped, and the skip says this sentence. A feature that is
not in a back-end's row is one that the back-end has.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hil_tests.errors import DeskRefused
from hil_tests.rig.contract import Feature


class Backend(StrEnum):
    """What answers the rig contract: the values of pytest's option --rig."""

    DESK = "desk"
    VIRTUAL = "virtual"
    RELAYS = "relays"


@dataclass(frozen=True, slots=True)
class Limit:
    """Why a back-end cannot do something."""

    reason: str
    """One sentence."""
    unless: str = ""
    """A program of this machine with which the back-end can do it."""


NO_COMPILER: Final = Limit(
    "Clock and disk are changed through small C libraries: install gcc.", unless="cc"
)
NO_RELAYS: Final = Limit(
    "No rig with relays is configured here: choose --rig desk or --rig virtual."
)

LIMITS: Final[Mapping[Backend, Mapping[Feature, Limit]]] = {
    Backend.DESK: {
        Feature.UNITS: Limit("The desk starts the programs without systemd: it has no units."),
        Feature.CLOCK: NO_COMPILER,
        Feature.DISK: NO_COMPILER,
        Feature.BROKER: Limit("There is no broker here: install mosquitto.", unless="mosquitto"),
    },
    Backend.VIRTUAL: {
        Feature.SCENES: Limit(
            "The virtual camera shows colour bars: no person, no infrared, no stall."
        ),
        Feature.CLOCK: NO_COMPILER,
        Feature.DISK: NO_COMPILER,
        Feature.BROKER: Limit(
            "The virtual camera's network is empty: no link leads from it to a broker."
        ),
    },
    Backend.RELAYS: dict.fromkeys(Feature, NO_RELAYS),
}


def missing(backend: Backend, feature: Feature) -> str | None:
    """Return why a back-end cannot do something, in a sentence; None if it can."""
    limit = LIMITS[backend].get(feature)
    if limit is None or (limit.unless and shutil.which(limit.unless)):
        return None
    return limit.reason


def refusal(backend: Backend, feature: Feature) -> DeskRefused:
    """Return the refusal of a call that a back-end cannot carry out."""
    return DeskRefused(f"{LIMITS[backend][feature].reason} (--rig {backend}: {feature})")
