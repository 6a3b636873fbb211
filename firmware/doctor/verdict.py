"""Whether the camera is armed, from the newest records of the guard and of `watch`."""

from typing import Final

from firmware.config import Config
from firmware.doctor.parts import accepted_list
from firmware.errors import FirmwareError
from firmware.record.newest import newest_record, when_written
from formats.ledger import Happening

LIT: Final = frozenset({"on", "arming"})
"""States of the guard in which the lamp shines because `watch` asked for it."""
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
