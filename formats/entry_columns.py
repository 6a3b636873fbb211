"""The entries of a list in columns: 10,000 entries are checked in the same few passes as one.

A column holds one field of all entries: handles one after the other, moments as numbers, texts as
places in one table of all texts. Every rule about entries is checked here for whole columns. An
`Entry` is made only for the rows that a caller reads. Byte tables: docs/formats/watchlist.md.
"""

import sys
from array import array
from base64 import b64encode
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain, compress, repeat
from operator import le, lt
from typing import Final, TypeAlias, TypeVar

from formats.entry import (
    FLAGS,
    MOMENTS,
    OUT_OF_ORDER,
    PICTURES_LIMIT,
    QUALITIES,
    QUALITY_LIMIT,
    TEXT_LIMIT,
    TEXTS,
    Entry,
    PictureQuality,
    make_entry,
)
from formats.errors import Malformed
from formats.strict_json import UTC_HIGH_S, UTC_LOW_S, Fields, JsonValue
from formats.watchlist import HANDLE_BYTES, handles_of

T = TypeVar("T")
Numbers: TypeAlias = "array[int]"
"""Unsigned, of 32 bits."""

DIGEST_BYTES: Final = 32
_COLUMN_LIMIT: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, repr=False)
class Entries:
    """n entries by ascending handle. Iterates as `Entry`; made by `entries_of`, `read_entries`.

    Raises:
        Malformed: the columns do not belong together, or break a rule about entries.
    """

    handles: bytes
    """n x 16."""
    case_digests: bytes
    """n x 32."""
    texts: tuple[str, ...]
    """Every text of any entry, ascending, each once."""
    places: Mapping[str, Numbers]
    """By the names of `TEXTS`: where in `texts` each entry's text stands."""
    moments: Mapping[str, Numbers]
    """By the names of `MOMENTS`."""
    flags: bytes
    """n: `FLAGS`, the first as the lowest bit."""
    counts: bytes
    """n: how many pictures of each, 1 to 8."""
    qualities: Mapping[str, Numbers]
    """By the names of `QUALITIES`, picture after picture, in the order of the handles."""
    _picture_ends: tuple[int, ...] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_picture_ends", (0, *accumulate(self.counts)))
        _check_lengths(self)
        _check_rules(self)

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, row: int) -> Entry:
        if not 0 <= row < len(self):
            raise IndexError(row)
        flags = self.flags[row]
        pictures = slice(self._picture_ends[row], self._picture_ends[row + 1])
        measured = zip(*(self.qualities[name][pictures] for name in QUALITIES), strict=True)
        return make_entry(
            handle=self._handle(row),
            case_digest=self.case_digests[row * DIGEST_BYTES : (row + 1) * DIGEST_BYTES],
            pictures=tuple(PictureQuality(*picture) for picture in measured),
            texts={name: self.texts[self.places[name][row]] for name in TEXTS},
            moments={name: self.moments[name][row] for name in MOMENTS},
            flags={name: bool(flags >> bit & 1) for bit, name in enumerate(FLAGS)},
        )

    def __iter__(self) -> Iterator[Entry]:
        return map(self.__getitem__, range(len(self)))

    def by_handle(self, handle: bytes) -> Entry | None:
        """Return the entry with this handle, or None."""
        row = bisect_left(range(len(self)), handle, key=self._handle)
        return self[row] if row < len(self) and self._handle(row) == handle else None

    def distinct_texts(self, name: str) -> set[str]:
        """Return the different texts under `name`, one of `TEXTS`, of all entries."""
        return {self.texts[place] for place in set(self.places[name])}

    @property
    def sensitive(self) -> bool:
        """Whether a third organisation must sign for any entry."""
        return any(flags & 0b11 for flags in set(self.flags))

    def live(self, now_s: int) -> list[bool]:
        """Return for each entry whether it may be searched for at `now_s`, seconds since 1970."""
        added, review = self.moments["added_utc_s"], self.moments["review_utc_s"]
        return [begin <= now_s < end for begin, end in zip(added, review, strict=True)]

    def per_template(self, column: Iterable[T]) -> list[T]:
        """Repeat each entry's value in `column` once for each of its templates."""
        return list(chain.from_iterable(map(repeat, column, self.counts)))

    @property
    def template_handles(self) -> bytes:
        """N x 16: the handle of each template, as the list's body must have them."""
        if set(self.counts) <= {1}:
            return self.handles
        return b"".join(self.per_template(handles_of(self.handles)))

    def select(self, wanted: Sequence[bool]) -> "Entries":
        """Return the entries whose place in `wanted` is true; the texts of all stay."""
        if all(wanted):
            return self
        pictures = self.per_template(wanted)
        return Entries(
            handles=b"".join(compress(handles_of(self.handles), wanted)),
            case_digests=b"".join(compress(_chunks(self.case_digests, DIGEST_BYTES), wanted)),
            texts=self.texts,
            places=_select_rows(self.places, wanted),
            moments=_select_rows(self.moments, wanted),
            flags=bytes(compress(self.flags, wanted)),
            counts=bytes(compress(self.counts, wanted)),
            qualities=_select_rows(self.qualities, pictures),
        )

    def _handle(self, row: int) -> bytes:
        return self.handles[row * HANDLE_BYTES : (row + 1) * HANDLE_BYTES]


def entries_of(entries: Iterable[Entry]) -> Entries:
    """Put entries into columns.

    Raises:
        Malformed: they are out of order, one is there twice, or a figure is out of bounds.
    """
    rows = tuple(entries)
    texts = tuple(sorted({getattr(entry, name) for entry in rows for name in TEXTS}))
    place = {text: at for at, text in enumerate(texts)}
    pictures = [picture for entry in rows for picture in entry.pictures]
    try:
        return Entries(
            handles=b"".join(entry.handle for entry in rows),
            case_digests=b"".join(entry.case_digest for entry in rows),
            texts=texts,
            places={n: array("I", [place[getattr(row, n)] for row in rows]) for n in TEXTS},
            moments={n: array("I", [getattr(row, n) for row in rows]) for n in MOMENTS},
            flags=bytes(
                sum(getattr(row, name) << bit for bit, name in enumerate(FLAGS)) for row in rows
            ),
            counts=bytes(len(entry.pictures) for entry in rows),
            qualities={n: array("I", [getattr(each, n) for each in pictures]) for n in QUALITIES},
        )
    except OverflowError as error:
        raise Malformed("A figure of an entry is negative or too large.") from error


def write_entries(entries: Entries) -> dict[str, JsonValue]:
    """Return the fields that `read_entries` reads."""
    numbers = {**entries.places, **entries.moments}
    columns = {
        "handle": entries.handles,
        "case_digest": entries.case_digests,
        "flags": entries.flags,
        "pictures": entries.counts,
        **{name: _packed(column) for name, column in numbers.items()},
    }
    return {
        "entries": {name: b64encode(column).decode() for name, column in columns.items()},
        "pictures": {
            name: b64encode(_packed(column)).decode() for name, column in entries.qualities.items()
        },
        "texts": entries.texts,
    }


def read_entries(fields: Fields, *, count: int) -> Entries:
    """Read at most `count` entries, from three members of a case file.

    Raises:
        Malformed: see `Entries`; or the texts are not exactly those of the entries, in order.
    """
    texts = fields.texts("texts", at_most=TEXT_LIMIT, count=count * len(TEXTS))
    qualities = fields.object("pictures", lambda inner: _numbers(inner, QUALITIES))

    def columns(inner: Fields) -> Entries:
        return Entries(
            handles=_bytes(inner, "handle"),
            case_digests=_bytes(inner, "case_digest"),
            texts=texts,
            places=_numbers(inner, TEXTS),
            moments=_numbers(inner, MOMENTS),
            flags=_bytes(inner, "flags"),
            counts=_bytes(inner, "pictures"),
            qualities=qualities,
        )

    entries = fields.object("entries", columns)
    if len(entries) > count:
        raise Malformed(f"There are more than {count} entries.")
    # One list has one spelling: no text stands twice, and none is unused.
    used = set().union(*entries.places.values())
    if len(used) != len(texts) or not all(map(lt, texts, texts[1:])):
        raise Malformed("The texts are not exactly those of the entries, in ascending order.")
    return entries


def _check_lengths(entries: Entries) -> None:
    count, pictures = len(entries), sum(entries.counts)
    lengths = [
        len(entries.handles) == count * HANDLE_BYTES,
        len(entries.case_digests) == count * DIGEST_BYTES,
        len(entries.flags) == count,
        all(len(column) == count for column in entries.places.values()),
        all(len(column) == count for column in entries.moments.values()),
        all(len(column) == pictures for column in entries.qualities.values()),
    ]
    if not all(lengths):
        raise Malformed("The columns of the entries are of unlike lengths.")


def _check_rules(entries: Entries) -> None:
    names = handles_of(entries.handles)
    if not all(map(lt, names, names[1:])):
        raise Malformed("The entries are out of order, or one is there twice.")
    if not set(entries.counts) <= set(range(1, PICTURES_LIMIT + 1)):
        raise Malformed(f"An entry has 1 to {PICTURES_LIMIT} pictures.")
    if any(flags >> len(FLAGS) for flags in set(entries.flags)):
        raise Malformed("An entry has an unknown flag.")
    added, review, expires = (entries.moments[name] for name in MOMENTS)
    if not (all(map(lt, added, review)) and all(map(le, review, expires))):
        raise Malformed(OUT_OF_ORDER)
    if added and not UTC_LOW_S <= min(added) <= max(expires) <= UTC_HIGH_S:
        raise Malformed("A moment of an entry is not between 2020 and 2100.")
    if any(max(column, default=0) > QUALITY_LIMIT for column in entries.qualities.values()):
        raise Malformed("A figure of a picture is too large.")
    for name, longest in TEXTS.items():
        if max(entries.places[name], default=-1) >= len(entries.texts):
            raise Malformed(f"An entry's {name} is a text that is not there.")
        if max(map(len, entries.distinct_texts(name)), default=0) > longest:
            raise Malformed(f"An entry's {name} is longer than {longest} characters.")


def _bytes(fields: Fields, name: str) -> bytes:
    return fields.base64_bytes(name, at_most=_COLUMN_LIMIT, at_least=0)


def _numbers(fields: Fields, names: Iterable[str]) -> dict[str, Numbers]:
    return {name: _unpacked(_bytes(fields, name)) for name in names}


def _packed(column: Numbers) -> bytes:
    return _little_endian(column[:]).tobytes()


def _unpacked(data: bytes) -> Numbers:
    if len(data) % 4:
        raise Malformed("A column of numbers ends within one.")
    return _little_endian(array("I", data))


def _little_endian(column: Numbers) -> Numbers:
    if sys.byteorder == "big":
        column.byteswap()
    return column


def _select_rows(columns: Mapping[str, Numbers], wanted: Sequence[bool]) -> dict[str, Numbers]:
    return {name: array("I", compress(column, wanted)) for name, column in columns.items()}


def _chunks(column: bytes, width: int) -> Iterator[bytes]:
    return (column[at : at + width] for at in range(0, len(column), width))
