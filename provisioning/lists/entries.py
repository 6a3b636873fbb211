"""People to be on the next list: each with a case, templates, and no picture in the clear.

`add_entry` looks at the pictures once and forgets them. The templates rest sealed to the desk's
key, so whoever steals the machine has random handles and reasons, but nobody's face.
"""

from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.utils import random

from formats.entry import (
    PICTURES_LIMIT,
    QUALITIES,
    Entry,
    PictureQuality,
    case_digest,
    read_entry,
    write_entry,
)
from formats.errors import FormatError
from formats.keyfile import Purpose
from formats.signer import Ed25519Signer
from formats.strict_json import Fields, dumps, parse
from formats.watchlist import HANDLE_BYTES
from provisioning.disk import write_whole
from provisioning.errors import EntryRefused
from provisioning.lists.picture_check import Told, enrol_all
from provisioning.lists.portraits import forget_portraits, keep_portrait, sealed_portrait
from provisioning.nets.bundles import site_bundle
from provisioning.site.folder import Site
from recognition.enrolment import head
from recognition.eye import Eye
from recognition.face import Face
from recognition.picture import read_picture
from recognition.quality import Quality
from recognition.template import Template

_FILE_LIMIT: Final = 64 * 1024
_TEMPLATES_LIMIT: Final = 48 * 1024


@dataclass(frozen=True, slots=True)
class Case:
    """Why somebody shall be on the list."""

    organisation: str
    requested_by: str
    approved_by: str
    category: str
    legal_basis: str
    necessity: str
    reference: str = field(repr=False)
    """Of the case; only its digest is kept."""
    source: str
    minor: bool
    vulnerable: bool
    added_utc_s: int
    expires_utc_s: int
    review_utc_s: int


@dataclass(frozen=True, slots=True)
class KeptEntry:
    """An entry as it rests at the desk."""

    entry: Entry
    model_digest: bytes
    """(32,) of the model and preprocessing that made the template."""
    locked: bytes = field(repr=False)
    """SealedBox of the templates, one per picture, for the desk's key."""

    def unlock(self, desk: PrivateKey) -> bytes:
        """The templates one after the other, one signed byte per component.

        Raises:
            EntryRefused: the entry was sealed to another key, or has been changed.
        """
        try:
            return SealedBox(desk).decrypt(self.locked)
        except CryptoError as error:
            name = self.entry.handle.hex()
            raise EntryRefused(f"The templates of {name} do not open: add it again.") from error


def add_entry(
    site: Site,
    pictures: Sequence[Path],
    case: Case,
    told: Told,
    keep: Ed25519Signer | None = None,
) -> Entry:
    """Put the one person in `pictures` on the next list.

    Args:
        site: the site.
        pictures: 1 to `PICTURES_LIMIT` files with a portrait of the same person; looked at once.
        case: why.
        told: gets every measure of each picture beside its bound.
        keep: a supplier's sealing key, to keep the first picture for the reviewers' eyes alone.

    Raises:
        KeyRefused: `keep` is no supplier's sealing key.
        EntryRefused: the policy does not allow the case, or there are too many pictures.
        SiteRefused: the site has no nets that its trusted key has signed.
        ModelRefused: a net is not what its manifest says.
        PictureRefused: a picture will not do, or shows somebody else than the others.
    """
    _refuse_unlawful(site, case)
    if not 1 <= len(pictures) <= PICTURES_LIMIT:
        raise EntryRefused(f"A person has 1 to {PICTURES_LIMIT} pictures: leave the poorest out.")
    eye = Eye.load(site_bundle(site))
    enrolled = enrol_all(pictures, eye, site.policy.fpir_ppm, told)
    handle = random(HANDLE_BYTES)
    try:
        kept = _sealed(site, handle, pictures[0], enrolled[0].face, keep) if keep else None
        entry = replace(
            _entry(case, handle, [one.quality for one in enrolled]), picture_kept=bool(kept)
        )
        content = _write(entry, [one.template for one in enrolled], eye, site)
        parse(content, _read, limit=_FILE_LIMIT, what="entry")
    except FormatError as error:
        raise EntryRefused(f"The entry is refused: {error}") from error
    # A picture without its entry would be removed; an entry that promises one must have it.
    if kept:
        keep_portrait(site, handle, kept)
    write_whole(site.entries / f"{handle.hex()}.json", content)
    return entry


def remove_entry(site: Site, handle: str) -> None:
    """Take a person off the next list.

    Raises:
        EntryRefused: nobody has this handle.
    """
    path = site.entries / f"{handle}.json"
    if path not in site.entries.iterdir():
        raise EntryRefused(f"No entry has the handle {handle}: see tallylight list show.")
    path.unlink()
    forget_portraits(site)


def forget_ended(site: Site, now: datetime) -> None:
    """Remove everybody whose time is over, and every picture whose entry is gone.

    A broken entry stays: `kept_entries` refuses it when a list is built.
    """
    for path in site.entries.glob("*.json"):
        with suppress(EntryRefused):
            if _read_file(path).entry.expires_utc_s <= now.timestamp():
                path.unlink()
    forget_portraits(site)


def renew_review(site: Site, handle: str, review_utc_s: int, now: datetime) -> Entry:
    """Say that somebody was reviewed and may stay until the next review.

    Raises:
        EntryRefused: nobody has this handle, or the entry ends before, or the moment has passed.
    """
    found = [one for one in kept_entries(site) if one.entry.handle.hex() == handle]
    if not found:
        raise EntryRefused(f"No entry has the handle {handle}: see tallylight list show.")
    if not now.timestamp() < review_utc_s <= found[0].entry.expires_utc_s:
        raise EntryRefused("The next review must be ahead, and not after the entry's own end.")
    kept = replace(found[0], entry=replace(found[0].entry, review_utc_s=review_utc_s))
    write_whole(site.entries / f"{handle}.json", _spelled(kept))
    return kept.entry


def kept_entries(site: Site) -> Sequence[KeptEntry]:
    """Everybody to be on the next list, by ascending handle.

    Raises:
        EntryRefused: a file is broken.
    """
    return [_read_file(path) for path in sorted(site.entries.glob("*.json"))]


def _refuse_unlawful(site: Site, case: Case) -> None:
    policy = site.policy
    suppliers = [supplier.organisation for supplier in policy.suppliers]
    for what, value, allowed in (
        ("organisation", case.organisation, suppliers),
        ("category", case.category, policy.categories),
    ):
        if value not in allowed:
            raise EntryRefused(f"The policy knows no {what} {value!r}, only: {'; '.join(allowed)}.")


def _entry(case: Case, handle: bytes, pictures: Sequence[Quality]) -> Entry:
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
        pictures=tuple(
            PictureQuality(**{name: getattr(quality, name) for name in QUALITIES})
            for quality in pictures
        ),
        minor=case.minor,
        vulnerable=case.vulnerable,
        picture_kept=False,
        added_utc_s=case.added_utc_s,
        expires_utc_s=case.expires_utc_s,
        review_utc_s=case.review_utc_s,
    )


def _sealed(site: Site, handle: bytes, picture: Path, face: Face, sealer: Ed25519Signer) -> bytes:
    return sealed_portrait(site, handle, head(read_picture(picture), face), sealer)[0]


def _write(entry: Entry, templates: Sequence[Template], eye: Eye, site: Site) -> bytes:
    desk = PublicKey(site.key(Purpose.DESK).public)
    locked = SealedBox(desk).encrypt(b"".join(one.vector.tobytes() for one in templates))
    return _spelled(KeptEntry(entry, eye.manifest.model_digest, locked))


def _spelled(kept: KeptEntry) -> bytes:
    return dumps(
        {
            "entry": write_entry(kept.entry),
            "locked": b64encode(kept.locked).decode(),
            "model_digest": kept.model_digest.hex(),
        }
    )


def _read_file(path: Path) -> KeptEntry:
    try:
        return parse(path.read_bytes(), _read, limit=_FILE_LIMIT, what="entry")
    except FormatError as error:
        raise EntryRefused(f"{path} is broken: remove it and add the person again.") from error


def _read(fields: Fields) -> KeptEntry:
    return KeptEntry(
        entry=fields.object("entry", read_entry),
        model_digest=fields.hex_bytes("model_digest", 32),
        locked=fields.base64_bytes("locked", at_most=_TEMPLATES_LIMIT),
    )
