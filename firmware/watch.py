"""The main loop of `watch`: look at frames while the lamp is lit, and report candidates.

Light first, then look. A candidate becomes a sealed event in the outbox. Of any other face only a
count is kept. This program has no network; it is handed every channel it uses.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import partial
from threading import Event

from firmware.hardware.camera import Frame
from firmware.hardware.lamp import Lit
from firmware.looking.search import Candidate
from firmware.looking.sight import Probe
from firmware.looking.tracks import Track
from firmware.record.ledger import Moment
from firmware.station import Station
from formats.ledger import Happening


def watch(station: Station) -> None:
    """Look at the camera's frames until they end or `running` says no.

    Raises:
        LampDark: light could not be proven; the result in hand is thrown away.
        ListRefused: the list has expired.
        ClockUntrusted: the clock was set back.
        OutsideHours: the policy's schedule has ended for now.
        OutboxFull: no event may be lost, so none is made.
        DiskStalled: the disk takes no records, and no frame may be looked at without a record.
        CameraStalled: no frame came in time.
        PictureGrey: the camera sees no colour.
        TooHot: the camera is over its limit.
    """
    with station.camera.running() as frames, station.lamp.lit() as lit, _period(station, lit):
        if not station.book.writer.flush(meanwhile=partial(_keep_lease, station, lit)):
            return
        for frame in station.frame_rate.wanted(frames):
            station.book.writer.check()
            station.search.check(station.now())
            station.thermometer.check()
            with frame:
                _look(station, lit, frame)
            station.status_sender.send_if_due(lit)
            station.reporter.measure_if_due()
            station.kept.save_if_due()
            station.alive(station.counts.to_line())
            if not station.running():
                return


def _look(station: Station, lit: Lit, frame: Frame) -> None:
    """Follow the faces of one frame; compare those whose turn it is with the list."""
    deadline_ns, sums = station.schedule.deadline_ns(), list[tuple[Track, Probe]]()
    followed = station.tracks.follow(station.sight.faces(lit, frame), frame.captured_ns)
    try:
        for face, track in station.schedule.due(followed, frame.captured_ns, deadline_ns):
            probe = station.sight.probe(lit, frame, face, track.side)
            if probe is None:
                continue
            fused = track.fused_probe(probe)
            probe.forget()
            if fused is not None:
                sums.append((track, fused))
        _compare(station, lit, frame, sums)
    finally:
        for _, fused in sums:
            fused.forget()


def _compare(station: Station, lit: Lit, frame: Frame, sums: Sequence[tuple[Track, Probe]]) -> None:
    """Search the list for the fused probes of one frame; each is a vote of its passer-by."""
    found = station.search.candidates([fused for _, fused in sums], station.now())
    for (track, _), candidate in zip(sums, found, strict=True):
        station.counts.passers_by += track.begin_comparing()
        if candidate:
            crop = station.search.watchlist.policy.crop
            track.keep_clearest(station.sight.view(lit, frame, candidate.probe, crop=crop))
        if track.vote(candidate):
            _announce(station, lit, track, candidate)


def _announce(station: Station, lit: Lit, track: Track, candidate: Candidate) -> None:
    """Make the one event of this passer-by, unless its entry pauses."""
    track.announced = True
    pauses, entry, at_ns = station.kept.pauses, candidate.handle, track.last_seen_ns
    if pauses.is_paused(entry, at_ns):
        pauses.hold_back(entry, at_ns)
        station.counts.suppressed += 1
    else:
        station.reporter.report(candidate, track, lit, pauses.held_back(entry, at_ns))
        pauses.begin(entry, at_ns)
        station.counts.events += 1
    track.forget_clearest()


@contextmanager
def _period(station: Station, lit: Lit) -> Generator[None]:
    """Record when looking began and ended, under which list, and its counts.

    The caller waits until the beginning is on the disk before it looks. A beginning that the disk
    refused has no end.
    """
    station.counts.clear()
    station.reporter.stored = 0
    watchlist, threshold = station.search.watchlist, station.search.threshold
    station.book.append(
        Happening.PERIOD_BEGIN,
        {
            "lease_id": lit.lease_id.hex(),
            "list_version": watchlist.version,
            "list_digest": watchlist.digest.hex(),
            "policy_digest": watchlist.policy_digest.hex(),
            "model_digest": station.reporter.model_digest.hex(),
            "threshold_ppm": threshold.score_ppm,
            "predicted_fpir_ppb": threshold.predicted_fpir_ppb,
            "firmware_digest": station.reporter.firmware_digest.hex(),
            "runtime": station.reporter.runtime,
        },
    )
    begun = Event()
    station.book.writer.submit(begun.set)  # Behind the beginning, and only if that was written.
    try:
        yield
    finally:
        station.tracks.forget()
        station.sight.forget()
        end = partial(_write_end, station, begun, Moment.now())
        station.book.writer.submit(end, regardless=True)
        station.kept.save()


def _keep_lease(station: Station, lit: Lit) -> bool:
    """Beat to the guard while the program waits for the disk; return whether to go on waiting."""
    lit.check()
    return station.running()


def _write_end(station: Station, begun: Event, at: Moment) -> None:
    """Write the counts of the period after all earlier writes; events are those on the disk."""
    if not begun.is_set():
        return
    body = station.counts.to_body() | {"events": station.reporter.stored}
    station.book.ledger.append(Happening.PERIOD_END, body, at)
