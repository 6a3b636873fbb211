"""The camera's verifier: whom, where, how and for how long this camera may look, or why not.

What passes here may be searched for, and nothing else; `Watchlist` is made nowhere else. The rules,
in the order in which the code below enforces them:

(0) Work on a copy of what was trusted before. It replaces the original only when every rule holds,
    so a refused update changes nothing and the last good list runs until its own end.
(1) TUF, from the root in the read-only image: every role has its quorum, is fresh and not rolled
    back, every file is whole; the list comes from the site's own role.
(2) Nothing is below the floors (`firmware.floors`): no version of any role, and not the clock,
    which does not stand before the moment at which the list was signed, either.
(3) The policy names this camera, and the assessment behind it is not overdue for review.
(4) Everybody who signed the list is a supplier named by the policy, and two different
    organisations signed; three, if an entry is a minor or vulnerable.
(5) The case file is for this site, this version, this policy and this model; it has not expired,
    keeps to the cap, and every entry has a supplier and a category that the policy names.
(6) The body is the one that the case file names, sealed by a supplier, opens with this camera's
    key, and has exactly the case file's rows.
(7) Only entries that are live now are handed on; whoever lapses later is refused by `entry`.
(8) The estate has not said that this camera broke its budget for being wrong.

No network and no clock is touched here: a folder and a moment are passed in.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final, final

from nacl.public import PrivateKey
from nacl.signing import VerifyKey
from tuf.api import exceptions as tuf

from firmware.accepted import accepted, open_accepted, replacing
from firmware.errors import FirmwareError, FloorsBroken
from firmware.floors import Floors, raise_floors, read_floors
from formats.budget import read_statement
from formats.casefile import CaseFile, Entry, read_casefile
from formats.envelope import Kind, open_sealed, read, verify
from formats.errors import FormatError, NotForThisKey
from formats.policy import Policy, read_policy
from formats.recipients import Recipients, read_recipients
from formats.site_tuf import SignedSite, collect
from formats.watchlist import HANDLE_BYTES, Body, read_body

ORGANISATIONS: Final = 2
"""Different organisations that must sign a list (DESIGN.md, P2)."""
ORGANISATIONS_SENSITIVE: Final = 3
"""The same, when an entry is a minor or vulnerable (DESIGN.md, section 5)."""


class Refusal(StrEnum):
    """Why a list is refused, as the ledger records it."""

    MISSING = "WL_MISSING"
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
    """An entry of an accepted list is no longer live: whoever resembles it is a passer-by."""


@dataclass(frozen=True, slots=True)
class ThisCamera:
    """What the verifier must know of the camera it runs on."""

    camera_id: bytes
    """(16,) sender id of the camera's signing key."""
    list_key: PrivateKey = field(repr=False)
    """Opens list bodies."""
    model_digest: bytes
    """(32,) of the model and preprocessing that this camera runs."""


@final
@dataclass(frozen=True, slots=True)
class _Made:
    """Shows that this module made a `Watchlist`. Nothing else makes one."""


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
    entries: tuple[Entry, ...] = field(repr=False)
    """The n live entries, in the order of the columns."""
    handles: bytes = field(repr=False)
    """n x 16 bytes."""
    templates: bytes = field(repr=False)
    """n x `dim` signed bytes."""
    _made: _Made = field(repr=False)

    def check(self, now: datetime) -> None:
        """Do nothing while the list may be used.

        Raises:
            ListRefused: it has expired.
        """
        if now.timestamp() >= self.expires_utc_s:
            raise ListRefused(Refusal.EXPIRED, "The list in use has expired: publish a new one.")

    def entry(self, index: int, now: datetime) -> Entry:
        """The entry in row `index` of the columns.

        Raises:
            ListRefused: the list has expired.
            EntryLapsed: the entry has expired or is due for review since the list was accepted.
        """
        self.check(now)
        entry = self.entries[index]
        if not entry.is_live(int(now.timestamp())):
            raise EntryLapsed("An entry of the list has lapsed.")
        return entry


def verify_site(
    inbox: Path, metadata: Path, trusted_root: bytes, *, camera: ThisCamera, now: datetime
) -> Watchlist:
    """The list in `inbox`, if all rules of this module hold; `metadata` then remembers it.

    Args:
        inbox: folder with a published repository, as courier or memory stick left it.
        metadata: folder of this camera's own, where only this module writes.
        trusted_root: root metadata from the read-only image.
        camera: the camera this runs on.
        now: a moment in UTC from a clock that is trusted.

    Raises:
        ListRefused: a rule does not hold; nothing has changed.
    """
    with replacing(metadata) as copy:  # (0)
        site = _prove(lambda name: (inbox / name).open("rb"), copy, trusted_root, now)
        _check_floors(site, floors_of(metadata), now)
        watchlist = _accept(site, camera, now)
        # Before the list itself: a power cut in between leaves the camera stricter, never laxer.
        moment = min(int(now.timestamp()), watchlist.expires_utc_s)
        raise_floors(floors_of(metadata), Floors(moment, site.versions))
    _check_budget(site, camera)  # (8) Once remembered: taking it away does not arm it again.
    return watchlist


def verify_accepted(
    metadata: Path, trusted_root: bytes, *, camera: ThisCamera, now: datetime
) -> Watchlist:
    """The last list that `verify_site` accepted, verified anew from its first byte.

    Raises:
        ListRefused: there is none, or a rule no longer holds.
    """
    trusted = accepted(metadata)
    if not trusted.exists():
        raise ListRefused(Refusal.MISSING, "This camera has not accepted a list yet.")
    site = _prove(lambda name: open_accepted(metadata, name), trusted, trusted_root, now)
    _check_floors(site, floors_of(metadata), now)
    _check_budget(site, camera)
    return _accept(site, camera, now)


def _check_budget(site: SignedSite, camera: ThisCamera) -> None:
    try:
        stopped = site.budget is not None and read_statement(site.budget).stops(camera.camera_id)
    except FormatError as error:
        raise ListRefused(Refusal.FORM, f"The estate's statement is refused: {error}") from error
    if stopped:
        raise ListRefused(
            Refusal.BUDGET,
            "This camera's confirmed false alarms have broken the policy's budget: change its "
            "place or the policy, then let the estate clear it.",
        )


def floors_of(metadata: Path) -> Path:
    """Where the floors lie that belong to what was accepted in `metadata`."""
    return metadata.with_name("floors")


def _check_floors(site: SignedSite, folder: Path, now: datetime) -> None:
    try:
        floors = read_floors(folder)  # (2)
    except FloorsBroken as error:
        raise ListRefused(Refusal.FLOORS, str(error)) from error
    for role, version in site.versions.items():
        if version < floors.versions.get(role, 0):
            why = f"Version {version} of {role} is older than what this camera has accepted."
            raise ListRefused(Refusal.ROLLBACK, why)
    if now.timestamp() < floors.utc_s:
        raise ListRefused(Refusal.CLOCK, "The camera's clock stands before what it was already.")


def _prove(
    open_file: Callable[[str], BinaryIO], trusted: Path, root: bytes, now: datetime
) -> SignedSite:
    try:
        return collect(open_file, trusted, root=root, now=now)  # (1)
    except (tuf.RepositoryError, tuf.DownloadError, FormatError) as error:
        codes = (code for kind, code in _TUF_REFUSALS if isinstance(error, kind))
        code = next(codes, Refusal.FORM)
        raise ListRefused(code, f"The site's repository is refused: {error}") from error


_TUF_REFUSALS: Final = (
    (tuf.ExpiredMetadataError, Refusal.EXPIRED),
    (tuf.BadVersionNumberError, Refusal.ROLLBACK),
    (tuf.UnsignedMetadataError, Refusal.SIG),
    (tuf.LengthOrHashMismatchError, Refusal.ALTERED),
    (tuf.DownloadLengthMismatchError, Refusal.ALTERED),
    (tuf.DownloadError, Refusal.MISSING),
)


def _accept(site: SignedSite, camera: ThisCamera, now: datetime) -> Watchlist:
    try:
        policy, recipients = read_policy(site.policy), read_recipients(site.recipients)
        case = read_casefile(site.casefile)
        _check_here_and_now(policy, case, camera, now)
        _check_signers(policy, case, site.signers)
        _check_case(policy, case, site, camera, now)
        body = _open_body(policy, case, site.sealed, camera)
    except FormatError as error:
        raise ListRefused(Refusal.FORM, f"The site's files are refused: {error}") from error
    live = [i for i, entry in enumerate(case.entries) if entry.is_live(int(now.timestamp()))]  # (7)
    return Watchlist(
        version=case.version,
        digest=_digest(site.casefile),
        policy=policy,
        policy_digest=_digest(site.policy),
        recipients=recipients,
        expires_utc_s=min(site.expires_utc_s, case.expires_utc_s, policy.assessment.review_utc_s),
        dim=body.dim,
        entries=tuple(case.entries[i] for i in live),
        handles=_rows(body.handles, HANDLE_BYTES, live),
        templates=_rows(body.templates, body.dim, live),
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
    organisations = {supplier.sign_key: supplier.organisation for supplier in policy.suppliers}
    signed = {organisations.get(signer) for signer in signers}  # (4)
    if None in signed:
        raise ListRefused(Refusal.SUPPLIER, "A key signed the list that belongs to no supplier.")
    sensitive = any(entry.sensitive for entry in case.entries)
    needed = ORGANISATIONS_SENSITIVE if sensitive else ORGANISATIONS
    if len(signed) < needed:
        count = f"{len(signed)} organisations signed the list; it needs {needed}."
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
            all(entry.organisation in organisations for entry in case.entries),
            Refusal.SUPPLIER,
            "has an entry of an organisation that is no supplier",
        ),
        (
            all(entry.category in policy.categories for entry in case.entries),
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
    if body.dim != case.dim or body.names != tuple(entry.handle for entry in case.entries):
        raise ListRefused(Refusal.ALTERED, "The list body does not have the case file's rows.")
    return body


def _rows(column: bytes, width: int, rows: list[int]) -> bytes:
    return b"".join(column[row * width : (row + 1) * width] for row in rows)


def _digest(data: bytes) -> bytes:
    return sha256(data).digest()
