"""Embedding: turns an aligned face into a template, the vector that is compared by its cosine.

The net gets the chip and its mirror image, and both answers are added; or one of them alone, for
looks that are added up over time. All arithmetic after the net is in integers, so two machines with
the same kernels make the same template.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recognition.aligner import Alignment, Chip
from recognition.contract import EmbedderEntry
from recognition.interpreter import Accelerator, Net
from recognition.template import Side, Template, peaked


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
            ModelRefused: the net is missing, is not the named file, or breaks its contract.
        """
        return cls(Net.load(folder, entry.net, accelerator), entry.alignment)

    @property
    def runtime(self) -> str:
        """Name and version of the runtime; templates of two kernel families differ a little."""
        return self._net.runtime

    def template(self, chip: Chip, side: Side = Side.BOTH) -> Template:
        """Return the template of a face that was aligned for this net.

        Args:
            chip: the aligned face.
            side: the images that the net gets. Templates of one side are for sums of several looks
                (`recognition.template.fuse`); a list holds templates of both.

        Raises:
            ValueError: the chip was aligned for another net, so its template would match no list.
        """
        if chip.alignment != self._alignment:
            raise ValueError("The chip was cut for another embedder.")
        mirrored = chip.pixels[:, ::-1]
        if side is Side.PLAIN:
            return Template(peaked(self._embed(chip.pixels)))
        if side is Side.MIRRORED:
            return Template(peaked(self._embed(mirrored)))
        return Template(peaked(self._embed(chip.pixels) + self._embed(mirrored)))

    def _embed(self, pixels: NDArray[np.uint8]) -> NDArray[np.int32]:
        # The net reads 0 to 255 as -128 to 127: only the sign bit changes.
        (stored,) = self._net.run((pixels ^ 0x80).view(np.int8)[None])
        answer: NDArray[np.int32] = stored[0].astype(np.int32)
        return answer - np.int32(self._net.entry.outputs[0].zero_point)
