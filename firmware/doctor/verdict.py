"""Whether the camera is armed, from the newest records of the guard and of `watch`."""

import time
from typing import Final

from firmware.config import Config
from firmware.doctor.parts import accepted_list
from firmware.errors import FirmwareError
from firmware.guard.interlock import LOCATED
from firmware.record.newest import newest_record, when_written
from formats.ledger import Happening, Record

LIT: Final = frozenset({"on", "arming"})
"""States of the guard in which the lamp shines because `watch` asked for it."""
BLINKED_S: Final = 120.0
"""From the end of a blink to the next look at most: `watch` rests for 60 s, and starts again."""
REASONS: Final = {
    "NotRegistered": "register it over its cable: tallylight register cameras",
    "OutsideHours": "nothing, if the policy lets it look at no face at this hour",
    "NobodyListed": "nothing, if the list is to be empty",
    "TooHot": "give it shade or air",
    "LampDark": "systemctl status tallylight-lampguard, and docs/lamp.md",
    "NoLease": "systemctl status tallylight-lampguard, and docs/lamp.md",
    "CameraStalled": "check the camera's cable",
    "NoCameraDriver": "write an image of this board onto the card that has a camera driver",
    "PictureGrey": "switch infrared light off; the nets need colour",
    "AcceleratorMissing": "plug the accelerator in",
    "ClockUntrusted": "set up a time server, docs/lamp.md",
    "DiskStalled": "replace the card",
    "OutboxFull": "find out why no receipt comes, docs/broker.md",
    "LedgerBroken": "write a new card and register the camera again",
    "FloorsBroken": "write a new card and register the camera again",
}
"""By the fault of `watch`: the first thing to do."""


def armed(config: Config) -> str:
    """Return that the camera is armed, from the newest records of the guard and of `watch`.

    Raises:
        FirmwareError: the lamp is dark.
    """
    change = newest_record(config.state.lampguard, Happening.LAMP)
    if change is not None and change.body["to"] in LIT:
        return f"Armed: the lamp is lit, and faces are compared with list {accepted_list(config)}."
    if change is not None and _has_just_blinked(change):
        raise FirmwareError(
            "Not armed: the camera has just blinked so that a person finds it, and looks again by "
            "itself. First: wait two minutes."
        )
    fault = newest_record(config.state.watch, Happening.FAULT)
    begun = newest_record(config.state.watch, Happening.PERIOD_BEGIN)
    if fault is None or (begun is not None and begun.seq > fault.seq):
        raise FirmwareError(
            "Not armed: all parts are there, and watch does not ask for light. First: systemctl "
            "start tallylight-watch."
        )
    code = str(fault.body["code"])
    what = REASONS.get(code, "look the word up in docs/lists.md, under What a dark camera says")
    raise FirmwareError(
        f"Not armed: watch stays dark since {when_written(fault)} ({code}). First: {what}."
    )


def _has_just_blinked(change: Record) -> bool:
    age_s = time.time() - change.utc_ms / 1000
    return change.body["reason"] == LOCATED and abs(age_s) < BLINKED_S
