"""The lease protocol of `watch` and `lampguard`, on a local SOCK_SEQPACKET socket.

The holder asks for light, beats while it looks, and says when it stops. The guard grants short
leases or refuses. One packet is one message of fixed length. A grant ends at its deadline. Nothing
here reads a clock.

    holder ──ASK, BEAT, STOP──▶ guard
    holder ◀──Grant, Refused─── guard

The program `service`, which is no holder, asks the guard to blink, so that an installer finds the
camera.

    service ──LOCATE──────────▶ guard
    service ◀Blinking, Refused─ guard
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from formats.errors import Malformed
from formats.strict_json import INT_LIMIT

LEASE_MS: Final = 200
"""A lease ends this long after it was granted. docs/design.md, section 4, state ON."""
RENEW_MS: Final = 50
"""The holder beats this often while it looks. docs/design.md, section 4, state ON."""
SILENT_MS: Final = 500
"""A holder that says nothing for this long has stopped. docs/design.md, section 4, state ON."""

_VERSION: Final = 1
_REQUEST: Final = struct.Struct("<BB")
_GRANT: Final = struct.Struct("<BB16sQ")
_REFUSED: Final = struct.Struct("<BBB")
_GRANT_CODE: Final = 0x81
_REFUSED_CODE: Final = 0x82
_BLINKING_CODE: Final = 0x83
_LEASE_ID_BYTES: Final = 16


class Request(IntEnum):
    """A message from the holder."""

    ASK = 1
    """I want to look: light, please."""
    BEAT = 2
    """I am looking and alive: renew my lease."""
    STOP = 3
    """I have stopped looking."""
    LOCATE = 4
    """From `service`: a person with the cable looks for this camera, blink."""


class Reason(IntEnum):
    """Why the guard refuses."""

    FAULT = 1
    """The lamp cannot be proven."""
    BUSY = 2
    """Another program holds the light."""
    NOT_READY = 3
    """The lamp is not lit yet, or is no longer lit: ask again."""
    LOCATING = 4
    """The lamp blinks, or is about to, so that a person finds the camera."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Permission to look until the deadline.

    Raises:
        Malformed: the lease id is not 16 bytes, or the deadline is out of bounds.
    """

    lease_id: bytes
    """(16,) random; the same through all renewals of one stretch of light."""
    deadline_mono_ns: int
    """CLOCK_MONOTONIC at which the permission ends, 1 to 2**63 - 1."""

    def __post_init__(self) -> None:
        if len(self.lease_id) != _LEASE_ID_BYTES:
            raise Malformed("The lease id does not have 16 bytes.")
        if not 1 <= self.deadline_mono_ns <= INT_LIMIT:
            raise Malformed("The lease's deadline is out of bounds.")


@dataclass(frozen=True, slots=True)
class Refused:
    """No permission, or no longer."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Blinking:
    """The answer to LOCATE: the lamp blinks as soon as the light of a look has ended."""


def encode_request(request: Request) -> bytes:
    """Return the message to the guard, 2 bytes."""
    return _REQUEST.pack(_VERSION, request)


def decode_request(packet: bytes) -> Request:
    """Return what a caller said.

    Raises:
        Malformed: another length, version or code.
    """
    for request in Request:
        if packet == encode_request(request):
            return request
    raise Malformed("The packet is not a request.")


def encode_answer(answer: Grant | Refused | Blinking) -> bytes:
    """Return the guard's message: 26 bytes for a grant, 3 for a refusal, 2 for blinking."""
    if isinstance(answer, Blinking):
        return _REQUEST.pack(_VERSION, _BLINKING_CODE)
    if isinstance(answer, Grant):
        return _GRANT.pack(_VERSION, _GRANT_CODE, answer.lease_id, answer.deadline_mono_ns)
    return _REFUSED.pack(_VERSION, _REFUSED_CODE, answer.reason)


def decode_located(packet: bytes) -> Blinking | Refused:
    """Return what the guard said to LOCATE.

    Raises:
        Malformed: another length, version, code or reason.
    """
    if packet == encode_answer(Blinking()):
        return Blinking()
    answer = decode_answer(packet)
    if isinstance(answer, Grant):
        raise Malformed("The packet is not an answer to LOCATE.")
    return answer


def decode_answer(packet: bytes) -> Grant | Refused:
    """Return what the guard said to its holder.

    Raises:
        Malformed: another length, version, code or reason.
    """
    if len(packet) == _GRANT.size:
        version, code, lease_id, deadline_mono_ns = _GRANT.unpack(packet)
        if (version, code) == (_VERSION, _GRANT_CODE):
            return Grant(lease_id, deadline_mono_ns)
    for reason in Reason:
        if packet == encode_answer(Refused(reason)):
            return Refused(reason)
    raise Malformed("The packet is not an answer.")
