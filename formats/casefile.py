"""The case file of a list: for every entry who asked, why, on what basis, and until when.

Two organisations sign its digest. It holds no name and no biometrics: an entry is a random handle,
a case is a salted digest of its reference. The templates stand in the list body
(`formats.watchlist`), in the same order; `body_digest` ties the two together.
Byte tables: docs/formats/watchlist.md.
"""

from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Final

from formats.errors import Malformed
from formats.policy import CAP_LIMIT
from formats.strict_json import Fields, JsonValue, dumps, parse
from formats.watchlist import HANDLE_BYTES

CASEFILE_LIMIT: Final = 16 * 1024 * 1024
"""Most bytes of a case file: 10,000 entries with long texts."""
LIST_LIFE_S: Final = 7 * 24 * 3600
"""A list lives at most this long (DESIGN.md, section 5)."""

_ROLE_LIMIT: Final = 128
_TEXT_LIMIT: Final = 500


@dataclass(frozen=True, slots=True)
class PictureQuality:
    """What was measured on the enrolment picture; the picture itself was not kept."""

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
    """Which asks for the entry."""
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
    """Where the picture came from."""
    quality: PictureQuality
    minor: bool
    """Under 18: needs the signature of a third organisation."""
    vulnerable: bool
    """Needs the signature of a third organisation."""
    added_utc_s: int
    expires_utc_s: int
    review_utc_s: int
    """Until then the entry must have been looked at again; it is inert afterwards."""

    def __post_init__(self) -> None:
        if not self.added_utc_s < self.review_utc_s <= self.expires_utc_s:
            raise Malformed("An entry is added, then reviewed, then expires: in this order.")

    @property
    def sensitive(self) -> bool:
        """Whether a third organisation must sign."""
        return self.minor or self.vulnerable

    def is_live(self, now_s: int) -> bool:
        """Whether this entry may be searched for at `now_s`, seconds since 1970."""
        return self.added_utc_s <= now_s < self.review_utc_s


@dataclass(frozen=True, slots=True)
class CaseFile:
    """What two organisations sign when they sign a list."""

    site: str
    version: int
    """Version of the list: that of the site's TUF role, and it only ever grows."""
    issued_utc_s: int
    expires_utc_s: int
    model_digest: bytes
    """(32,) of the model and preprocessing that made the templates."""
    policy_digest: bytes
    """(32,) SHA-256 of the policy file under which the list was made."""
    body_digest: bytes
    """(32,) SHA-256 of the sealed body's file."""
    dim: int
    """Components of a template."""
    entries: tuple[Entry, ...]
    """By ascending handle, as the body's rows."""

    def __post_init__(self) -> None:
        if not 0 < self.expires_utc_s - self.issued_utc_s <= LIST_LIFE_S:
            raise Malformed("A list lives at most seven days.")
        if any(here.handle >= after.handle for here, after in pairwise(self.entries)):
            raise Malformed("The entries are out of order, or one is there twice.")


def case_digest(handle: bytes, reference: str) -> bytes:
    """(32,) SHA-256 of the handle, then the case reference.

    References are short and guessable: the random handle keeps two entries of one case apart and
    makes a table of all references useless.
    """
    return sha256(handle + reference.encode()).digest()


def write_casefile(case: CaseFile) -> bytes:
    """The one spelling of `case`."""
    return dumps(
        {
            "body_digest": case.body_digest.hex(),
            "dim": case.dim,
            "entries": [write_entry(entry) for entry in case.entries],
            "expires_utc_s": case.expires_utc_s,
            "issued_utc_s": case.issued_utc_s,
            "model_digest": case.model_digest.hex(),
            "policy_digest": case.policy_digest.hex(),
            "site": case.site,
            "version": case.version,
        }
    )


def read_casefile(data: bytes) -> CaseFile:
    """The case file in `data`.

    Raises:
        TooLarge: longer than `CASEFILE_LIMIT`.
        Malformed: not in its one spelling, a field out of bounds, or entries out of order.
    """
    return parse(data, _read, limit=CASEFILE_LIMIT, what="case file")


def write_entry(entry: Entry) -> dict[str, JsonValue]:
    """The fields that `read_entry` reads."""
    return {
        "added_utc_s": entry.added_utc_s,
        "approved_by": entry.approved_by,
        "case_digest": entry.case_digest.hex(),
        "category": entry.category,
        "expires_utc_s": entry.expires_utc_s,
        "handle": entry.handle.hex(),
        "legal_basis": entry.legal_basis,
        "minor": entry.minor,
        "necessity": entry.necessity,
        "organisation": entry.organisation,
        "quality": {
            "exposure_centi": entry.quality.exposure_centi,
            "face_height_px": entry.quality.face_height_px,
            "inter_eye_px": entry.quality.inter_eye_px,
            "sharpness_centi": entry.quality.sharpness_centi,
        },
        "requested_by": entry.requested_by,
        "review_utc_s": entry.review_utc_s,
        "source": entry.source,
        "vulnerable": entry.vulnerable,
    }


def read_entry(fields: Fields) -> Entry:
    """One entry, field by field.

    Raises:
        Malformed: a field is missing or out of bounds, or the dates are out of order.
    """
    return Entry(
        handle=fields.hex_bytes("handle", HANDLE_BYTES),
        organisation=fields.text("organisation", at_most=_ROLE_LIMIT),
        requested_by=fields.text("requested_by", at_most=_ROLE_LIMIT),
        approved_by=fields.text("approved_by", at_most=_ROLE_LIMIT),
        category=fields.text("category", at_most=_ROLE_LIMIT),
        legal_basis=fields.text("legal_basis", at_most=_TEXT_LIMIT),
        necessity=fields.text("necessity", at_most=_TEXT_LIMIT),
        case_digest=fields.hex_bytes("case_digest", 32),
        source=fields.text("source", at_most=_ROLE_LIMIT),
        quality=fields.object("quality", _read_quality),
        minor=fields.boolean("minor"),
        vulnerable=fields.boolean("vulnerable"),
        added_utc_s=fields.utc_s("added_utc_s"),
        expires_utc_s=fields.utc_s("expires_utc_s"),
        review_utc_s=fields.utc_s("review_utc_s"),
    )


def _read(fields: Fields) -> CaseFile:
    return CaseFile(
        site=fields.text("site", at_most=_ROLE_LIMIT),
        version=fields.integer("version", low=1),
        issued_utc_s=fields.utc_s("issued_utc_s"),
        expires_utc_s=fields.utc_s("expires_utc_s"),
        model_digest=fields.hex_bytes("model_digest", 32),
        policy_digest=fields.hex_bytes("policy_digest", 32),
        body_digest=fields.hex_bytes("body_digest", 32),
        dim=fields.integer("dim", low=1, high=4096),
        entries=fields.objects("entries", read_entry, count=CAP_LIMIT),
    )


def _read_quality(fields: Fields) -> PictureQuality:
    return PictureQuality(
        face_height_px=fields.integer("face_height_px"),
        inter_eye_px=fields.integer("inter_eye_px"),
        sharpness_centi=fields.integer("sharpness_centi"),
        exposure_centi=fields.integer("exposure_centi"),
    )
