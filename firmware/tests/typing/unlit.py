"""What must not type-check: looking without light. mypy fails on any line that starts to."""

from datetime import datetime

from firmware.hardware.camera import Frame
from firmware.hardware.lamp import Lamp, Lit
from firmware.looking.reporter import Reporter
from firmware.looking.search import Candidate, Search
from firmware.looking.sight import Probe, Sight
from firmware.looking.tracks import Track
from firmware.trust.watchlist import Watchlist
from recognition.face import Face


def a_frame_does_not_open_without_light(frame: Frame, lamp: Lamp) -> None:
    frame.pixels()  # type: ignore[call-arg]
    frame.pixels(None)  # type: ignore[arg-type]
    frame.pixels(lamp)  # type: ignore[arg-type]
    frame.pixels(lamp.lit())  # type: ignore[arg-type]


def no_face_is_found_without_light(sight: Sight, frame: Frame, face: Face, probe: Probe) -> None:
    sight.faces(frame)  # type: ignore[call-arg, arg-type]
    sight.probe(frame, face)  # type: ignore[call-arg, arg-type]
    sight.view(frame, probe, crop=True)  # type: ignore[call-arg, arg-type]


def no_event_is_made_without_light(reporter: Reporter, one: Candidate, track: Track) -> None:
    reporter.report(one, track)  # type: ignore[call-arg]
    reporter.report(one, track, None)  # type: ignore[arg-type]


def only_a_probe_is_searched_for(search: Search, face: Face, now: datetime) -> None:
    search.candidates([face], now)  # type: ignore[list-item]


def only_the_lamp_makes_the_proofs(channel: int) -> None:
    Lit()  # type: ignore[call-arg]
    Lit(channel)  # type: ignore[arg-type]
    Watchlist()  # type: ignore[call-arg]


class AlwaysLit(Lit):  # type: ignore[misc]
    """`Lit` is final."""


class OwnList(Watchlist):  # type: ignore[misc]
    """`Watchlist` is final."""
