"""Turns a chip into a template: 128 small integers whose direction says whose face it is.

The net sees the chip and its mirror image and both answers are added. Everything after the net is
integer arithmetic, so two machines with the same kernels make the same template.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recognition.aligner import Alignment, Chip
from recognition.contract import EmbedderEntry
from recognition.interpreter import Accelerator, Net

PEAK: Final = 127
"""The largest component of every template, by absolute value."""

PPM: Final = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A face as numbers. Personal data: never logged, never shown."""

    vector: NDArray[np.int8] = field(repr=False)
    """(128,), the largest component +127 or -127."""


class Embedder:
    """The net that makes templates."""

    def __init__(self, net: Net, alignment: Alignment) -> None:
        self._net = net
        self._alignment = alignment

    @classmethod
    def load(
        cls, folder: Path, entry: EmbedderEntry, accelerator: Accelerator = Accelerator.CPU
    ) -> "Embedder":
        """Return the embedder that `entry` names.

        Raises:
            ModelRefused: the net is missing, another one, or breaks its contract.
        """
        return cls(Net.load(folder, entry.net, accelerator), entry.alignment)

    @property
    def runtime(self) -> str:
        """What computes; templates of two kernel families differ a little."""
        return self._net.runtime

    def template(self, chip: Chip) -> Template:
        """Return the template of a face that lies as this net wants it.

        Raises:
            ValueError: the chip was cut for another net: its template would compare with nothing.
        """
        if chip.alignment != self._alignment:
            raise ValueError("The chip was cut for another embedder.")
        return Template(_peaked(self._embed(chip.pixels) + self._embed(chip.pixels[:, ::-1])))

    def _embed(self, pixels: NDArray[np.uint8]) -> NDArray[np.int32]:
        # The net reads 0 to 255 as -128 to 127: the sign bit turns over, nothing else.
        (stored,) = self._net.run((pixels ^ 0x80).view(np.int8)[None])
        answer: NDArray[np.int32] = stored[0].astype(np.int32)
        return answer - np.int32(self._net.entry.outputs[0].zero_point)


def fuse(templates: Sequence[Template]) -> Template:
    """Return the template that stands for several pictures of one person.

    Strangers resemble it more than they resemble one picture: it needs a threshold of its own.
    """
    return Template(_peaked(np.sum([one.vector for one in templates], axis=0, dtype=np.int32)))


def similarity_ppm(one: Template, other: Template) -> int:
    """Return the cosine of two templates in millionths, rounded down."""
    a, b = one.vector.astype(np.int64), other.vector.astype(np.int64)
    return int(cosines_ppm(a @ b, a @ a, b @ b))


def cosines_ppm(
    dots: NDArray[np.generic], squares: NDArray[np.int64], other_squares: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return dots / sqrt(squares * other_squares) in millionths, rounded down.

    Every operand is exact in float64 and every operation correctly rounded, so the result is the
    same on every machine.
    """
    cosines = dots.astype(np.float64) * PPM / np.sqrt(squares * other_squares)
    rounded: NDArray[np.int64] = np.floor(cosines).astype(np.int64)
    return rounded


def _peaked(vector: NDArray[np.int32]) -> NDArray[np.int8]:
    """Return the vector stretched so that its largest component is +127 or -127."""
    peak = max(1, int(np.abs(vector).max()))
    # Rounded to nearest, halves up, in integers.
    return ((2 * PEAK * vector + peak) // (2 * peak)).astype(np.int8)
