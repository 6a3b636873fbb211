"""The accepted watchlist, its expiry, its files' rules: signers, case file, body, live entries.

`firmware.trust.site_verifier` states all rules in their order and proves who signed.
`accept_list` enforces the rules about the files: (2) in part, (3) to (7). Only this module makes a
`Watchlist`. The list is read in columns, so that no rule makes an object of each entry.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from itertools import compress
from typing import final

from nacl.public import PrivateKey
from nacl.signing import VerifyKey

from firmware.errors import FirmwareError
from formats.casefile import CaseFile, read_casefile
from formats.counts import counted
from formats.entry import Entry
from formats.entry_columns import Entries
from formats.envelope import Kind, open_sealed, read, verify
from formats.errors import FormatError, NotForThisKey
from formats.organisations import organisation_key
from formats.policy import Policy, read_policy
from formats.recipients import Recipients, read_recipients
from formats.site_tuf import ORGANISATIONS, ORGANISATIONS_SENSITIVE, SignedSite
from formats.watchlist import HANDLE_BYTES, Body, read_body


class Refusal(StrEnum):
    """Why a list is refused, as the ledger records it."""

    MISSING = "WL_MISSING"
    FILE = "WL_FILE"
    FORM = "WL_FORM"
    ALTERED = "WL_ALTERED"
    SIG = "WL_SIG"
    ROLLBACK = "WL_ROLLBACK"
    EXPIRED = "WL_EXPIRED"
    CLOCK = "WL_CLOCK"
    FLOORS = "WL_FLOORS"
    CAMERA = "WL_CAMERA"
    DPIA = "WL_DPIA"
    SUPPLIER = "WL_SUPPLIER"
    SITE = "WL_SITE"
    POLICY = "WL_POLICY"
    MODEL = "WL_MODEL"
    CAP = "WL_CAP"
    BUDGET = "WL_BUDGET"


class ListRefused(FirmwareError):
    """The list may not be used; `code` says why in one word, the message in one sentence."""

    def __init__(self, code: Refusal, message: str) -> None:
        super().__init__(message)
        self.code = code


class EntryLapsed(FirmwareError):
    """An entry of an accepted list is no longer live: a face that resembles it is no candidate."""


@dataclass(frozen=True, slots=True)
class ThisCamera:
    """The keys and nets of the camera that the verifier runs on."""

    camera_id: bytes
    """(16,) sender id of the camera's signing key."""
    list_key: PrivateKey = field(repr=False)
    """Opens list bodies."""
    model_digest: bytes
    """(32,) of the model and preprocessing that this camera runs."""


@final
@dataclass(frozen=True, slots=True)
class _Made:
    """A token that shows that this module made a `Watchlist`."""


@final
@dataclass(frozen=True, slots=True)
class Watchlist:
    """A list that this camera may search, with the policy under which it does."""

    version: int
    digest: bytes
    """(32,) SHA-256 of the case file."""
    policy: Policy
    policy_digest: bytes
    """(32,) SHA-256 of the policy file."""
    recipients: Recipients
    expires_utc_s: int
    """From this moment on the camera is dark, unless a newer list was accepted."""
    dim: int
    """Components of a template."""
    entries: Entries = field(repr=False)
    """The live entries, in the order of the columns."""
    handles: bytes = field(repr=False)
    """n x 16 bytes: an entry's handle for each of its templates."""
    templates: bytes = field(repr=False)
    """n x `dim` signed bytes."""
    _made: _Made = field(repr=False)

    def check(self, now: datetime) -> None:
        """Refuse a list that may no longer be used.

        Raises:
            ListRefused: it has expired.
        """
        if now.timestamp() >= self.expires_utc_s:
            raise ListRefused(Refusal.EXPIRED, "The list in use has expired: publish a new one.")

    def entry(self, row: int, now: datetime) -> Entry:
        """Return the entry whose template stands in this row of the columns.

        Raises:
            ListRefused: the list has expired.
            EntryLapsed: the entry has expired or is due for review since the list was accepted.
        """
        self.check(now)
        entry = self.entries.by_handle(_handle(self.handles, row))
        if entry is None or not entry.is_live(int(now.timestamp())):
            raise EntryLapsed("An entry of the list has lapsed.")
        return entry


def accept_list(site: SignedSite, camera: ThisCamera, now: datetime) -> Watchlist:
    """Return the list among a site's proven files, if rules (2) to (7) hold.

    Raises:
        ListRefused: a rule does not hold.
    """
    try:
        policy, recipients = read_policy(site.policy), read_recipients(site.recipients)
        case = read_casefile(site.casefile)
        _check_here_and_now(policy, case, camera, now)
        _check_signers(policy, case, site.signers)
        _check_case(policy, case, site, camera, now)
        body = _open_body(policy, case, site.sealed, camera)
    except FormatError as error:
        raise ListRefused(Refusal.FORM, f"The site's files are refused: {error}") from error
    live = case.entries.live(int(now.timestamp()))  # (7)
    rows = case.entries.per_template(live)
    return Watchlist(
        version=case.version,
        digest=_digest(site.casefile),
        policy=policy,
        policy_digest=_digest(site.policy),
        recipients=recipients,
        expires_utc_s=min(site.expires_utc_s, case.expires_utc_s, policy.assessment.review_utc_s),
        dim=body.dim,
        entries=case.entries.select(live),
        handles=_rows(body.handles, HANDLE_BYTES, rows),
        templates=_rows(body.templates, body.dim, rows),
        _made=_Made(),
    )


def _check_here_and_now(policy: Policy, case: CaseFile, camera: ThisCamera, now: datetime) -> None:
    if now.timestamp() < case.issued_utc_s:  # (2)
        raise ListRefused(Refusal.CLOCK, "The camera's clock stands before the list was signed.")
    if camera.camera_id not in {place.camera.camera_id for place in policy.places}:  # (3)
        raise ListRefused(Refusal.CAMERA, "The policy does not name this camera.")
    if now.timestamp() >= policy.assessment.review_utc_s:
        raise ListRefused(Refusal.DPIA, "The data-protection assessment is overdue for review.")


def _check_signers(policy: Policy, case: CaseFile, signers: Iterable[VerifyKey]) -> None:
    suppliers = policy.suppliers
    organisations = {each.sign_key: organisation_key(each.organisation) for each in suppliers}
    signed = {organisations.get(signer) for signer in signers}  # (4)
    if None in signed:
        raise ListRefused(Refusal.SUPPLIER, "A key signed the list that belongs to no supplier.")
    needed = ORGANISATIONS_SENSITIVE if case.entries.sensitive else ORGANISATIONS
    if len(signed) < needed:
        count = f"{counted(len(signed), 'organisation')} signed the list; it needs {needed}."
        raise ListRefused(Refusal.SIG, count)


def _check_case(
    policy: Policy, case: CaseFile, site: SignedSite, camera: ThisCamera, now: datetime
) -> None:
    organisations = {supplier.organisation for supplier in policy.suppliers}
    rules = (  # (5)
        (case.site == policy.site, Refusal.SITE, "is for another site"),
        (case.version == site.version, Refusal.ROLLBACK, "is of another version than its role"),
        (case.policy_digest == _digest(site.policy), Refusal.POLICY, "is for another policy"),
        (case.model_digest == camera.model_digest, Refusal.MODEL, "is for another model"),
        (now.timestamp() < case.expires_utc_s, Refusal.EXPIRED, "has expired"),
        (len(case.entries) <= policy.cap, Refusal.CAP, "has more entries than the policy's cap"),
        (
            case.entries.distinct_texts("organisation") <= organisations,
            Refusal.SUPPLIER,
            "has an entry of an organisation that is no supplier",
        ),
        (
            case.entries.distinct_texts("category") <= set(policy.categories),
            Refusal.POLICY,
            "has an entry in a category that the policy does not know",
        ),
    )
    for holds, code, fault in rules:
        if not holds:
            raise ListRefused(code, f"The list {fault}.")


def _open_body(policy: Policy, case: CaseFile, blob: bytes, camera: ThisCamera) -> Body:
    if _digest(blob) != case.body_digest:  # (6)
        raise ListRefused(Refusal.ALTERED, "The list body is not the one that the case file names.")
    sealed = read(Kind.LIST, blob)
    suppliers = {supplier.sealer_id: supplier.seal_key for supplier in policy.suppliers}
    if sealed.header.sender not in suppliers:
        raise ListRefused(Refusal.SUPPLIER, "The list body was sealed by no supplier.")
    verified = verify(sealed, suppliers[sealed.header.sender])
    try:
        body = read_body(open_sealed(verified, camera.list_key))
    except NotForThisKey as error:
        raise ListRefused(Refusal.CAMERA, "The list body is not sealed to this camera.") from error
    if body.dim != case.dim or body.handles != case.entries.template_handles:
        raise ListRefused(Refusal.ALTERED, "The list body does not have the case file's rows.")
    return body


def _rows(column: bytes, width: int, wanted: Sequence[bool]) -> bytes:
    if all(wanted):
        return column
    rows = (column[at : at + width] for at in range(0, len(column), width))
    return b"".join(compress(rows, wanted))


def _handle(handles: bytes, row: int) -> bytes:
    return handles[row * HANDLE_BYTES : (row + 1) * HANDLE_BYTES]


def _digest(data: bytes) -> bytes:
    return sha256(data).digest()
