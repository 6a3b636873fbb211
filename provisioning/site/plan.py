"""The plan of a site: default policy, and the TOML file on which people agree before keys exist.

It names the holders of the keys and the first policy. `site init` reads it once, and refuses a
field that is missing, unknown or out of bounds. Afterwards the signed policy counts, not the plan.
"""

import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from formats.errors import FormatError, Malformed
from formats.near_names import refuse_odd_names
from formats.organisations import folded, refuse_confusable
from formats.policy import (
    CAP_DEFAULT,
    CAP_LIMIT,
    FRESHNESS_H_DEFAULT,
    FRESHNESS_H_LIMIT,
    IDLE_LOCK_S_DEFAULT,
    IDLE_LOCK_S_HIGH,
    IDLE_LOCK_S_LOW,
    RETENTION_DAYS_LIMIT,
    SUPPLIERS,
    Agreement,
    Assessment,
    Policy,
    Supplier,
    read_evaluations,
    site_name_is_plain,
)
from formats.schedule import Window
from formats.site_tuf import ROOT, TARGETS
from formats.strict_json import Fields, dumps, parse
from formats.toml_text import read_toml
from provisioning.errors import PlanRefused
from provisioning.site.schedule_text import read_day, read_schedule

EXAMPLE: Final = f"""\
# The plan of a site: agree on it, then: tallylight site init FOLDER --plan THIS_FILE
site = "@SITE@"

# Five offices hold the root keys (any three replace a role), three hold the policy (any two sign).
root_holders = [
    "Data Protection Officer", "Oversight Body", "Maker", "First Spare", "Second Spare",
]
policy_holders = ["Data Protection Officer", "Estate Security", "Oversight Body"]

# Who may issue lists: every list is signed by two of them, or three for minors and the vulnerable.
organisations = ["Example Police", "Example Estate"]

# Reasons for which a person may be on a list: a closed set, each of them objective.
categories = ["wanted by warrant", "missing person", "court exclusion order"]

cap = {CAP_DEFAULT}              # Entries on a list, at most.
fpir_ppm = 1000        # False alarms accepted among a million passers-by of any group measured.
schedule = ["daily 00:00-24:00"]    # UTC. Or "mon 06:00-22:30".
retention_days = {RETENTION_DAYS_LIMIT}    # Matches are destroyed after this time.
freshness_h = {FRESHNESS_H_DEFAULT}       # A withdrawn face is gone everywhere within this time.
crop = true            # Whether a match event carries a picture of the face.
status = false         # Whether cameras publish sealed status envelopes.
unsynchronised = false # Whether cameras recognise while no time server vouches for their clocks.
authenticated_time = false # Whether only time servers that prove their identity (NTS) vouch.
idle_lock_s = {IDLE_LOCK_S_DEFAULT} # Seconds without an action after which a review console locks.
processor = false      # Whether nets may run on a camera's own processor, without an Edge TPU.
evaluations = []       # SHA-256 of the evaluations that are accepted for the nets. Empty: any.

[assessment]           # The data-protection impact assessment.
sha256 = "{"0" * 64}"  # What sha256sum prints for the document.
review = "@REVIEW@"  # From this day on no camera recognises, until the assessment is reviewed.

[agreement]            # The agreement under which the organisations share lists: public.
reference = "Example agreement 1"
url = "https://example.org/agreement"
"""
"""What `site plan` prints, once site and review date are filled in."""

_LEFT_OUT: Final = ("authenticated_time", "idle_lock_s")
"""Names that a plan of the version before does not have."""
_PLAN_LIMIT: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan that people agreed on."""

    site: str
    root_holders: tuple[str, ...]
    policy_holders: tuple[str, ...]
    organisations: tuple[str, ...]
    categories: tuple[str, ...]
    cap: int
    fpir_ppm: int
    schedule: tuple[Window, ...]
    retention_days: int
    freshness_h: int
    crop: bool
    status: bool
    unsynchronised: bool
    authenticated_time: bool
    idle_lock_s: int
    processor: bool
    evaluations: tuple[bytes, ...]
    assessment: Assessment
    agreement: Agreement

    def policy(self, suppliers: tuple[Supplier, ...]) -> Policy:
        """Return the policy that the plan describes, without cameras."""
        return Policy(
            site=self.site,
            version=1,
            places=(),
            suppliers=suppliers,
            categories=self.categories,
            cap=self.cap,
            fpir_ppm=self.fpir_ppm,
            schedule=self.schedule,
            retention_days=self.retention_days,
            freshness_h=self.freshness_h,
            crop=self.crop,
            status=self.status,
            unsynchronised=self.unsynchronised,
            authenticated_time=self.authenticated_time,
            idle_lock_s=self.idle_lock_s,
            processor=self.processor,
            evaluations=self.evaluations,
            assessment=self.assessment,
            agreement=self.agreement,
        )


def example_plan(site: str, today: date) -> str:
    """Return a plan to start from, for a site of this name, with a review in a year.

    Raises:
        PlanRefused: the name holds other characters than a site's name may.
    """
    if not site_name_is_plain(site):
        raise PlanRefused("A site's name is 1 to 32 lower-case letters, digits and hyphens.")
    review = today.replace(day=1, year=today.year + 1).isoformat()
    return EXAMPLE.replace("@SITE@", site).replace("@REVIEW@", review)


def read_plan(path: Path) -> Plan:
    """Return the plan in a TOML file.

    Raises:
        PlanRefused: the file cannot be read, or a field is missing, unknown or out of bounds.
    """
    try:
        table = read_toml(path)
        refuse_odd_names(table, tomllib.loads(EXAMPLE), "the plan", _LEFT_OUT)
        plain = _with_moment(table)
        return parse(dumps(plain), _read, limit=_PLAN_LIMIT, what="plan")
    except OSError as error:
        raise PlanRefused(f"The plan {path} cannot be read: {error.strerror}.") from error
    except (ValueError, FormatError) as error:
        raise PlanRefused(f"The plan {path} is refused. {error}") from error


def _read(fields: Fields) -> Plan:
    plan = Plan(
        site=fields.text("site", at_most=32),
        root_holders=fields.texts("root_holders", at_most=128, count=ROOT.keys),
        policy_holders=fields.texts("policy_holders", at_most=128, count=TARGETS.keys),
        organisations=fields.texts("organisations", at_most=128, count=SUPPLIERS.stop - 1),
        categories=fields.texts("categories", at_most=128, count=32),
        cap=fields.integer("cap", high=CAP_LIMIT),
        fpir_ppm=fields.integer("fpir_ppm", low=1, high=1_000_000),
        schedule=read_schedule(fields.texts("schedule", at_most=64, count=16)),
        retention_days=fields.integer("retention_days", high=RETENTION_DAYS_LIMIT),
        freshness_h=fields.integer("freshness_h", low=1, high=FRESHNESS_H_LIMIT),
        crop=fields.boolean("crop"),
        status=fields.boolean("status"),
        unsynchronised=fields.boolean("unsynchronised"),
        authenticated_time=fields.has("authenticated_time")  # A plan of the version before.
        and fields.boolean("authenticated_time"),
        idle_lock_s=fields.integer("idle_lock_s", low=IDLE_LOCK_S_LOW, high=IDLE_LOCK_S_HIGH)
        if fields.has("idle_lock_s")
        else IDLE_LOCK_S_DEFAULT,
        processor=fields.boolean("processor"),
        evaluations=read_evaluations(fields),
        assessment=fields.object("assessment", _read_assessment),
        agreement=fields.object("agreement", _read_agreement),
    )
    for what, holders, keys in (
        ("root", plan.root_holders, ROOT.keys),
        ("policy", plan.policy_holders, TARGETS.keys),
    ):
        if len({folded(holder) for holder in holders}) != keys:
            raise Malformed(f"There must be {keys} different holders of the {what} keys.")
    if len(set(plan.organisations)) < len(plan.organisations):
        raise Malformed("One organisation stands in the plan twice.")
    refuse_confusable(plan.organisations)
    return plan


def _with_moment(table: dict[str, Any]) -> dict[str, Any]:
    """Return the plan with the day of review as a moment, which is what a policy holds."""
    review = read_day(table["assessment"]["review"], "The assessment's review")
    return table | {"assessment": table["assessment"] | {"review": int(review.timestamp())}}


def _read_assessment(fields: Fields) -> Assessment:
    return Assessment(fields.hex_bytes("sha256", 32), fields.utc_s("review"))


def _read_agreement(fields: Fields) -> Agreement:
    return Agreement(
        reference=fields.text("reference", at_most=128), url=fields.text("url", at_most=1000)
    )
