"""Sight: run detector and embedder on frames, only in light; crops, quality and colour checks.

Only this module passes frames to the nets. The lamp is checked before a frame opens and again after
each inference. If the light ended in between, the result is thrown away by raising. Pictures
without colour, as a camera gives them in infrared light, are not looked at: the nets were
calibrated in daylight.
"""

from dataclasses import dataclass
from io import BytesIO
from typing import Final

import numpy as np
from PIL import Image

from firmware.errors import PictureGrey
from firmware.hardware.camera import Frame
from firmware.hardware.lamp import Lit
from firmware.looking.motion import MotionGate
from firmware.record.counts import Counts
from recognition.aligner import STANDARD, align, reach
from recognition.eye import Eye
from recognition.face import Box, Face
from recognition.pixels import Pixels, has_colour
from recognition.quality import MATCHING, Quality, measure, shortfalls
from recognition.template import Side, Template

CROP_PX: Final = 256
"""Longest side of the picture that a reviewer gets."""
MARGIN: Final = 0.5
"""Margin around the face, as a share of its size: hair and chin help a reviewer to decide."""
JPEG_QUALITIES: Final = (90, 75, 60, 40, 20)
"""Tried in turn until the crop fits its envelope; the last fits even if all of it is noise."""

GREY_FRAMES: Final = 20
"""Consecutive frames without colour after which looking ends: two seconds."""


@dataclass(frozen=True, slots=True, repr=False)
class Probe:
    """One face of sufficient quality to be compared, with its template."""

    face: Face
    template: Template
    quality: Quality

    def forget(self) -> None:
        """Overwrite the template."""
        self.template.forget()


@dataclass(frozen=True, slots=True, repr=False)
class View:
    """One look at a face, as an event shows it to reviewers."""

    captured_ns: int
    """CLOCK_MONOTONIC of its frame."""
    quality: Quality
    pixels: Pixels | None = None
    """(height, width, 3) RGB, at most `CROP_PX` on a side; None where the policy wants no crop."""

    @property
    def clarity(self) -> int:
        """How well a reviewer sees the face: large, sharp and frontal is more."""
        measured = self.quality
        frontal = max(0, 100 - abs(measured.yaw_centi))
        return measured.inter_eye_px * measured.sharpness_centi * frontal

    def forget(self) -> None:
        """Overwrite the picture."""
        if self.pixels is not None:
            self.pixels[...] = 0


class Sight:
    """The nets, behind the proof of light."""

    def __init__(self, eye: Eye, counts: Counts) -> None:
        self._eye = eye
        self._counts = counts
        self._gate = MotionGate()
        self._grey = 0

    @property
    def runtime(self) -> str:
        """Name and version of the runtime of the nets."""
        return self._eye.embedder.runtime

    def faces(self, lit: Lit, frame: Frame) -> list[Face]:
        """Return the faces in the frame; a frame exposed before the light is not looked at.

        Raises:
            LampDark: light was not proven before, or no longer after.
            PictureGrey: there was no colour for two seconds.
        """
        if frame.captured_ns < lit.since_ns:
            self._counts.early += 1
            return []
        found = self._gate.faces_if_still(frame.brightness(lit), frame.captured_ns)
        if found is None:
            small = frame.small(lit)
            if self._passes_over(small):
                self._gate.forget()
                return []
            by = frame.size_px[0] / small.shape[1]
            found = [one.scaled(by) for one in self._eye.detector.find(small)]
            self._gate.keep(found)
        else:
            self._counts.still += 1
        lit.check()
        self._counts.frames += 1
        self._counts.faces += len(found)
        return found

    def probe(self, lit: Lit, frame: Frame, face: Face, side: Side) -> Probe | None:
        """Return the face's template; None, and count it, when its quality is not sufficient.

        Args:
            lit: the proof of light.
            frame: in which the face was found.
            face: the face.
            side: which images of it the net gets.

        Raises:
            LampDark: light was not proven before, or no longer after.
        """
        alignment = self._eye.manifest.embedder.alignment
        part, left, top = frame.part(lit, reach(face, (STANDARD, alignment)))
        there = face.from_corner(left, top)
        quality = measure(part, there)
        if faults := shortfalls(quality, MATCHING):
            self._counts.refuse(faults[0].fault.value)
            return None
        chip = align(part, there, alignment)
        template = self._eye.embedder.template(chip, side)
        chip.pixels[...] = 0
        lit.check()
        return Probe(face, template, quality)

    def view(self, lit: Lit, frame: Frame, probe: Probe, *, crop: bool) -> View:
        """Return one look as reviewers will see it: the face with a margin, if `crop` is set.

        Raises:
            LampDark: light was not proven.
        """
        if not crop:
            return View(frame.captured_ns, probe.quality)
        around = _with_margin(probe.face.box)
        part, left, top = frame.part(lit, around)
        inside = Box(around.x - left, around.y - top, around.width, around.height)
        cut = Image.fromarray(part).crop(_inside(inside, part.shape[1], part.shape[0]))
        cut.thumbnail((CROP_PX, CROP_PX))
        return View(frame.captured_ns, probe.quality, np.array(cut))

    def forget(self) -> None:
        """Overwrite what the motion gate remembers of the latest picture."""
        self._gate.forget()

    def _passes_over(self, pixels: Pixels) -> bool:
        """Return whether a picture is not looked at, because it has no colour."""
        if has_colour(pixels):
            self._grey = 0
            return False
        self._counts.grey += 1
        self._grey += 1
        if self._grey >= GREY_FRAMES:
            raise PictureGrey(
                "The camera sees no colour, and the nets are not calibrated for that: light the "
                "place, or wait for daylight."
            )
        return True


def encode_jpeg(pixels: Pixels, *, limit: int) -> bytes:
    """Return a picture as a JPEG of at most `limit` bytes."""
    picture, found = Image.fromarray(pixels), b""
    for quality in JPEG_QUALITIES:
        file = BytesIO()
        picture.save(file, "JPEG", quality=quality)
        found = file.getvalue()
        if len(found) <= limit:
            break
    return found


def _with_margin(box: Box) -> Box:
    more = MARGIN * max(box.width, box.height)
    return Box(box.x - more, box.y - more, box.width + 2 * more, box.height + 2 * more)


def _inside(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of a box, where it is in the picture."""
    return (
        max(0, int(box.x)),
        max(0, int(box.y)),
        min(width, int(box.x + box.width)),
        min(height, int(box.y + box.height)),
    )
