"""Runs the whole camera in front of a crowd; measures precision and recall of its events.

The list is made and signed with the project's own commands, the guard is a process of its own, and
`watch` runs on the real nets. The place of an event's crop in its frame tells which passer-by it
shows.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from typing import Final

import cv2
import numpy as np
from PIL import Image

from estate.report.intervals import Share
from firmware import assembly, nets
from firmware.config import Config
from firmware.delivery.waiting import WaitingEvents
from firmware.hardware.camera import Frame
from firmware.identity import watch_keys
from formats.envelope import verify
from formats.event import MatchEvent
from formats.keyfile import read_key, unlock_opening
from formats.ledger import Happening, Program
from formats.message import open_event
from formats.settings import read_settings
from hil_tests.demo.figures import records
from hil_tests.errors import DeskRefused
from hil_tests.rig.desk.rig import DeskRig
from hil_tests.rig.desk_site import DeskSite
from hil_tests.rig.site_maker import PASSPHRASE, REVIEWERS, list_person, make_site, publish_list
from hil_tests.scenes.crowd import Crowd, Passing
from hil_tests.scenes.people import Pedestrian
from recognition.pixels import Pixels

COARSE: Final = 4
"""Crops are looked for in pictures so many times smaller."""
SHRUNK: Final = np.arange(1.0, 2.6, 0.1)
"""By how much the camera may have made a crop smaller."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The events of a crowd, beside the truth."""

    crowd: Crowd
    listed: Mapping[str, int]
    """The place in the crowd of each person on the list, by the handle of the entry."""
    about: Sequence[tuple[int, Passing | None]]
    """For each event the person that it names, and the passer-by whose face it shows."""
    counts: Mapping[str, int | str]
    """What the camera's ledger says of the run."""

    @property
    def due(self) -> list[Passing]:
        """All passers-by who are on the list."""
        return [one for one in self.crowd.passings if one.who in self.listed.values()]

    @property
    def right(self) -> list[Passing]:
        """Passers-by that an event names rightly, once for each such event."""
        return [shown for named, shown in self.about if shown is not None and shown.who == named]

    @property
    def precision(self) -> Share:
        """Share of events that name the person they show and are the first of that passer-by."""
        return Share.make(len(set(self.right)), len(self.about))

    @property
    def recall(self) -> Share:
        """Share of listed passers-by who became an event."""
        return Share.make(len(set(self.right)), len(self.due))

    def together(self) -> int:
        """Return in how many groups two or more listed people walked at once."""
        groups = [one.group for one in self.due]
        return sum(groups.count(group) > 1 for group in set(groups))

    def __str__(self) -> str:
        counts = self.counts
        return (
            f"{len(self.crowd.passings)} passers-by, {len(self.due)} of them of the "
            f"{len(self.listed)} on the list, {self.together()} times two or more at once; "
            f"{len(self.crowd.hidden())} were hidden for a while by a nearer one\n"
            f"{counts['frames']} frames, {counts['faces']} faces, {counts['searched']} searches, "
            f"{counts['candidates']} above the threshold, {len(self.about)} events\n"
            f"precision {_told(self.precision)}\nrecall    {_told(self.recall)}"
        )


def _told(share: Share) -> str:
    low, high = share.bounds
    return (
        f"{share.rate:7.1%}  ({share.count} of {share.of}; 95 % interval {low:.1%} to {high:.1%})"
    )


@dataclass
class CrowdCamera:
    """A camera of a crowd's frames: as fast as they are taken, with the crowd's own times."""

    crowd: Crowd
    stamps: dict[int, int] = field(default_factory=dict)
    """Number of each frame by its time of exposure."""

    @contextmanager
    def running(self) -> Iterator[Iterator[Frame]]:
        """Yield each frame once."""
        yield self._frames()

    def _frames(self) -> Iterator[Frame]:
        began_ns = time.monotonic_ns()
        for number in range(self.crowd.frames):
            stamp_ns = began_ns + round(self.crowd.at_s(number) * 1e9)
            self.stamps[stamp_ns] = number
            yield Frame(self.crowd.picture(number), stamp_ns)


def enlist(desk: DeskSite, people: Sequence[Pedestrian], wanted: int) -> dict[str, int]:
    """Make a site with a list of the first of these people who can be on one.

    Args:
        desk: where; nothing is there yet.
        people: in the order in which they are tried; a portrait that is not good enough is refused.
        wanted: how many are to be on the list.

    Returns:
        The place of each among `people`, by the entry's handle.

    Raises:
        DeskRefused: so many portraits are not good enough.
    """
    make_site(desk)
    listed: dict[str, int] = {}
    for who, person in enumerate(people):
        picture = desk.folder / "portrait"
        picture.write_bytes(person.enrolment)
        with suppress(DeskRefused):
            listed[list_person(desk, picture)] = who
        picture.unlink()
        if len(listed) == wanted:
            publish_list(desk)
            return listed
    raise DeskRefused(f"Only {len(listed)} of {len(people)} portraits are good enough for a list.")


def walk(desk: DeskSite, crowd: Crowd, listed: Mapping[str, int]) -> Outcome:
    """Let the crowd walk past the camera of that site; return its events beside the truth."""
    config, camera = read_settings(desk.camera_config, Config), CrowdCamera(crowd)
    with DeskRig(desk) as rig:
        rig.restart(Program.LAMPGUARD)
        means = assembly.Means(lambda: camera, partial(nets.open_eye, config))
        assembly.run(config, means, lambda: True)
    ended = [
        record.body
        for record in records(config.state.watch / "ledger.jsonl")
        if record.event is Happening.PERIOD_END
    ]
    events = opened(desk, config)
    about = [
        (listed[event.entry.hex()], shown(crowd, number, event.crop_jpeg))
        for event in events
        for number in [camera.stamps[event.captured_mono_ns]]
    ]
    return Outcome(crowd, listed, about, ended[-1])


def opened(desk: DeskSite, config: Config) -> list[MatchEvent]:
    """Return the events in the camera's outbox, opened with a reviewer's key."""
    outbox, sender = WaitingEvents(config.state.outbox), watch_keys(config.state).sign.verify_key
    key = unlock_opening(read_key(desk.estate / f"{REVIEWERS[0]}.key"), PASSPHRASE)
    return [open_event(verify(outbox.read_sealed(name), sender), key) for name in outbox.names()]


def shown(crowd: Crowd, number: int, crop: bytes | None) -> Passing | None:
    """Return the passer-by whose face the JPEG of a crop truly shows; None if it shows no face."""
    if crop is None:
        return None
    with Image.open(BytesIO(crop)) as opened_crop:
        x, y = _centre(crowd.picture(number), np.array(opened_crop.convert("RGB")))
    at_it = [head.passing for head in crowd.heads(number) if head.is_at(x, y)]
    return at_it[-1] if at_it else None


def _centre(picture: Pixels, crop: Pixels) -> tuple[float, float]:
    """Return the place in the picture, in its pixels, that a crop's middle was cut from."""
    coarse = cv2.resize(picture, None, fx=1 / COARSE, fy=1 / COARSE, interpolation=cv2.INTER_AREA)
    best, centre = np.inf, (0.0, 0.0)
    for by in SHRUNK:
        size = (round(crop.shape[1] * by / COARSE), round(crop.shape[0] * by / COARSE))
        if size[0] > coarse.shape[1] or size[1] > coarse.shape[0]:
            break
        small = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
        differences = cv2.matchTemplate(coarse, small, cv2.TM_SQDIFF) / small.size
        least, _, (x, y), _ = cv2.minMaxLoc(differences)
        if least < best:
            best, centre = least, (COARSE * (x + size[0] / 2), COARSE * (y + size[1] / 2))
    return centre
