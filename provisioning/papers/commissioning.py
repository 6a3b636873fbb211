"""The commissioning page of a mounted camera: what its two signers are shown, and the same as PDF.

The page is made of the camera's verified registration, of the report that `tallylight check`
judges, and of what the installer says. A camera that is not armed, or past which no person walked,
gets no page. Nothing in the report names the camera: that it is this one's is the installer's word.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Final

from nacl.signing import VerifyKey

from formats.commissioning import Acceptance, Commissioning, PlanPoint, WalkTest
from formats.registration_record import Registration
from provisioning.errors import PaperRefused
from provisioning.inspection.advice import FACES_LEAST
from provisioning.inspection.report import read_report
from provisioning.papers.pages import A4, LINE_MM, Pages, begin, broken
from terminal.differences import Item, digest_text, moment_text
from terminal.fingerprints import fingerprint_text

MARGIN: Final = 18.0
"""Empty edge in mm."""
INDENT: Final = 42.0
"""Where values begin, in mm from the labels."""
LOWEST: Final = A4[1] - 2 * MARGIN
"""Where the last line of a page lies at the latest."""
SIZE: Final = 7.0
"""Of the letters, in points."""


@dataclass(frozen=True, slots=True)
class Mounting:
    """What the installer says of a mounted camera."""

    place: str
    plan: PlanPoint | None
    lamp_seen_by: str
    installer: VerifyKey
    at_utc_s: int


def commissioning_of(
    registration: Registration, record: bytes, report: bytes, mounting: Mounting
) -> Commissioning:
    """Return the page that an installer may sign.

    Raises:
        CameraRefused: the report is none.
        PaperRefused: the camera is not armed, has no list, or no person walked past it.
    """
    found = read_report(report)
    lists = [part.words for part in found.parts if part.name == "list" and part.there]
    if not found.armed or not lists:
        raise PaperRefused(f"This camera is not commissioned: {found.verdict}")
    if found.period is None or found.period["faces"] < FACES_LEAST:
        raise PaperRefused(
            "The report holds no walk test: walk past twice, face to the camera, then stop watch, "
            "and take the report again."
        )
    return Commissioning(
        site=registration.hello.site,
        camera=registration.identity.camera_id,
        board=registration.board.serial,
        registration=sha256(record).digest(),
        training=registration.acceptance.training,
        place=mounting.place,
        plan=mounting.plan,
        lamp_seen_by=mounting.lamp_seen_by,
        version=found.version,
        verdict=found.verdict,
        list=lists[0],
        walk=WalkTest(**found.period),
        report=sha256(report).digest(),
        installer=mounting.installer,
        commissioned_utc_s=mounting.at_utc_s,
    )


def commissioning_items(page: Commissioning) -> Sequence[Item]:
    """Return everything that the installer's signature covers."""
    plan = page.plan
    camera = {
        "site": page.site,
        "id": page.camera.hex(),
        "board": page.board,
        "kind": "TRAINING: this is not a real camera" if page.training else "a real camera",
        "place": page.place,
        "on the plan": "not said" if plan is None else f"{plan.x_mm} mm right, {plan.y_mm} mm down",
        "registration": digest_text(page.registration),
    }
    report = {
        "version": page.version,
        "it says": page.verdict,
        "list": page.list,
        "digest": digest_text(page.report),
    }
    walk = {name.replace("_", " "): str(count) for name, count in asdict(page.walk).items()}
    handed_over = {
        "lamp seen lit by": page.lamp_seen_by,
        "at": moment_text(page.commissioned_utc_s),
        "installer's key": fingerprint_text(bytes(page.installer)),
    }
    return [
        Item("Camera", camera),
        Item("The camera's report", report),
        Item("Walk test: counts, no picture", walk),
        Item("Handed over", handed_over),
    ]


def acceptance_items(acceptance: Acceptance) -> Sequence[Item]:
    """Return what the person of the site signs besides the page itself."""
    facts = {
        "at": moment_text(acceptance.accepted_utc_s),
        "this page": digest_text(sha256(acceptance.signed_page).digest()),
        "person's key": fingerprint_text(bytes(acceptance.person)),
    }
    return [Item("Accepted", facts)]


def draw_commissioning(items: Sequence[Item], *, accepted: bool) -> bytes:
    """Return the page as PDF: all that its signers were shown."""
    pages = begin("Commissioning of a camera")
    pages.text(MARGIN, 22, "Commissioning of a camera", size=16, bold=True)
    signed = "Signed by the installer and by a person of the site."
    state = signed if accepted else "Signed by the installer. NOT ACCEPTED YET."
    pages.text(MARGIN, 29, f"{state} The signatures stand in the file beside this page.", size=SIZE)
    y = 34.0
    for item in items:
        y = _below(pages, y + 4)
        pages.text(MARGIN, y, item.name, size=SIZE + 2, bold=True)
        y += 5
        for label, value in item.facts.items():
            y = _draw_fact(pages, _below(pages, y), label, value)
    return pages.finish()


def _draw_fact(pages: Pages, y: float, label: str, value: str) -> float:
    """Draw a fact, over several pages if it is long; return where the next one begins."""
    pages.text(MARGIN, y, label, size=SIZE)
    for line in broken(value, A4[0] - 2 * MARGIN - INDENT, SIZE):
        y = _below(pages, y)
        pages.text(MARGIN + INDENT, y, line, size=SIZE)
        y += SIZE * LINE_MM
    return y + 0.4


def _below(pages: Pages, y: float) -> float:
    """Return `y`, or the top of a new page where this one has no room for a heading and a line."""
    if y <= LOWEST:
        return y
    pages.next_page()
    return MARGIN
