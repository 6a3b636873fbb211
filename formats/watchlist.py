"""The watchlist's body: handles and templates in two columns, sealed to the cameras.

A row is one picture; a person may have several. The body holds no reason, organisation or date:
those stand in the case file (`formats.casefile`), in the same order. A body travels only inside a
sealed LIST envelope. It is read as two columns, so that opening a list takes the same few slices
for one entry or ten thousand. Byte tables: docs/formats/watchlist.md.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import le
from typing import Final

from formats.errors import Malformed

HANDLE_BYTES: Final = 16
"""Length of a handle: random, never a name."""

_MAGIC: Final = b"TALLYLST"
_PEAK, _TROUGH, _LOWEST = (number.to_bytes(1, signed=True) for number in (127, -127, -128))
"""A template is stretched so that its largest component is +127 or -127 (recognition.template)."""
_HEAD: Final = struct.Struct("<8sII")


@dataclass(frozen=True, slots=True)
class Body:
    """Templates by handle. Never shown."""

    dim: int
    """Components of a template."""
    handles: bytes = field(repr=False)
    """n handles of 16 bytes, ascending; a person with several templates has as many rows."""
    templates: bytes = field(repr=False)
    """n rows of `dim` signed bytes, each with a +127 or -127 and no -128; as the handles."""

    def __post_init__(self) -> None:
        if self.dim < 1 or len(self.handles) % HANDLE_BYTES:
            raise Malformed("The list body has a broken handle or templates without components.")
        if len(self.templates) != len(self) * self.dim:
            raise Malformed("The list body does not have one template for each handle.")
        # The cosine of a template of length zero with any other is not a number.
        if _LOWEST in self.templates or not all(map(_has_peak, self._rows())):
            raise Malformed("A template of the list body has no component of 127.")
        names = handles_of(self.handles)
        if not all(map(le, names, names[1:])):
            raise Malformed("The handles of the list body are out of order.")

    def __len__(self) -> int:
        return len(self.handles) // HANDLE_BYTES

    def _rows(self) -> Iterator[bytes]:
        for at in range(0, len(self.templates), self.dim):
            yield self.templates[at : at + self.dim]


def _has_peak(template: bytes) -> bool:
    return _PEAK in template or _TROUGH in template


def handles_of(column: bytes) -> list[bytes]:
    """Return the handles of a column one by one, (16,) each."""
    return [column[at : at + HANDLE_BYTES] for at in range(0, len(column), HANDLE_BYTES)]


def write_body(body: Body) -> bytes:
    """Return the bytes of `body`."""
    return _HEAD.pack(_MAGIC, len(body), body.dim) + body.handles + body.templates


def read_body(data: bytes) -> Body:
    """Return the body in `data`.

    Raises:
        Malformed: another magic, another length than the head promises, or handles out of order.
    """
    if len(data) < _HEAD.size:
        raise Malformed("The list body ends within its head.")
    magic, count, dim = _HEAD.unpack_from(data)
    if magic != _MAGIC:
        raise Malformed("The bytes are not a list body.")
    templates_at = _HEAD.size + count * HANDLE_BYTES
    # Checked before slicing: a head that promises more rows than there are bytes is refused here.
    if len(data) != templates_at + count * dim:
        raise Malformed("The list body does not have exactly the length that its head promises.")
    return Body(dim, data[_HEAD.size : templates_at], data[templates_at:])
