"""The accelerator's two names on USB, and the one retry after its firmware."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from firmware.errors import AcceleratorMissing
from firmware.hardware.accelerator import COMES_BACK_S, Presence, open_with_retry, presence
from recognition.errors import ModelRefused


def plug(usb: Path, vendor: str, product: str) -> None:
    """Make a device as the kernel shows it, and beside it a hub's port, which has no names."""
    (usb / "1-0:1.0").mkdir(parents=True, exist_ok=True)
    (usb / "1-1").mkdir(exist_ok=True)
    (usb / "1-1" / "idVendor").write_text(vendor + "\n")
    (usb / "1-1" / "idProduct").write_text(product + "\n")


@pytest.mark.parametrize(
    ("vendor", "product", "found"),
    [
        ("1a6e", "089a", Presence.WITHOUT_FIRMWARE),
        ("18d1", "9302", Presence.READY),
        ("18d1", "089a", Presence.ABSENT),
        ("1d6b", "0002", Presence.ABSENT),
    ],
)
def test_usb_says_whether_it_is_there(
    tmp_path: Path, vendor: str, product: str, found: Presence
) -> None:
    plug(tmp_path, vendor, product)
    assert presence(tmp_path) is found


def test_without_usb_there_is_none(tmp_path: Path) -> None:
    assert presence(tmp_path / "nothing") is Presence.ABSENT


class Device:
    """Fails until its firmware is loaded, which its first opening begins."""

    def __init__(self, *seen: Presence) -> None:
        self._seen: Iterator[Presence] = iter(seen)
        self.now = Presence.ABSENT
        self.tries = 0
        self.slept_s = 0.0

    def seen(self) -> Presence:
        self.now = next(self._seen, self.now)
        return self.now

    def load(self) -> str:
        self.tries += 1
        if self.now is not Presence.READY:
            raise ModelRefused("The Edge TPU does not answer.")
        return "nets"

    def sleep(self, for_s: float) -> None:
        self.slept_s += for_s

    def open(self, load: Callable[[], str] | None = None) -> str:
        return open_with_retry(load or self.load, self.seen, self.sleep)


def test_one_that_is_ready_is_opened_once() -> None:
    device = Device(Presence.READY)
    assert (device.open(), device.tries) == ("nets", 1)


def test_one_that_comes_back_with_its_firmware_is_opened_a_second_time() -> None:
    device = Device(Presence.WITHOUT_FIRMWARE, Presence.ABSENT, Presence.ABSENT, Presence.READY)
    assert (device.open(), device.tries) == ("nets", 2)


def test_one_that_opens_at_once_is_not_waited_for() -> None:
    device = Device(Presence.WITHOUT_FIRMWARE)
    assert (device.open(lambda: "nets"), device.slept_s) == ("nets", 0)


def test_one_that_is_absent_is_not_opened() -> None:
    device = Device(Presence.ABSENT)
    with pytest.raises(AcceleratorMissing, match="cable"):
        device.open()
    assert device.tries == 0


def test_one_that_does_not_come_back_is_waited_for_so_long_and_no_longer() -> None:
    device = Device(Presence.WITHOUT_FIRMWARE)
    with pytest.raises(AcceleratorMissing, match="plug it in again"):
        device.open()
    assert device.slept_s == pytest.approx(COMES_BACK_S)


def test_one_that_is_ready_and_does_not_answer_is_not_tried_again() -> None:
    device = Device(Presence.READY)

    def silent() -> str:
        device.tries += 1
        raise ModelRefused("The Edge TPU does not answer.")

    with pytest.raises(ModelRefused):
        device.open(silent)
    assert device.tries == 1
