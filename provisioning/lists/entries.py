"""Enrol people for the next list: add, remove, review and expire entries; encrypt their templates.

`add_entry` reads the pictures once and does not store them. The templates are stored encrypted to
the desk's key. A thief of the machine gets random handles and reasons, and no face. A picture is
stored only on request, sealed to the reviewers (`provisioning.lists.portraits`).
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from nacl.public import SealedBox
from nacl.utils import random

from formats.entry import (
    PICTURES_LIMIT,
    QUALITIES,
    TEXT_LIMIT,
    TEXTS,
    Entry,
    PictureQuality,
    case_digest,
)
from formats.errors import FormatError
from formats.keyfile import Purpose
from formats.public_keys import recipient_key
from formats.recipients import Reviewer
from formats.signer import Ed25519Signer
from formats.strict_json import is_printable
from formats.watchlist import HANDLE_BYTES
from provisioning.errors import EntryRefused
from provisioning.lists.entry_text import last_day
from provisioning.lists.kept_entries import (
    KeptEntry,
    check_entry,
    kept_entries,
    read_kept_entry,
    store_entry,
)
from provisioning.lists.look_up import refuse_known_picture
from provisioning.lists.picture_check import ReportMeasures, enrol_all
from provisioning.lists.portraits import (
    destroy_orphaned_portraits,
    seal_for_reviewers,
    store_portrait,
)
from provisioning.nets.bundles import site_bundle
from provisioning.site.folder import Site
from recognition.enrolment import head
from recognition.eye import Eye
from recognition.picture import read_picture
from recognition.quality import Quality
from recognition.template import Template


@dataclass(frozen=True, slots=True)
class Case:
    """Why a person is to be on the list, who asked, and until when."""

    organisation: str
    requested_by: str
    approved_by: str
    category: str
    legal_basis: str
    necessity: str
    reference: str = field(repr=False)
    """Reference of the case; only its digest is stored."""
    source: str
    minor: bool
    vulnerable: bool
    added_utc_s: int
    expires_utc_s: int
    review_utc_s: int


@dataclass(frozen=True, slots=True)
class PortraitSeal:
    """What keeps an entry's first picture: the reviewers who were shown, and who seals it."""

    reviewers: Sequence[Reviewer]
    sealer: Ed25519Signer = field(repr=False)


def add_entry(
    site: Site,
    pictures: Sequence[Path],
    case: Case,
    report: ReportMeasures,
    portrait: PortraitSeal | None = None,
) -> Entry:
    """Enrol the one person in `pictures` for the next list.

    Args:
        site: the site.
        pictures: 1 to `PICTURES_LIMIT` files with a portrait of the same person.
        case: why the person is to be on the list.
        report: is called with every measure of each picture beside its bound.
        portrait: keeps the first picture for the reviewers that were shown.

    Raises:
        EntryRefused: the policy does not allow the case, there are too many pictures, or one is on
            the list already.
        SiteRefused: the site has no nets that its trusted key has signed.
        ModelRefused: a net differs from its manifest.
        PictureRefused: a picture misses a bound, or shows another person than the others.
    """
    refuse_case(site, case)
    if not 1 <= len(pictures) <= PICTURES_LIMIT:
        raise EntryRefused(f"A person has 1 to {PICTURES_LIMIT} pictures: leave the poorest out.")
    eye = Eye.load(site_bundle(site))
    enrolled = enrol_all(pictures, eye, site.policy.fpir_ppm, report)
    qualities = [_measures(each.quality) for each in enrolled]
    refuse_known_picture(site, qualities)
    handle, sealed = random(HANDLE_BYTES), None
    try:
        if portrait is not None:
            head_px = head(read_picture(pictures[0]), enrolled[0].face)
            sealed = seal_for_reviewers(portrait.reviewers, handle, head_px, portrait.sealer)
        entry = _entry(case, handle, qualities, picture_kept=sealed is not None)
        kept = _kept(entry, [each.template for each in enrolled], eye, site)
        check_entry(kept)
    except FormatError as error:
        raise EntryRefused(f"The entry is refused: {error}") from error
    # The picture comes first: one without an entry is removed later, an entry must have its own.
    if sealed is not None:
        store_portrait(site, handle, sealed)
    store_entry(site, kept)
    return entry


def remove_entry(site: Site, handle: str) -> None:
    """Take a person off the next list.

    Raises:
        EntryRefused: no entry has this handle.
    """
    path = site.entries / f"{handle}.json"
    if path not in site.entries.iterdir():
        raise EntryRefused(f"No entry has the handle {handle}: see tallylight list show.")
    path.unlink()
    destroy_orphaned_portraits(site)


def remove_expired_entries(site: Site, now: datetime) -> None:
    """Remove every entry that has expired, and every picture whose entry is gone.

    A broken entry stays. `kept_entries` refuses it when a list is built.
    """
    for path in site.entries.glob("*.json"):
        with suppress(EntryRefused):
            if read_kept_entry(path).entry.expires_utc_s <= now.timestamp():
                path.unlink()
    destroy_orphaned_portraits(site)


def renew_review(site: Site, handle: str, review_utc_s: int, now: datetime) -> Entry:
    """Note that an entry was reviewed and stays until its next review.

    Raises:
        EntryRefused: no entry has this handle, it ends before the next review, or the moment has
            passed.
    """
    found = [each for each in kept_entries(site) if each.entry.handle.hex() == handle]
    if not found:
        raise EntryRefused(f"No entry has the handle {handle}: see tallylight list show.")
    if not now.timestamp() < review_utc_s <= found[0].entry.expires_utc_s:
        raise EntryRefused(
            f"The next review must be ahead, and not after the entry's own end, "
            f"{last_day(found[0].entry.expires_utc_s)}. To keep a person longer, remove the entry "
            "and add the person again, from a picture."
        )
    kept = replace(found[0], entry=replace(found[0].entry, review_utc_s=review_utc_s))
    store_entry(site, kept)
    return kept.entry


def due_for_review(site: Site, horizon: datetime) -> Sequence[Entry]:
    """Return every entry whose review is due at `horizon` or before, by ascending handle.

    Raises:
        EntryRefused: a file is broken.
    """
    entries = [kept.entry for kept in kept_entries(site)]
    return [entry for entry in entries if entry.review_utc_s <= horizon.timestamp()]


def refuse_case(site: Site, case: Case) -> None:
    """Raise unless the policy and the calendar allow the case.

    Raises:
        EntryRefused: another organisation or category than the policy's, or dates out of order.
    """
    policy = site.policy
    suppliers = [supplier.organisation for supplier in policy.suppliers]
    for what, value, allowed in (
        ("organisation", case.organisation, suppliers),
        ("category", case.category, policy.categories),
    ):
        if value not in allowed:
            raise EntryRefused(f"The policy knows no {what} {value!r}, only: {'; '.join(allowed)}.")
    lines = {name: (getattr(case, name), most) for name, most in TEXTS.items()}
    for name, (text, most) in (lines | {"case_ref": (case.reference, TEXT_LIMIT)}).items():
        if not (1 <= len(text) <= most and is_printable(text)):
            raise EntryRefused(
                f"--{name.replace('_', '-')} must be one line of 1 to {most} printable characters."
            )
    if case.review_utc_s <= case.added_utc_s:
        raise EntryRefused("The last day has passed, or the review's: name a day that is ahead.")
    if case.review_utc_s > case.expires_utc_s:
        raise EntryRefused("The review comes after the entry's end: name an earlier --review.")


def _measures(quality: Quality) -> PictureQuality:
    return PictureQuality(**{name: getattr(quality, name) for name in QUALITIES})


def _entry(
    case: Case, handle: bytes, pictures: Sequence[PictureQuality], *, picture_kept: bool
) -> Entry:
    return Entry(
        handle=handle,
        organisation=case.organisation,
        requested_by=case.requested_by,
        approved_by=case.approved_by,
        category=case.category,
        legal_basis=case.legal_basis,
        necessity=case.necessity,
        case_digest=case_digest(handle, case.reference),
        source=case.source,
        pictures=tuple(pictures),
        minor=case.minor,
        vulnerable=case.vulnerable,
        picture_kept=picture_kept,
        added_utc_s=case.added_utc_s,
        expires_utc_s=case.expires_utc_s,
        review_utc_s=case.review_utc_s,
    )


def _kept(entry: Entry, templates: Sequence[Template], eye: Eye, site: Site) -> KeptEntry:
    desk = recipient_key(site.key(Purpose.DESK).public)
    locked = SealedBox(desk).encrypt(b"".join(each.vector.tobytes() for each in templates))
    return KeptEntry(entry, eye.manifest.model_digest, locked)
