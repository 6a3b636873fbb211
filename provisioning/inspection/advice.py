"""Advice on where a camera hangs, from counts of its last period: never from a picture.

The nets refuse a face that is too small, blurred, turned away, too dark or too bright. Which of
these happens most says what to move: the camera, its lens, its light. The limits below are advice
for an installer; no program acts on them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from formats.counts import counted

FACES_LEAST: Final = 20
"""Faces of a walk test below which its shares say nothing: about two passages at 10 frames/s."""
SHARE_MOST: Final = 1 / 3
"""Share of refused faces from which on a remedy pays: two looks of three are still compared."""
REMEDIES: Final = {
    "refused_small": ("too small", "hang the camera nearer, or take a longer lens"),
    "refused_blurred": (
        "blurred",
        "focus the lens, or give more light for shorter exposures",
    ),
    "refused_turned": ("turned away", "hang it at head height, facing the way people walk"),
    "refused_dark": ("too dark", "give light from the camera's side"),
    "refused_bright": ("too bright", "keep the sun and lamps behind the camera"),
}
"""By stage: what was wrong with the face, and what an installer does."""


@dataclass(frozen=True, slots=True)
class Advice:
    """One line about the place of the camera."""

    good: bool
    topic: str
    words: str


def advise(period: Mapping[str, int] | None) -> list[Advice]:
    """Return what the counts of the last period of looking say about the camera's place."""
    faces = period["faces"] if period else 0
    if period is None or faces < FACES_LEAST:
        return [
            Advice(
                good=False,
                topic="walk test",
                words=f"{counted(faces, 'face')} in all: walk past twice, face to the camera, then "
                "run tallylight locate and check again",
            )
        ]
    lines = [_line(period, stage, faces) for stage in REMEDIES]
    if period["grey"] * 2 > period["frames"]:
        words = "most frames had no colour: switch infrared light off"
        lines.append(Advice(good=False, topic="colour", words=words))
    events = period["events"]
    walked = (
        f"{counted(events, 'event')} of listed people, {period['passers_by']} passers-by were "
        "compared"
    )
    lines.append(Advice(good=events > 0, topic="walk test", words=walked))
    return lines


def _line(period: Mapping[str, int], stage: str, faces: int) -> Advice:
    what, remedy = REMEDIES[stage]
    share = period[stage] / faces
    words = f"{share:.0%} of the faces were {what}"
    good = share <= SHARE_MOST
    topic = stage.removeprefix("refused_")
    return Advice(good, topic, words if good else f"{words}: {remedy}")
