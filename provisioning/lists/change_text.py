"""The differences of two lists as text: who is added and removed, and which fields changed."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from formats.entry import Entry
from provisioning.lists.entry_text import describe_entry, entry_line
from terminal.differences import moment_text


@dataclass(frozen=True, slots=True)
class EntryChange:
    """One entry before and after."""

    before: Entry
    after: Entry

    @property
    def lines(self) -> list[str]:
        """Return one line for each field that differs."""
        pairs = (
            (each.name, getattr(self.before, each.name), getattr(self.after, each.name))
            for each in fields(Entry)
        )
        return [
            f"    {name.removesuffix('_utc_s')}: {_shown(name, old)} -> {_shown(name, new)}"
            for name, old, new in pairs
            if old != new
        ]


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs between two sets of entries."""

    added: tuple[Entry, ...]
    removed: tuple[Entry, ...]
    changed: tuple[EntryChange, ...]
    same: int

    @property
    def lines(self) -> list[str]:
        """Return the whole difference, for people."""
        text = [f"Added: {len(self.added) or 'none'}", *map(describe_entry, self.added)]
        text += ["", f"Removed: {len(self.removed) or 'none'}", *map(entry_line, self.removed)]
        text += ["", f"Changed: {len(self.changed) or 'none'}"]
        for each in self.changed:
            text += [entry_line(each.after), *each.lines]
        return [*text, "", f"As before: {self.same or 'none'}"]


def difference(before: Mapping[bytes, Entry], after: Mapping[bytes, Entry]) -> Difference:
    """Return what differs between two sets of entries, by handle."""
    both = [(before[handle], after[handle]) for handle in after if handle in before]
    return Difference(
        added=tuple(entry for handle, entry in after.items() if handle not in before),
        removed=tuple(entry for handle, entry in before.items() if handle not in after),
        changed=tuple(EntryChange(*pair) for pair in both if pair[0] != pair[1]),
        same=sum(old == new for old, new in both),
    )


def _shown(name: str, value: object) -> str:
    if name.endswith("_utc_s") and isinstance(value, int):
        return moment_text(value)
    return value.hex() if isinstance(value, bytes) else str(value)
