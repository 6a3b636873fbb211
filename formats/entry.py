"""An entry: one person on a list, by a random handle, with reason, legal basis and expiry.

It holds no name and no biometrics: a case is a salted digest of its reference, a picture is four
figures that say how good it was. At the desk, entries rest one by one as JSON and are shown from
it. A list carries them in columns (`formats.entry_columns`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from formats.errors import Malformed
from formats.strict_json import Fields, JsonValue
from formats.watchlist import HANDLE_BYTES

PICTURES_LIMIT: Final = 8
"""Most pictures of one person."""
ROLE_LIMIT: Final = 128
TEXT_LIMIT: Final = 500

TEXTS: Final = {
    "organisation": ROLE_LIMIT,
    "requested_by": ROLE_LIMIT,
    "approved_by": ROLE_LIMIT,
    "category": ROLE_LIMIT,
    "legal_basis": TEXT_LIMIT,
    "necessity": TEXT_LIMIT,
    "source": ROLE_LIMIT,
}
"""The texts of an entry, and the most characters of each."""
MOMENTS: Final = ("added_utc_s", "review_utc_s", "expires_utc_s")
FLAGS: Final = ("minor", "vulnerable", "picture_kept")
"""The yes-or-no fields of an entry; the first is the lowest bit of a column's byte."""
QUALITIES: Final = ("face_height_px", "inter_eye_px", "sharpness_centi", "exposure_centi")
QUALITY_LIMIT: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class PictureQuality:
    """The quality measured on one enrolment picture."""

    face_height_px: int
    inter_eye_px: int
    sharpness_centi: int
    exposure_centi: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One person on the list, by a random handle."""

    handle: bytes
    """(16,) random, never a name."""
    organisation: str
    """The organisation that asks for the entry."""
    requested_by: str
    """Role of the person who asked, never a name."""
    approved_by: str
    """Role of the person who approved, never a name."""
    category: str
    """One of the policy's closed set."""
    legal_basis: str
    necessity: str
    """Why no milder means would do."""
    case_digest: bytes
    """(32,) `case_digest` of the reference under which the file is kept."""
    source: str
    """Where the pictures came from."""
    pictures: tuple[PictureQuality, ...]
    """Of each picture, 1 to `PICTURES_LIMIT`; the list's body has as many templates."""
    minor: bool
    """Under 18: needs the signature of a third organisation."""
    vulnerable: bool
    """Needs the signature of a third organisation."""
    picture_kept: bool
    """Whether a picture was kept, sealed to the site's reviewers (`formats.portrait`)."""
    added_utc_s: int
    expires_utc_s: int
    review_utc_s: int
    """The entry must be reviewed by then; afterwards it is not searched for."""

    def __post_init__(self) -> None:
        if not self.added_utc_s < self.review_utc_s <= self.expires_utc_s:
            raise Malformed(OUT_OF_ORDER)
        if not 1 <= len(self.pictures) <= PICTURES_LIMIT:
            raise Malformed(f"An entry has 1 to {PICTURES_LIMIT} pictures.")

    @property
    def sensitive(self) -> bool:
        """Whether a third organisation must sign."""
        return self.minor or self.vulnerable

    def is_live(self, now_s: int) -> bool:
        """Return whether this entry may be searched for at `now_s`, seconds since 1970."""
        return self.added_utc_s <= now_s < self.review_utc_s


OUT_OF_ORDER: Final = "An entry is added, then reviewed, then expires: in this order."


def case_digest(handle: bytes, reference: str) -> bytes:
    """Return (32,): SHA-256 of the handle, then the case reference.

    References are short and guessable. The random handle keeps two entries of one case apart and
    makes a table of all references useless.
    """
    return sha256(handle + reference.encode()).digest()


def write_entry(entry: Entry) -> dict[str, JsonValue]:
    """Return the fields that `read_entry` reads."""
    return {
        "handle": entry.handle.hex(),
        "case_digest": entry.case_digest.hex(),
        "pictures": [
            {name: getattr(picture, name) for name in QUALITIES} for picture in entry.pictures
        ],
        **{name: getattr(entry, name) for name in (*TEXTS, *MOMENTS, *FLAGS)},
    }


def read_entry(fields: Fields) -> Entry:
    """Read one entry, field by field.

    Raises:
        Malformed: a field is missing or out of bounds, or the dates are out of order.
    """
    return make_entry(
        handle=fields.hex_bytes("handle", HANDLE_BYTES),
        case_digest=fields.hex_bytes("case_digest", 32),
        pictures=fields.objects("pictures", _read_picture, count=PICTURES_LIMIT),
        texts={name: fields.text(name, at_most=most) for name, most in TEXTS.items()},
        moments={name: fields.utc_s(name) for name in MOMENTS},
        flags={name: fields.boolean(name) for name in FLAGS},
    )


def make_entry(  # noqa: PLR0913  # As they stand in a file, by kind.
    *,
    handle: bytes,
    case_digest: bytes,
    pictures: tuple[PictureQuality, ...],
    texts: Mapping[str, str],
    moments: Mapping[str, int],
    flags: Mapping[str, bool],
) -> Entry:
    """Make the entry from its values by the names of `TEXTS`, `MOMENTS` and `FLAGS`.

    Raises:
        Malformed: the dates are out of order, or there are too many or no pictures.
    """
    return Entry(
        handle=handle,
        organisation=texts["organisation"],
        requested_by=texts["requested_by"],
        approved_by=texts["approved_by"],
        category=texts["category"],
        legal_basis=texts["legal_basis"],
        necessity=texts["necessity"],
        case_digest=case_digest,
        source=texts["source"],
        pictures=pictures,
        minor=flags["minor"],
        vulnerable=flags["vulnerable"],
        picture_kept=flags["picture_kept"],
        added_utc_s=moments["added_utc_s"],
        expires_utc_s=moments["expires_utc_s"],
        review_utc_s=moments["review_utc_s"],
    )


def _read_picture(fields: Fields) -> PictureQuality:
    return PictureQuality(**{name: fields.integer(name, high=QUALITY_LIMIT) for name in QUALITIES})
