"""The difference (diff) between a signed document and what is in force: added, removed, changed.

A document is shown as items: a reviewer, a camera, a rule. Each item has facts. Each fact is shown
in full, also where nothing changes, because the signature covers it. What changes comes first.
Changes are marked with words, so that no reader needs colours. Lines are as wide as the terminal,
at most 80 columns; below 60 columns each label has a line of its own. Nothing here decides which
fields a document has: a test walks over every signed format and fails when a field is not shown.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from textwrap import wrap
from typing import Final

WIDEST: Final = 80
"""Columns of the widest line."""
NARROW: Final = 60
"""Columns below which a label stands above its value."""
_LABEL_AT: Final = 4
_VALUE_AT: Final = 22
"""Six words of a fingerprint fit behind this column and the word `now`."""
_DIGEST_GROUP: Final = 16


class Mark(StrEnum):
    """What happens to an item."""

    ADDED = "ADDED"
    REMOVED = "REMOVED"
    CHANGED = "CHANGED"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing in a document."""

    name: str
    """No two items of a document have one name: it says which of them are compared."""
    facts: Mapping[str, str]
    """Each fact in full by its label; a value may have several lines."""
    brief: str = ""
    """The line that stands for the item where nothing about it changes; empty: all its facts."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line on the screen."""

    text: str
    mark: Mark | None = None
    """What the line's first word says, for colours."""


def describe_changes(
    before: Sequence[Item] | None, after: Sequence[Item], *, since: str, width: int
) -> list[Line]:
    """Return every fact of `after`, and of `before` what goes; what changes comes first.

    Args:
        before: what is in force; None if nothing is.
        after: what is to be signed.
        since: what is in force, in words that follow "Compared with ".
        width: columns of the terminal.
    """
    columns = min(width, WIDEST)
    old = {item.name: item for item in before or ()}
    new = {item.name: item for item in after}
    added = [item for item in after if item.name not in old]
    removed = [item for name, item in old.items() if name not in new]
    changed = [item for item in after if old.get(item.name, item).facts != item.facts]
    kept = [item for item in after if item.name in old and item not in changed]
    known = f"Compared with {since}:" if before is not None else "Nothing is in force: all is new."
    counts = ((changed, "changed"), (added, "added"), (removed, "removed"), (kept, "as before"))
    summary = ", ".join(f"{len(items) or 'none'} {what}" for items, what in counts)
    lines = paragraph(f"{known} {summary}.", width=width)
    for item in changed:
        lines += _block(item, Mark.CHANGED, columns, old[item.name].facts)
    for items, mark in ((added, Mark.ADDED), (removed, Mark.REMOVED)):
        lines += [line for item in items for line in _block(item, mark, columns)]
    return lines + _kept(kept, columns)


def describe(items: Sequence[Item], *, width: int) -> list[Line]:
    """Return every fact of a document that is compared with nothing."""
    columns = min(width, WIDEST)
    return [line for item in items for line in _block(item, None, columns)]


def paragraph(text: str, *, width: int) -> list[Line]:
    """Return a sentence in lines that fit the terminal."""
    return [Line(each) for each in _wrapped(text, "", min(width, WIDEST), hanging="")]


def digest_text(digest: bytes) -> str:
    """Return a digest in full, in groups that a reader can compare."""
    digits = digest.hex()
    groups = range(0, len(digits), _DIGEST_GROUP)
    return " ".join(digits[start : start + _DIGEST_GROUP] for start in groups)


def moment_text(utc_s: int) -> str:
    """Return a moment such as `2026-12-20 16:30:05 UTC`."""
    return f"{datetime.fromtimestamp(utc_s, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _kept(items: Sequence[Item], columns: int) -> list[Line]:
    if not items:
        return []
    lines = [Line(""), Line("As before:")]
    briefs = [item for item in items if item.brief]
    lines += [line for item in items if not item.brief for line in _block(item, None, columns)]
    if briefs:
        lines.append(Line(""))
    for item in briefs:
        lines += [Line(text) for text in _wrapped(item.brief, "  ", columns, hanging="    ")]
    return lines


def _block(
    item: Item, mark: Mark | None, columns: int, before: Mapping[str, str] | None = None
) -> list[Line]:
    """Return the lines of one item; with `before`, also what each changed fact was."""
    title = f"{mark:<9}{item.name}" if mark else item.name
    first, *rest = _wrapped(title, "", columns, hanging=" " * 9 if mark else "  ")
    lines = [Line(""), Line(first, mark), *map(Line, rest)]
    labels = dict.fromkeys([*item.facts, *(before or ())])
    for label in labels:
        now = item.facts.get(label)
        was = now if before is None else before.get(label)
        values = [("", now)] if now == was else [("now", now), ("was", was)]
        lines += _fact(
            label, [(word, value) for word, value in values if value is not None], columns
        )
    return lines


def _fact(label: str, values: Sequence[tuple[str, str]], columns: int) -> list[Line]:
    """Return the lines of one fact: label, then each value behind its word."""
    narrow = columns < NARROW or len(label) >= _VALUE_AT - _LABEL_AT
    indent = " " * (_LABEL_AT + 2 if narrow else _VALUE_AT)
    texts = [
        text
        for word, value in values
        for text in _value(f"{word:<5}" if word else "", value, indent, columns)
    ]
    if narrow:
        return [Line(" " * _LABEL_AT + label), *map(Line, texts)]
    texts[0] = f"{' ' * _LABEL_AT}{label}".ljust(_VALUE_AT) + texts[0][_VALUE_AT:]
    return [*map(Line, texts)]


def _value(word: str, value: str, indent: str, columns: int) -> Iterable[str]:
    """Return the lines of one value; the second and later ones stand under the first."""
    hanging = indent + " " * len(word)
    begin = indent + word
    for line in value.splitlines() or ["none"]:
        yield from _wrapped(line, begin, columns, hanging=hanging)
        begin = hanging


def _wrapped(text: str, begin: str, columns: int, *, hanging: str) -> list[str]:
    lines = wrap(
        text, columns, initial_indent=begin, subsequent_indent=hanging, break_on_hyphens=False
    )
    return lines or [begin.rstrip()]
