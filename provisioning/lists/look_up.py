"""Find entries by what people know: first digits of a handle, the case, the same picture again.

A case is found by its reference: for each entry its salted digest is computed and compared. A
picture is known again by its four measures, which stand in the case file anyway: no digest of a
picture is stored, because a thief could try pictures against it. A picture that was saved anew has
other measures; `list build` finds it by its template.
"""

from collections.abc import Sequence
from typing import Final

from formats.entry import Entry, PictureQuality, case_digest
from formats.strict_json import is_printable
from provisioning.errors import EntryRefused
from provisioning.lists.kept_entries import kept_entries
from provisioning.site.folder import Site

BEGINNING: Final = 4
"""Fewest digits of a handle that name an entry."""


def find_handle(site: Site, beginning: str) -> str:
    """Return the one handle of the next list that begins so. Broken entries have one, too.

    Raises:
        EntryRefused: no handle does, or more than one, or fewer digits than `BEGINNING` are given.
    """
    handles = [path.stem for path in site.entries.glob("*.json")]
    found = [each for each in handles if each.startswith(beginning.lower())]
    if len(beginning) < BEGINNING or not found:
        raise EntryRefused(
            f"No entry has the handle {beginning}: see tallylight list show, and give {BEGINNING} "
            "digits or more."
        )
    if len(found) > 1:
        raise EntryRefused(
            f"{len(found)} entries have a handle that begins with {beginning}: give more digits."
        )
    return found[0]


def entries_of_case(site: Site, reference: str) -> Sequence[Entry]:
    """Return every entry of a case, by ascending handle.

    Raises:
        EntryRefused: the reference holds a character that cannot be written, or a file is broken.
    """
    if not is_printable(reference):
        raise EntryRefused("The reference of the case holds a character that cannot be printed.")
    entries = (kept.entry for kept in kept_entries(site))
    return [each for each in entries if each.case_digest == case_digest(each.handle, reference)]


def refuse_known_picture(site: Site, pictures: Sequence[PictureQuality]) -> None:
    """Raise if a picture has exactly the measures of one that an entry was made from.

    Raises:
        EntryRefused: one has.
    """
    for kept in kept_entries(site):
        if set(kept.entry.pictures) & set(pictures):
            raise EntryRefused(
                f"This picture is on the list already, as entry {kept.entry.handle.hex()}: remove "
                "that entry first, or use another picture."
            )
