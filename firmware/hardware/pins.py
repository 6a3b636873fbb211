"""GPIO: drive the lamp, sense the lamp's own current, and read its photodiode, through gpiozero.

The pin factory is named explicitly. With a mock factory in the environment gpiozero reports a lit
lamp and nothing shines; with a missing factory it falls back with only a warning.
"""

from types import TracebackType
from typing import Any, Final, Protocol, Self

import gpiozero
from gpiozero.pins import Factory

from firmware.config import LampEye
from firmware.errors import LampFault
from firmware.hardware.edges import Edges

LED_GPIO: Final = 17
"""Drives the MOSFET of the lamp; docs/lamp.md."""
SENSE_GPIO: Final = 27
"""Reads the optocoupler in series with the lamp; docs/lamp.md."""

LIGHT_GPIO: Final = 22
"""Reads the photodiode before the lamp, where there is one; docs/lamp.md."""


class Pins(Protocol):
    """The lamp's lines, as the guard needs them."""

    def drive(self, *, high: bool) -> None:
        """Switch the lamp."""

    @property
    def edges(self) -> Edges | None:
        """The edges of the sense line; None if they are not told."""

    def senses_current(self) -> bool:
        """Return whether current flows through the lamp now."""

    def sees_light(self) -> bool | None:
        """Return whether the lamp's light gets out now; None without a photodiode."""


class GpioPins:
    """The lamp's lines through gpiozero and one explicit factory; dark when the context ends."""

    def __init__(self, factory: Factory, eye: LampEye = LampEye.NONE) -> None:
        self._led: Any = gpiozero.OutputDevice(LED_GPIO, initial_value=False, pin_factory=factory)
        self._sense: Any = gpiozero.DigitalInputDevice(
            SENSE_GPIO, pull_up=False, pin_factory=factory
        )
        self._light: Any = None
        if eye is LampEye.PHOTODIODE:
            self._light = gpiozero.DigitalInputDevice(
                LIGHT_GPIO, pull_up=False, pin_factory=factory
            )
        self.edges = Edges()
        self._sense.when_activated = self._sense.when_deactivated = self.edges.note
        devices = [each for each in (self._led, self._sense, self._light) if each is not None]
        if any(each.pin_factory is not factory for each in devices):
            raise LampFault("gpiozero did not use the pin factory it was given: no recognition.")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        # Dark first: a Pi's kernel may keep the level of a closed line.
        self._led.off()
        self._led.close()
        self._sense.close()
        if self._light is not None:
            self._light.close()
        self.edges.close()

    def drive(self, *, high: bool) -> None:
        """Switch the lamp."""
        self._led.value = high

    def senses_current(self) -> bool:
        """Return whether current flows through the lamp now."""
        return bool(self._sense.value)

    def sees_light(self) -> bool | None:
        """Return whether the lamp's light gets out now; None without a photodiode."""
        return None if self._light is None else bool(self._light.value)


def lgpio_factory() -> Factory:
    """Return the pin factory for every Pi.

    Raises:
        LampFault: the library or the GPIO chip is missing.
    """
    try:
        from gpiozero.pins.lgpio import LGPIOFactory  # noqa: PLC0415  # Only a Pi has it.

        return LGPIOFactory()
    except Exception as error:  # lgpio raises its own untyped errors.
        raise LampFault(
            "The GPIO lines cannot be opened: check that lgpio is installed and that this user "
            f"is in the group gpio ({error})."
        ) from error
