"""The holder's side of the lamp lease: `with lamp.lit() as lit` gives the proof of light.

Light first, then look: every function that sees a frame takes `lit`. The block begins when the
guard has granted a lease, and the guard grants only while it senses the lamp's own current.
`lit.check()` raises as soon as the lease has run out, the guard has refused, or the block has
ended; a proof that is kept longer raises, too. A grant for longer than a lease is refused. Only
this module makes the proof. It opens no socket: it is handed an open descriptor.
"""

import os
import select
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, final

from firmware.errors import DiskStalled, LampDark, NoLease
from formats.errors import Malformed
from formats.lease import (
    LEASE_MS,
    RENEW_MS,
    SILENT_MS,
    Grant,
    Reason,
    Refused,
    Request,
    decode_answer,
    encode_request,
)

LIGHT_UP_S: Final = 1.0
"""Longest wait for the first lease: the guard needs 60 ms of light, and boots in 200 ms."""
LONGEST_NS: Final = (LEASE_MS + 1) * 1_000_000
"""A grant ends at most this far from now: a lease, and 1 ms for rounding. Both sides read one
clock, and the guard reads it first."""
PACKET_LIMIT: Final = 64
"""Longer than any answer: a longer packet is cut and refused."""

WHY_DARK: Final = {
    Reason.FAULT: "the lamp's light cannot be proven: check the lamp and its sense line",
    Reason.BUSY: "another program holds the lamp",
    Reason.NOT_READY: "the lamp guard is not ready",
    Reason.LOCATING: "the lamp blinks for a person who looks for this camera",
}


@dataclass(slots=True)
class _Lease:
    """The guard's last answer. Only this module makes one, so only it makes a `Lit`."""

    channel: int
    grant: Grant
    since_ns: int
    beaten_ns: int = 0
    ended: bool = False


@final
class Lit:
    """Proof that the lamp is lit. Only `Lamp.lit` gives one."""

    __slots__ = ("_lease",)

    def __init__(self, lease: _Lease) -> None:
        self._lease = lease

    @property
    def lease_id(self) -> bytes:
        """(16,) the lease under which this was seen, for events and the ledger."""
        return self._lease.grant.lease_id

    @property
    def since_ns(self) -> int:
        """CLOCK_MONOTONIC since when this light is proven; earlier exposures are not looked at."""
        return self._lease.since_ns

    def check(self) -> None:
        """Refuse to go on when the lamp is not proven lit; beat to the guard.

        Raises:
            LampDark: the `with` block or the lease has ended, or the guard refuses or is gone.
            DiskStalled: the guard ended the light because its disk takes no records.
        """
        lease = self._lease
        if lease.ended:
            raise LampDark("The proof of light was kept after its light had ended.")
        lease.ended = True  # An error raised below ends the lease.
        while (answer := _hear(lease.channel, wait_s=0)) is not None:
            if answer == Refused(Reason.NOT_READY):
                raise _why_ended(lease)
            if isinstance(answer, Refused):
                raise LampDark(f"Nothing is looked at: {WHY_DARK[answer.reason]}.")
            lease.grant = answer
        now_ns = time.monotonic_ns()
        if now_ns >= lease.grant.deadline_mono_ns:
            raise LampDark(
                "The lamp guard has not renewed the lease in time: the machine is too busy, or the "
                "guard hangs."
            )
        lease.ended = False
        if now_ns - lease.beaten_ns >= RENEW_MS * 1_000_000:
            lease.beaten_ns = now_ns
            _say(lease.channel, Request.BEAT)


class Lamp:
    """The one lamp on the housing, seen from the program that wants to look."""

    def __init__(self, channel: int) -> None:
        """Take an open, non-blocking SOCK_SEQPACKET descriptor to the lamp guard."""
        self._channel = channel

    def close(self) -> None:
        """Close the descriptor: the guard then ends what it has granted."""
        os.close(self._channel)

    @contextmanager
    def lit(self) -> Generator[Lit]:
        """Light the lamp for the time of the block.

        Raises:
            LampDark: the guard refuses, is gone, or senses no light in time.
        """
        while _hear(self._channel, wait_s=0) is not None:
            pass  # Answers about an earlier stretch of light.
        _say(self._channel, Request.ASK)
        lease = _Lease(self._channel, self._first_grant(), time.monotonic_ns())
        try:
            yield Lit(lease)
        finally:
            lease.ended = True  # First no look is possible any more, then the lamp may go out.
            _say(self._channel, Request.STOP)

    def _first_grant(self) -> Grant:
        until_s = time.monotonic() + LIGHT_UP_S
        while (left_s := until_s - time.monotonic()) > 0:
            answer = _hear(self._channel, wait_s=left_s)
            if isinstance(answer, Grant):
                if time.monotonic_ns() < answer.deadline_mono_ns:
                    return answer
            elif answer == Refused(Reason.NOT_READY):
                time.sleep(RENEW_MS / 1000)
                _say(self._channel, Request.ASK)
            elif answer is not None:
                raise LampDark(f"Nothing is looked at: {WHY_DARK[answer.reason]}.")
        raise NoLease(
            f"Nothing is looked at: the lamp guard granted no lease within {LIGHT_UP_S:.0f} s; its "
            "own log says why."
        )


def _why_ended(lease: _Lease) -> LampDark | DiskStalled:
    """Return why the guard ended a light that was proven.

    It does so for two reasons: the holder was silent, which the holder knows, and the guard's disk.
    """
    silent_s = (time.monotonic_ns() - max(lease.beaten_ns, lease.since_ns)) / 1e9
    if silent_s * 1000 < SILENT_MS:
        return DiskStalled(
            "The lamp went out because the lamp guard's disk takes no records: check the card."
        )
    return LampDark(
        f"The lamp went out because watch was silent for {silent_s:.1f} s: no frame came, or the "
        "machine is too busy; check the camera."
    )


def _say(channel: int, request: Request) -> None:
    try:
        os.write(channel, encode_request(request))
    except OSError:
        return  # A guard that is gone grants no lease: the last one runs out by itself.


def _hear(channel: int, *, wait_s: float) -> Grant | Refused | None:
    poll = select.poll()  # Unlike select(), it takes descriptors above 1,023.
    poll.register(channel, select.POLLIN)
    if not poll.poll(1000 * wait_s):
        return None
    try:
        answer = decode_answer(os.read(channel, PACKET_LIMIT))
    except BlockingIOError:
        return None
    except (OSError, Malformed) as error:  # An empty packet is a closed connection.
        raise LampDark("Nothing is looked at: the lamp guard is gone.") from error
    if isinstance(answer, Grant) and answer.deadline_mono_ns > time.monotonic_ns() + LONGEST_NS:
        raise LampDark(
            "Nothing is looked at: the lamp guard granted more than a lease; restart it."
        )
    return answer
