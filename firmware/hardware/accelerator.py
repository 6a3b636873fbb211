"""The Edge TPU on USB: is it there, and one retry after it has loaded its firmware.

An accelerator that has just been plugged in calls itself 1a6e:089a. The first program that opens it
loads its firmware, and it comes back as 18d1:9302. That first open may fail, so it is tried once
more after the accelerator came back. After that there is no further retry: an installer must look
at it.
"""

import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

from firmware.errors import AcceleratorMissing
from recognition.errors import ModelRefused

T = TypeVar("T")

USB: Final = Path("/sys/bus/usb/devices")
WITHOUT_FIRMWARE: Final = ("1a6e", "089a")
"""Global Unichip: before its firmware is loaded. google-coral/edgetpu documents both."""
WITH_FIRMWARE: Final = ("18d1", "9302")
"""Google: while its firmware runs."""
ABSENT: Final = "There is no Edge TPU on USB: check its cable, and that the port gives 900 mA."
"""The message of `watch` and `doctor` without an accelerator."""
SUPER_SPEED: Final = 5000
"""Mbit/s of USB 3, as the kernel writes it into `speed`."""
COMES_BACK_S: Final = 5.0
"""Longest wait for it to come back under its second name; it takes about one second."""


class Presence(StrEnum):
    """The state of the accelerator on USB."""

    ABSENT = "absent"
    WITHOUT_FIRMWARE = "plugged in, its firmware not loaded yet"
    READY = "ready"


def presence(usb: Path = USB) -> Presence:
    """Return the state of the accelerator on USB, without opening it."""
    found = set()
    for device in usb.glob("*"):
        try:
            found.add(
                tuple((device / name).read_text().strip() for name in ("idVendor", "idProduct"))
            )
        except OSError:
            continue  # A hub's port, or a device that has just gone.
    if WITH_FIRMWARE in found:
        return Presence.READY
    return Presence.WITHOUT_FIRMWARE if WITHOUT_FIRMWARE in found else Presence.ABSENT


def bus_speed(usb: Path = USB) -> str:
    """Return how fast the accelerator is connected, in words for an installer."""
    for device in usb.glob("*"):
        try:
            name = tuple((device / part).read_text().strip() for part in ("idVendor", "idProduct"))
            speed = int((device / "speed").read_text())
        except (OSError, ValueError):
            continue  # A hub's port, or a device that has just gone.
        if name in {WITH_FIRMWARE, WITHOUT_FIRMWARE}:
            if speed >= SUPER_SPEED:
                return f"at {speed} Mbit/s (USB 3)"
            return f"at {speed} Mbit/s (USB 2): a blue port is ten times as fast"
    return "at an unknown speed"


def open_with_retry(
    load: Callable[[], T],
    seen: Callable[[], Presence] = presence,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Return what `load` returns on an accelerator that is there; retry once after its firmware.

    Args:
        load: opens the accelerator; raises `ModelRefused` when it does not answer.
        seen: returns the accelerator's state on USB.
        sleep: waits, in seconds.

    Raises:
        AcceleratorMissing: it is not plugged in, or has not come back with its firmware.
        ModelRefused: it is there, and does not answer.
    """
    before = seen()
    if before is Presence.ABSENT:
        raise AcceleratorMissing(ABSENT)
    try:
        return load()
    except ModelRefused:
        if before is Presence.READY:
            raise
    for _ in range(round(COMES_BACK_S / 0.1)):
        if seen() is Presence.READY:
            return load()
        sleep(0.1)
    raise AcceleratorMissing(
        "The Edge TPU took its firmware and did not come back: unplug it and plug it in again."
    )
