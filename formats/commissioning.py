"""The commissioning page: what an installer hands over for one mounted camera; two signatures.

The installer signs where the camera hangs, its registration, the counts of its walk test, and who
saw its lamp. Then a person of the site accepts this signed page with a verdict key. Whether the
site names these two is the reader's question. Byte tables: docs/formats/commissioning.md.
"""

from base64 import b64encode
from dataclasses import asdict, dataclass, fields
from typing import Final

from nacl.signing import VerifyKey

from formats.errors import Forged
from formats.public_keys import signing_key
from formats.signed_members import read_signed, sign_members
from formats.signer import Ed25519Signer
from formats.strict_json import Fields, JsonValue

PAGE_LIMIT: Final = 32 * 1024
"""Most bytes of a signed page."""
PLAN_LIMIT_MM: Final = 10_000
WORDS_LIMIT: Final = 2000
"""Most characters of a camera's sentence, as in its report."""
_PAGE: Final = "commissioning"
_ACCEPTANCE: Final = "commissioning-acceptance"
_WORD_LIMIT: Final = 128
_SITE_LIMIT: Final = 32
_ID_BYTES: Final = 16
_DIGEST_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class PlanPoint:
    """A point on the sheet of the site plan, in millimetres from its top left corner."""

    x_mm: int
    y_mm: int


@dataclass(frozen=True, slots=True)
class WalkTest:
    """Counts of the period of looking in which people walked past (docs/formats/ledger.md)."""

    frames: int
    early: int
    grey: int
    faces: int
    refused_small: int
    refused_blurred: int
    refused_turned: int
    refused_dark: int
    refused_bright: int
    searched: int
    passers_by: int
    candidates: int
    suppressed: int
    events: int


@dataclass(frozen=True, slots=True)
class Commissioning:
    """What the installer signs."""

    site: str
    camera: bytes
    """(16,) the camera's id."""
    board: str
    """Serial number of its board."""
    registration: bytes
    """(32,) SHA-256 of its registration record."""
    training: bool
    """Whether it was registered for training, and is not a real camera."""
    place: str
    plan: PlanPoint | None
    lamp_seen_by: str
    """Name of the person who saw the lamp lit where the camera hangs."""
    version: str
    """Of the camera's software, as its report says."""
    verdict: str
    """The last line of the report: the camera is armed."""
    list: str
    """What the report says of the list that the camera accepted: its version."""
    walk: WalkTest
    report: bytes
    """(32,) SHA-256 of the report."""
    installer: VerifyKey
    commissioned_utc_s: int


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What the person of the site signs."""

    signed_page: bytes
    """The page with the installer's signature, byte by byte."""
    person: VerifyKey
    """This person's verdict key."""
    accepted_utc_s: int


def write_commissioning(page: Commissioning, key: Ed25519Signer) -> bytes:
    """Return the page, signed by its installer."""
    return sign_members(_PAGE, _page_members(page), key)


def read_commissioning(data: bytes) -> Commissioning:
    """Return the page in `data`, signed by the installer that it names.

    Raises:
        FormatError: it is none, or the signature does not hold.
    """
    return read_signed(
        _PAGE, data, _read_page, members=_page_members, key=lambda page: page.installer
    )


def write_commissioning_acceptance(acceptance: Acceptance, key: Ed25519Signer) -> bytes:
    """Return the acceptance, signed by its person."""
    return sign_members(_ACCEPTANCE, _acceptance_members(acceptance), key)


def read_commissioning_acceptance(data: bytes) -> tuple[Commissioning, Acceptance]:
    """Return the page in `data` and its acceptance, both signatures verified.

    Raises:
        FormatError: it is none, a signature does not hold, one key signed both, or the page was
            signed after it was accepted.
    """
    acceptance = read_signed(
        _ACCEPTANCE,
        data,
        _read_acceptance,
        members=_acceptance_members,
        key=lambda found: found.person,
    )
    page = read_commissioning(acceptance.signed_page)
    refuse_own_acceptance(page, acceptance)
    return page, acceptance


def refuse_own_acceptance(page: Commissioning, acceptance: Acceptance) -> None:
    """Raise unless another key accepts the page, and not before the page was signed.

    Raises:
        Forged: the installer accepts it, or the acceptance is older than the page.
    """
    if acceptance.person == page.installer:
        raise Forged("The installer cannot accept the page: another person must.")
    if acceptance.accepted_utc_s < page.commissioned_utc_s:
        raise Forged("The page is younger than its acceptance: check both machines' clocks.")


def _page_members(page: Commissioning) -> dict[str, JsonValue]:
    plan: JsonValue = None if page.plan is None else asdict(page.plan)
    return {
        "board": page.board,
        "camera": page.camera.hex(),
        "commissioned_utc_s": page.commissioned_utc_s,
        "installer": bytes(page.installer).hex(),
        "lamp_seen_by": page.lamp_seen_by,
        "list": page.list,
        "place": page.place,
        "plan": plan,
        "registration": page.registration.hex(),
        "report": page.report.hex(),
        "site": page.site,
        "training": page.training,
        "verdict": page.verdict,
        "version": page.version,
        "walk": asdict(page.walk),
    }


def _read_page(found: Fields) -> Commissioning:
    return Commissioning(
        site=found.text("site", at_most=_SITE_LIMIT),
        camera=found.hex_bytes("camera", _ID_BYTES),
        board=found.text("board", at_most=_WORD_LIMIT),
        registration=found.hex_bytes("registration", _DIGEST_BYTES),
        training=found.boolean("training"),
        place=found.text("place", at_most=_WORD_LIMIT),
        plan=None if found.is_null("plan") else found.object("plan", _read_point),
        lamp_seen_by=found.text("lamp_seen_by", at_most=_WORD_LIMIT),
        version=found.text("version", at_most=_SITE_LIMIT),
        verdict=found.text("verdict", at_most=WORDS_LIMIT),
        list=found.text("list", at_most=WORDS_LIMIT),
        walk=found.object("walk", _read_walk),
        report=found.hex_bytes("report", _DIGEST_BYTES),
        installer=signing_key(found.hex_bytes("installer", 32)),
        commissioned_utc_s=found.utc_s("commissioned_utc_s"),
    )


def _read_point(found: Fields) -> PlanPoint:
    return PlanPoint(
        found.integer("x_mm", high=PLAN_LIMIT_MM), found.integer("y_mm", high=PLAN_LIMIT_MM)
    )


def _read_walk(found: Fields) -> WalkTest:
    return WalkTest(**{each.name: found.integer(each.name) for each in fields(WalkTest)})


def _acceptance_members(acceptance: Acceptance) -> dict[str, JsonValue]:
    return {
        "accepted_utc_s": acceptance.accepted_utc_s,
        "page": b64encode(acceptance.signed_page).decode(),
        "person": bytes(acceptance.person).hex(),
    }


def _read_acceptance(found: Fields) -> Acceptance:
    return Acceptance(
        signed_page=found.base64_bytes("page", at_most=PAGE_LIMIT),
        person=signing_key(found.hex_bytes("person", 32)),
        accepted_utc_s=found.utc_s("accepted_utc_s"),
    )
