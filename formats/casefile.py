"""The case file of a list: each entry's organisation, reason, legal basis and expiry, signed.

Two organisations sign its digest, three where `formats.site_tuf` demands it. It holds no name and
no biometrics: an entry is a random handle, a case is a salted digest of its reference. The
templates stand in the list body (`formats.watchlist`), in the same order; `body_digest` ties the
two together.
Byte tables: docs/formats/watchlist.md.
"""

from dataclasses import dataclass
from typing import Final

from formats.entry_columns import Entries, read_entries, write_entries
from formats.errors import Malformed
from formats.policy import CAP_LIMIT
from formats.strict_json import Fields, dumps, parse

CASEFILE_LIMIT: Final = 16 * 1024 * 1024
"""Most bytes of a case file: 100,000 entries with few different texts, 20,000 with long ones."""
LIST_LIFE_S: Final = 7 * 24 * 3600
"""A list lives at most this long (docs/design.md, section 5)."""

_FORMAT: Final = "tallylight-casefile/2"
_ROLE_LIMIT: Final = 128


@dataclass(frozen=True, slots=True)
class CaseFile:
    """What two organisations sign when they sign a list."""

    site: str
    version: int
    """Version of the list: that of the site's TUF role. It only grows."""
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
    entries: Entries
    """By ascending handle, as the body's rows."""

    def __post_init__(self) -> None:
        if not 0 < self.expires_utc_s - self.issued_utc_s <= LIST_LIFE_S:
            raise Malformed("A list lives at most seven days.")


def write_casefile(case: CaseFile) -> bytes:
    """Return the one spelling of `case`."""
    return dumps(
        {
            "body_digest": case.body_digest.hex(),
            "dim": case.dim,
            "expires_utc_s": case.expires_utc_s,
            "format": _FORMAT,
            "issued_utc_s": case.issued_utc_s,
            "model_digest": case.model_digest.hex(),
            "policy_digest": case.policy_digest.hex(),
            "site": case.site,
            "version": case.version,
            **write_entries(case.entries),
        }
    )


def read_casefile(data: bytes) -> CaseFile:
    """Return the case file in `data`.

    Raises:
        TooLarge: longer than `CASEFILE_LIMIT`.
        Malformed: not in its one spelling, a field out of bounds, or entries out of order.
    """
    return parse(data, _read, limit=CASEFILE_LIMIT, what="case file")


def _read(fields: Fields) -> CaseFile:
    fields.constant("format", _FORMAT)
    return CaseFile(
        site=fields.text("site", at_most=_ROLE_LIMIT),
        version=fields.integer("version", low=1),
        issued_utc_s=fields.utc_s("issued_utc_s"),
        expires_utc_s=fields.utc_s("expires_utc_s"),
        model_digest=fields.hex_bytes("model_digest", 32),
        policy_digest=fields.hex_bytes("policy_digest", 32),
        body_digest=fields.hex_bytes("body_digest", 32),
        dim=fields.integer("dim", low=1, high=4096),
        entries=read_entries(fields, count=CAP_LIMIT),
    )
