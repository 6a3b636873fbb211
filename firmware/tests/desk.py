"""A list authority in a few lines, whose repositories are right in all but what a test changes.

Keys are fixed and rest unlocked; everything else is the real thing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from nacl.public import PrivateKey
from nacl.signing import SigningKey
from tuf.api.metadata import Metadata, Root, Targets  # type: ignore[attr-defined]  # Re-exports.

from estate.budget.statement import LIFE, Offer, sign_statement
from firmware.trust.watchlist import ThisCamera
from formats.budget import BudgetStatement, write_statement
from formats.camera_request import CameraIdentity
from formats.casefile import CaseFile, write_casefile
from formats.entry import Entry, PictureQuality
from formats.entry_columns import entries_of
from formats.envelope import Kind, Origin, TimeQuality, seal
from formats.policy import Agreement, Assessment, Place, Policy, Supplier, write_policy
from formats.recipients import Recipients, Reviewer, write_recipients
from formats.schedule import Window
from formats.site_tuf import (
    POLICY_FILE,
    RECIPIENTS_FILE,
    budget_name,
    casefile_name,
    estate_role,
    sealed_name,
    site_role,
)
from formats.watchlist import Body, write_body
from provisioning.site.roles import (
    make_list_role,
    make_root,
    make_snapshot,
    make_targets,
    make_timestamp,
    metadata_file,
    sign,
    target_file,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NOW_S = int(NOW.timestamp())
DIM = 4
MODEL = bytes([7]) * 32


def signing(seed: int) -> SigningKey:
    return SigningKey(bytes([seed]) * 32)


def opening(seed: int) -> PrivateKey:
    return PrivateKey(bytes([seed]) * 32)


ROOTS = [signing(1), signing(2), signing(3), signing(4), signing(5)]
HOLDERS = [signing(11), signing(12), signing(13)]
SNAPSHOT, TIMESTAMP = signing(21), signing(22)
SIGNERS = {"police": signing(31), "estate": signing(32), "oversight": signing(33)}
SEALERS = {"police": signing(41), "estate": signing(42), "oversight": signing(43)}
STRANGER = signing(99)
ESTATE = signing(64)
LIST_KEY = opening(52)
CAMERA = CameraIdentity(
    sign_key=signing(51).verify_key,
    list_key=LIST_KEY.public_key,
    receipt_key=opening(53).public_key,
    lampguard_key=signing(54).verify_key,
    courier_key=signing(55).verify_key,
)
THIS_CAMERA = ThisCamera(CAMERA.camera_id, LIST_KEY, MODEL)


def entry(number: int, **changes: object) -> Entry:
    usual = Entry(
        handle=bytes([number]) * 16,
        organisation="police",
        requested_by="Inspector",
        approved_by="Superintendent",
        category="missing person",
        legal_basis="Some Act",
        necessity="Nothing else found them.",
        case_digest=bytes(32),
        source="Family",
        pictures=(PictureQuality(200, 80, 30, 50),),
        minor=False,
        vulnerable=False,
        picture_kept=False,
        added_utc_s=NOW_S - 3600,
        expires_utc_s=NOW_S + 30 * 86400,
        review_utc_s=NOW_S + 20 * 86400,
    )
    return replace(usual, **changes)  # type: ignore[arg-type]  # Tests break fields one by one.


def usual_policy() -> Policy:
    return Policy(
        site="mill",
        version=1,
        places=(Place(CAMERA, "North gate", "Seen here twice."),),
        suppliers=tuple(
            Supplier(name, SIGNERS[name].verify_key, SEALERS[name].verify_key) for name in SIGNERS
        ),
        categories=("missing person",),
        cap=500,
        fpir_ppm=1000,
        schedule=tuple(Window(day, 0, 1440) for day in range(7)),
        retention_days=30,
        freshness_h=24,
        crop=True,
        status=False,
        assessment=Assessment(bytes(32), NOW_S + 300 * 86400),
        agreement=Agreement("1", "https://example.org/agreement"),
        unsynchronised=True,
        processor=True,
    )


def usual_recipients() -> Recipients:
    return Recipients(
        version=1,
        receipt_key=signing(61).verify_key,
        ledger_key=ESTATE.verify_key,
        two_organisations=False,
        reviewers=(
            Reviewer("r1", "police", opening(62).public_key, signing(65).verify_key),
            Reviewer("r2", "estate", opening(63).public_key, signing(66).verify_key),
        ),
    )


def unchanged(value: object) -> None:
    """Change nothing."""


def online(rotation: int) -> tuple[SigningKey, SigningKey]:
    """Return the keys of snapshot and timestamp after so many changes."""
    return (signing(200 + rotation), signing(220 + rotation)) if rotation else (SNAPSHOT, TIMESTAMP)


def template_row(number: int) -> bytes:
    """Return a template of the list, as stretched as embedders make them."""
    return b"\x7f" + bytes([number]) * (DIM - 1)


@dataclass
class Desk:
    """Everything that `publish` puts together; a test changes the one thing it is about."""

    policy: Policy = field(default_factory=usual_policy)
    recipients: Recipients = field(default_factory=usual_recipients)
    entries: list[Entry] = field(default_factory=lambda: [entry(1), entry(2)])
    signers: Iterable[SigningKey] = (SIGNERS["police"], SIGNERS["estate"])
    sealer: SigningKey = SEALERS["police"]
    sealed_to: PrivateKey = LIST_KEY
    now: datetime = NOW
    statement: BudgetStatement | None = None
    """What the estate says of its cameras' budgets."""
    estate: SigningKey = ESTATE
    """Signs it."""
    amend_case: Callable[[CaseFile], CaseFile] = lambda case: case
    amend_body: Callable[[bytes], bytes] = bytes
    amend_targets: Callable[[Targets], object] = unchanged
    """Changes the signed part of the targets role before its holders sign."""
    amend_site: Callable[[Targets], object] = unchanged
    """Changes the signed part of the site's role before the organisations sign."""
    rotations: int = 0
    """How often the online keys have been changed over: each time by a further root."""

    @property
    def root(self) -> bytes:
        return self._root(0).to_bytes()

    def _root(self, rotation: int) -> Metadata[Root]:
        snapshot, timestamp = online(rotation)
        holders = {
            "root": ROOTS,
            "targets": HOLDERS,
            "snapshot": [snapshot],
            "timestamp": [timestamp],
        }
        publics = {role: [key.verify_key for key in keys] for role, keys in holders.items()}
        root = make_root(publics, NOW - timedelta(days=1))
        root.signed.version = rotation + 1
        for key in ROOTS[:3]:
            sign(root, key)
        return root

    def publish(self, inbox: Path, *, version: int = 1) -> Path:
        policy = write_policy(self.policy)
        recipients = self.recipients
        sealed = self._sealed(version)
        case = self._case(version, policy, sealed)
        targets = make_targets(self.policy, recipients, self.now)
        self.amend_targets(targets.signed)
        for key in HOLDERS[:2]:
            sign(targets, key)
        site = make_list_role(case, sealed)
        self.amend_site(site.signed)
        for key in self.signers:
            sign(site, key)
        role = site_role(self.policy.site)
        end = self.now + timedelta(days=1)
        roles = {role: site}
        if self.statement is not None:
            offer = Offer(self.statement, version, (self.now + LIFE).replace(microsecond=0))
            signed = sign_statement(offer, self.estate)
            roles[estate_role(self.policy.site)] = Metadata[Targets].from_bytes(signed)
        snapshot = make_snapshot(version, targets, roles, end)
        snapshot_key, timestamp_key = online(self.rotations)
        sign(snapshot, snapshot_key)
        timestamp = make_timestamp(snapshot, end)
        sign(timestamp, timestamp_key)
        further = [self._root(rotation) for rotation in range(1, self.rotations + 1)]
        statement = write_statement(self.statement) if self.statement else b""
        for name, content in (
            metadata_file("targets", targets),
            target_file(budget_name(self.policy.site), statement),
            *(metadata_file(name, each) for name, each in roles.items()),
            *(metadata_file("root", each) for each in further),
            metadata_file("snapshot", snapshot),
            metadata_file("timestamp", timestamp),
            target_file(POLICY_FILE, policy),
            target_file(RECIPIENTS_FILE, write_recipients(recipients)),
            target_file(casefile_name(self.policy.site), write_casefile(case)),
            target_file(sealed_name(self.policy.site), sealed),
        ):
            (inbox / name).parent.mkdir(parents=True, exist_ok=True)
            (inbox / name).write_bytes(content)
        return inbox

    def _sealed(self, version: int) -> bytes:
        rows = [each.handle for each in self.entries for _ in each.pictures]
        templates = b"".join(map(template_row, range(len(rows))))
        handles = b"".join(rows)
        payload = self.amend_body(write_body(Body(DIM, handles, templates)))
        origin = Origin(bytes(16), version, 1, TimeQuality.SYNCHRONISED, bytes(32))
        to = [self.sealed_to.public_key]
        return seal(Kind.LIST, payload, sender=self.sealer, recipients=to, origin=origin).blob

    def _case(self, version: int, policy: bytes, sealed: bytes) -> CaseFile:
        issued = int(self.now.timestamp())
        case = CaseFile(
            site=self.policy.site,
            version=version,
            issued_utc_s=issued,
            expires_utc_s=issued + 7 * 86400,
            model_digest=MODEL,
            policy_digest=sha256(policy).digest(),
            body_digest=sha256(sealed).digest(),
            dim=DIM,
            entries=entries_of(self.entries),
        )
        return self.amend_case(case)
