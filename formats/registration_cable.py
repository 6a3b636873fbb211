"""How two programs speak on a registration's cable: ports, frames, refusals, and who is there.

A frame is a length of four bytes, big-endian, and as many bytes of strict JSON. A longer frame than
`FRAME_LIMIT` is refused before it is read, and a frame that comes byte by byte must end in time. A
refusal is an answer, too: one sentence for people. Over UDP the laptop asks every camera on a link
for its serial number, because two cameras on one cable must be noticed. Byte tables:
docs/formats/registration.md.
"""

import time
from errno import ETIMEDOUT
from typing import Final, Protocol

from formats.errors import Malformed, Refused, TooLarge
from formats.signed_members import SIGNED_LIMIT
from formats.strict_json import Fields, dumps, loads, parse

PORT: Final = 7700
"""TCP: the registration. UDP: who is there."""
EVERYBODY: Final = "ff02::1"
"""Who is on a link: all nodes (RFC 4291, section 2.7.1). The link, and not an address, says which
camera it is."""
LINK_LOCAL: Final = "fe80:"
"""How each address begins that a link alone reaches, as Linux gives them (RFC 4291, 2.5.6)."""
FRAME_LIMIT: Final = SIGNED_LIMIT
WHO_LIMIT: Final = 256
WHO: Final = b'{"kind":"registration-who"}'
_LENGTH_BYTES: Final = 4
_REFUSAL: Final = "registration-refusal"
_DONE: Final = "registration-done"
_HERE: Final = "registration-here"
_SENTENCE_LIMIT: Final = 500


class Connection(Protocol):
    """A connected socket."""

    def settimeout(self, value: float, /) -> None:
        """Bound each single wait."""

    def recv(self, bufsize: int, /) -> bytes:
        """Return what has come; empty at the end."""

    def sendall(self, data: bytes, /) -> None:
        """Send everything within the bound."""


class Reader(Protocol):
    """What a frame is read from."""

    def read(self, size: int, /) -> bytes:
        """Return so many bytes, or fewer at the end."""


class Writer(Protocol):
    """What a frame is written to."""

    def write(self, data: bytes, /) -> object:
        """Write everything."""


class CableStream:
    """A connection for one message and its answer, all of which must have come in time."""

    def __init__(self, line: Connection, within_s: float) -> None:
        self._line, self._until_s = line, time.monotonic() + within_s

    def read(self, size: int) -> bytes:
        """Return so many bytes, or fewer if the line ends.

        Raises:
            OSError: the line is gone, or the time is over.
        """
        found = bytearray()
        while len(found) < size:
            self._wait()
            part = self._line.recv(size - len(found))
            if not part:
                break
            found += part
        return bytes(found)

    def write(self, data: bytes) -> None:
        """Write everything.

        Raises:
            OSError: the line is gone, or the time is over.
        """
        self._wait()
        self._line.sendall(data)

    def _wait(self) -> None:
        left_s = self._until_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError(ETIMEDOUT, "timed out")
        self._line.settimeout(left_s)


class RefusedByCamera(Refused):
    """The camera refused a message; the sentence is its own."""


def write_frame(stream: Writer, message: bytes) -> None:
    """Write one message.

    Raises:
        OSError: the line is gone.
    """
    stream.write(len(message).to_bytes(_LENGTH_BYTES, "big") + message)


def read_frame(stream: Reader) -> bytes:
    """Return the next message; empty if the line ended before its first byte.

    Raises:
        Malformed: the line ended in the middle.
        TooLarge: the frame is longer than `FRAME_LIMIT`.
        OSError: the line is gone, or silent for too long.
    """
    head = stream.read(_LENGTH_BYTES)
    if not head:
        return b""
    size = int.from_bytes(head, "big")
    if size > FRAME_LIMIT:
        raise TooLarge(f"A frame of {size} bytes: at most {FRAME_LIMIT} are allowed.")
    message = stream.read(size)
    if len(head) < _LENGTH_BYTES or len(message) < size or not size:
        raise Malformed("A frame was cut off.")
    return message


def kind_of(message: bytes) -> str:
    """Return the kind of a message, or an empty text.

    Raises:
        Malformed, TooLarge: it is no strict JSON.
    """
    return str(loads(message, limit=FRAME_LIMIT).get("kind", ""))


def write_refusal(error: Refused) -> bytes:
    """Return the answer that refuses a message."""
    sentence = "".join(letter for letter in str(error) if letter.isprintable())
    return dumps({"kind": _REFUSAL, "sentence": sentence[:_SENTENCE_LIMIT] or "refused"})


def raise_refusal(answer: bytes) -> None:
    """Raise if an answer is a refusal.

    Raises:
        RefusedByCamera: it is.
        Malformed, TooLarge: it is no strict JSON.
    """
    if kind_of(answer) != _REFUSAL:
        return

    def read(fields: Fields) -> str:
        fields.constant("kind", _REFUSAL)
        return fields.text("sentence", at_most=_SENTENCE_LIMIT)

    raise RefusedByCamera(parse(answer, read, limit=FRAME_LIMIT, what=_REFUSAL))


def write_done(record_digest: bytes) -> bytes:
    """Return the camera's last message: it keeps the record of this SHA-256."""
    return dumps({"kind": _DONE, "record": record_digest.hex()})


def read_done(answer: bytes, record_digest: bytes) -> None:
    """Verify that the camera keeps this record.

    Raises:
        Malformed, TooLarge: it says something else.
    """
    if answer != write_done(record_digest):
        raise Malformed("The camera did not say that it keeps the record.")


def write_here(serial: str) -> bytes:
    """Return the answer to `WHO`."""
    return dumps({"kind": _HERE, "serial": serial})


def read_here(answer: bytes) -> str:
    """Return the serial number that an answer to `WHO` names.

    Raises:
        Malformed, TooLarge: it is no such answer.
    """

    def read(fields: Fields) -> str:
        fields.constant("kind", _HERE)
        return fields.text("serial", at_most=64)

    return parse(answer, read, limit=WHO_LIMIT, what=_HERE)
