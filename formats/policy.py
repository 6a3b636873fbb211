"""The policy of a site: cameras, suppliers, categories, cap, FPIR, schedule, retention, freshness.

Two of three holders of the targets role sign it. The camera obeys it, lists are checked against
it, and the estate's retention and reports read it: each of these figures stands here only. Free
text is for people. A value that a program acts on is a key, a whole number or one of a closed set.
Byte tables: docs/formats/policy.md.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from nacl.signing import VerifyKey

from formats.errors import Malformed
from formats.firmware_offer import OFFERS_LIMIT, FirmwareOffer, read_offer, write_offer
from formats.hexadecimal import read_hex
from formats.organisations import refuse_confusable
from formats.policy_parts import (
    NAME_LIMIT,
    Agreement,
    Assessment,
    Place,
    Supplier,
    read_agreement,
    read_assessment,
    read_place,
    read_supplier,
    write_agreement,
    write_assessment,
    write_place,
    write_supplier,
)
from formats.schedule import Window, read_window, write_window
from formats.strict_json import Fields, JsonValue, dumps, parse

__all__ = [  # The parts are re-exported: callers import all about policies from here.
    "CAMERAS_LIMIT",
    "CAP_DEFAULT",
    "CAP_LIMIT",
    "DIGEST_BYTES",
    "EVALUATIONS_LIMIT",
    "FRESHNESS_H_DEFAULT",
    "FRESHNESS_H_LIMIT",
    "IDLE_LOCK_S_DEFAULT",
    "IDLE_LOCK_S_HIGH",
    "IDLE_LOCK_S_LOW",
    "POLICY_LIMIT",
    "RETENTION_DAYS_LIMIT",
    "SUPPLIERS",
    "Agreement",
    "Assessment",
    "Place",
    "Policy",
    "Supplier",
    "read_evaluations",
    "read_policy",
    "site_name_is_plain",
    "write_policy",
]

POLICY_LIMIT: Final = 256 * 1024
"""Most bytes of a policy: 64 cameras with full texts need 100 KiB."""

CAMERAS_LIMIT: Final = 64
"""Most cameras of one site: a list body has 1 to 64 slots."""
SUPPLIERS: Final = range(2, 17)
"""How many organisations may issue lists: every list needs two."""

CAP_DEFAULT: Final = 500
"""Entries on a list unless the targets role says otherwise (docs/design.md, section 5)."""
CAP_LIMIT: Final = 100_000
"""Entries that the case file has room for; a purpose should never need them."""
RETENTION_DAYS_LIMIT: Final = 30
"""Matches are destroyed after this time at the latest (docs/design.md, P7)."""
FRESHNESS_H_DEFAULT: Final = 24
"""Hours after which a withdrawn face is gone from every camera (docs/design.md, section 5)."""
FRESHNESS_H_LIMIT: Final = 7 * 24
"""Longest freshness that a site without daily contact may choose, in writing."""
IDLE_LOCK_S_DEFAULT: Final = 300
"""Seconds without a reviewer's action after which a console locks, where the policy says none."""
IDLE_LOCK_S_LOW: Final = 60
"""Shortest idle lock: a minute to compare two faces."""
IDLE_LOCK_S_HIGH: Final = 900
"""Longest idle lock: PCI DSS 4.0, 8.2.8, asks for 15 minutes or less."""
EVALUATIONS_LIMIT: Final = 8
"""Most evaluations that a policy names."""
DIGEST_BYTES: Final = 32
"""Length of a SHA-256."""

_SITE_LIMIT: Final = 32
_SITE_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


@dataclass(frozen=True, slots=True)
class Policy:
    """The decisions of a site."""

    site: str
    """Lower-case letters, digits and hyphens; part of role and file names."""
    version: int
    places: tuple[Place, ...]
    suppliers: tuple[Supplier, ...]
    categories: tuple[str, ...]
    """The closed set of reasons for which a person may be on a list."""
    cap: int
    """Most entries on a list."""
    fpir_ppm: int
    """Accepted false-positive identification rate (FPIR), in millionths of all passers-by."""
    schedule: tuple[Window, ...]
    retention_days: int
    freshness_h: int
    """Lifetime of the timestamp: how long a withdrawn list can be replayed."""
    crop: bool
    """Whether a match event carries a picture of the face."""
    status: bool
    """Whether cameras publish sealed status envelopes."""
    assessment: Assessment
    agreement: Agreement
    unsynchronised: bool = False
    """Whether cameras may recognise without a time server that vouches for their clocks."""
    processor: bool = False
    """Whether the nets may run on a camera's own processor, where there is no accelerator."""
    authenticated_time: bool = False
    """Whether only time servers that prove their identity (NTS) vouch for cameras' clocks."""
    idle_lock_s: int = IDLE_LOCK_S_DEFAULT
    """Seconds without a reviewer's action after which the review console locks."""
    firmware: tuple[FirmwareOffer, ...] = ()
    """The versions that cameras are to install, one at most for each kind of board."""
    evaluations: tuple[bytes, ...] = ()
    """(32,) each, SHA-256: the nets' evaluation must be one of these; if empty, any is accepted."""

    def __post_init__(self) -> None:
        if not site_name_is_plain(self.site):
            raise Malformed("A site's name is 1 to 32 lower-case letters, digits and hyphens.")
        if len(self.suppliers) not in SUPPLIERS:
            raise Malformed("A policy names 2 to 16 suppliers: every list needs two.")
        _refuse_twins("cameras", [place.camera.camera_id for place in self.places])
        cameras = [place.camera for place in self.places]
        _refuse_twins("cameras' keys", [key for each in cameras for key in each.public_keys])
        organisations = [supplier.organisation for supplier in self.suppliers]
        _refuse_twins("suppliers", organisations)
        refuse_confusable(organisations)
        if self.authenticated_time and self.unsynchronised:
            raise Malformed("A policy demands authenticated time, or does without a time server.")
        # With one key under two names, one organisation would count as two.
        keys = [key for each in self.suppliers for key in (each.sign_key, each.seal_key)]
        _refuse_twins("supplier keys", keys)
        _refuse_twins("categories", list(self.categories))
        _refuse_twins("evaluations", list(self.evaluations))
        _refuse_twins("boards with firmware", [offer.board for offer in self.firmware])

    def place_of(self, camera_id: bytes) -> Place:
        """Return the place of a camera.

        Raises:
            KeyError: the policy does not name this camera.
        """
        return {place.camera.camera_id: place for place in self.places}[camera_id]

    def is_open(self, now: datetime) -> bool:
        """Return whether the schedule lets recognition run at `now`, a moment in UTC."""
        return any(window.contains(now) for window in self.schedule)


def site_name_is_plain(name: str) -> bool:
    """Return whether `name` can be part of a role, file name and topic without escaping."""
    return 1 <= len(name) <= _SITE_LIMIT and set(name) <= _SITE_LETTERS and name.strip("-") == name


def write_policy(policy: Policy) -> bytes:
    """Return the one spelling of `policy`."""
    demanded: dict[str, JsonValue] = {}
    if policy.authenticated_time:
        demanded["authenticated_time"] = True
    if policy.idle_lock_s != IDLE_LOCK_S_DEFAULT:
        demanded["idle_lock_s"] = policy.idle_lock_s
    if policy.firmware:
        demanded["firmware"] = [write_offer(offer) for offer in policy.firmware]
    return dumps(
        demanded
        | {
            "agreement": write_agreement(policy.agreement),
            "assessment": write_assessment(policy.assessment),
            "cap": policy.cap,
            "categories": list(policy.categories),
            "crop": policy.crop,
            "evaluations": [digest.hex() for digest in policy.evaluations],
            "fpir_ppm": policy.fpir_ppm,
            "freshness_h": policy.freshness_h,
            "places": [write_place(place) for place in policy.places],
            "processor": policy.processor,
            "retention_days": policy.retention_days,
            "schedule": [write_window(window) for window in policy.schedule],
            "site": policy.site,
            "status": policy.status,
            "unsynchronised": policy.unsynchronised,
            "suppliers": [write_supplier(supplier) for supplier in policy.suppliers],
            "version": policy.version,
        }
    )


def read_policy(data: bytes) -> Policy:
    """Return the policy in `data`.

    Raises:
        TooLarge: longer than `POLICY_LIMIT`.
        Malformed: not in its one spelling, a figure out of bounds, or something named twice.
        UnusableKey: a key is refused by `formats.public_keys`.
    """
    return parse(data, _read, limit=POLICY_LIMIT, what="policy")


def _refuse_twins(what: str, values: list[bytes] | list[str] | list[VerifyKey]) -> None:
    if len(set(values)) < len(values):
        raise Malformed(f"Two of the policy's {what} are the same.")


def _read(fields: Fields) -> Policy:
    return Policy(
        site=fields.text("site", at_most=_SITE_LIMIT),
        version=fields.integer("version", low=1),
        places=fields.objects("places", read_place, count=CAMERAS_LIMIT),
        suppliers=fields.objects("suppliers", read_supplier, count=SUPPLIERS.stop - 1),
        categories=fields.texts("categories", at_most=NAME_LIMIT, count=32),
        cap=fields.integer("cap", high=CAP_LIMIT),
        fpir_ppm=fields.integer("fpir_ppm", low=1, high=1_000_000),
        schedule=fields.objects("schedule", read_window, count=64),
        retention_days=fields.integer("retention_days", high=RETENTION_DAYS_LIMIT),
        freshness_h=fields.integer("freshness_h", low=1, high=FRESHNESS_H_LIMIT),
        crop=fields.boolean("crop"),
        status=fields.boolean("status"),
        unsynchronised=fields.boolean("unsynchronised"),
        authenticated_time=_read_demand(fields, "authenticated_time"),
        idle_lock_s=_read_idle_lock(fields),
        firmware=_read_firmware(fields),
        processor=fields.boolean("processor"),
        evaluations=read_evaluations(fields),
        assessment=fields.object("assessment", read_assessment),
        agreement=fields.object("agreement", read_agreement),
    )


def read_evaluations(fields: Fields) -> tuple[bytes, ...]:
    """Read the digests of the evaluations that a policy accepts.

    Raises:
        Malformed: one is no SHA-256 in hexadecimal.
    """
    texts = fields.texts("evaluations", at_most=64, count=EVALUATIONS_LIMIT)
    try:
        return tuple(read_hex(text, DIGEST_BYTES) for text in texts)
    except Malformed as error:
        raise Malformed(
            "An evaluation is named by its SHA-256: 64 digits and letters a to f."
        ) from error


def _read_demand(fields: Fields, name: str) -> bool:
    """Read a demand that a policy of an earlier version cannot make: true, or absent."""
    if not fields.has(name):
        return False
    if not fields.boolean(name):
        raise Malformed(f"The policy's {name} is true or absent.")
    return True


def _read_idle_lock(fields: Fields) -> int:
    """Read the idle lock, which a policy of an earlier version does not have."""
    if not fields.has("idle_lock_s"):
        return IDLE_LOCK_S_DEFAULT
    idle_s = fields.integer("idle_lock_s", low=IDLE_LOCK_S_LOW, high=IDLE_LOCK_S_HIGH)
    if idle_s == IDLE_LOCK_S_DEFAULT:
        raise Malformed(f"An idle_lock_s of {idle_s} is what a policy without it means.")
    return idle_s


def _read_firmware(fields: Fields) -> tuple[FirmwareOffer, ...]:
    """Read the offers, which a policy of an earlier version does not have."""
    if not fields.has("firmware"):
        return ()
    offers = fields.objects("firmware", read_offer, count=OFFERS_LIMIT)
    if not offers:
        raise Malformed("A policy that offers no firmware is written without firmware.")
    return offers
