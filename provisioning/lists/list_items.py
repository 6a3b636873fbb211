"""A list as its signers see it: every field of case file and entries, without name or face.

Nothing here decides or compares (`terminal.differences` does). Days and moments are UTC.
"""

from collections.abc import Sequence

from formats.casefile import CaseFile
from formats.entry import Entry, PictureQuality
from provisioning.lists.entry_text import entry_line, last_day
from terminal.differences import Item, digest_text, moment_text


def case_items(case: CaseFile) -> Sequence[Item]:
    """Return everything that a signature over a list covers."""
    facts = {
        "site": case.site,
        "version": str(case.version),
        "issued": moment_text(case.issued_utc_s),
        "valid until": moment_text(case.expires_utc_s),
        "sealed body": digest_text(case.body_digest),
    }
    made_with = {
        "policy": digest_text(case.policy_digest),
        "model": digest_text(case.model_digest),
        "template": f"{case.dim} components",
    }
    return [
        Item("This version", facts),
        Item("Made with", made_with),
        *map(entry_item, case.entries),
    ]


def entry_item(entry: Entry) -> Item:
    """Return one person on the list: why, asked for by which organisation, until when."""
    flags = (("MINOR", entry.minor), ("VULNERABLE", entry.vulnerable))
    facts = {
        "protected as": " and ".join(word for word, is_set in flags if is_set),
        "category": entry.category,
        "legal basis": entry.legal_basis,
        "asked for by": f"{entry.requested_by}, {entry.organisation}",
        "approved by": entry.approved_by,
        "because": entry.necessity,
        "added": moment_text(entry.added_utc_s),
        "until": _day(entry.expires_utc_s),
        "reviewed by": _day(entry.review_utc_s),
        "pictures from": entry.source,
        "pictures": "\n".join(map(_picture, entry.pictures)),
        "picture kept": "for the reviewers" if entry.picture_kept else "no",
        "case": digest_text(entry.case_digest),
    }
    known = {label: value for label, value in facts.items() if value}
    return Item(f"Entry {entry.handle.hex()}", known, brief=entry_line(entry))


def _picture(picture: PictureQuality) -> str:
    size = f"face {picture.face_height_px} px high, {picture.inter_eye_px} px between the eyes"
    sharpness, exposure = picture.sharpness_centi / 100, picture.exposure_centi / 100
    return f"{size}, sharpness {sharpness:.2f}, exposure {exposure:.2f}"


def _day(utc_s: int) -> str:
    day = last_day(utc_s)
    return day if len(day) == len("2026-12-20") else moment_text(utc_s)
