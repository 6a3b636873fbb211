"""`tallylight papers commission` and `accept`: the commissioning page and its two signatures."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from formats.commissioning import (
    PAGE_LIMIT,
    PLAN_LIMIT_MM,
    Acceptance,
    PlanPoint,
    read_commissioning,
    refuse_own_acceptance,
    write_commissioning,
    write_commissioning_acceptance,
)
from formats.errors import FormatError
from formats.keyfile import Purpose, read_key
from formats.public_keys import signing_key
from formats.registration_record import MANIFEST_LIMIT, Registration, read_manifest
from formats.whole_file import READABLE, write_new
from provisioning.commands.options import Json, PassphraseFile, Yes, print_result
from provisioning.disk import write_atomically
from provisioning.errors import PaperRefused
from provisioning.foreign_file import read_foreign
from provisioning.inspection.report import REPORT_LIMIT
from provisioning.keys.passphrase import refuse_other_purpose, unlock_key
from provisioning.papers.commissioning import (
    Mounting,
    acceptance_items,
    commissioning_items,
    commissioning_of,
    draw_commissioning,
)
from provisioning.site.registrations import is_called
from terminal import consent as screen

app = typer.Typer()
Axis = Annotated[
    int | None,
    typer.Option(min=0, max=PLAN_LIMIT_MM, help="On the plan: mm from its top left corner."),
]


@app.command()
def commission(  # noqa: PLR0913, PLR0917  # Each is an option.
    manifest: Annotated[Path, typer.Argument(help="The manifest that has the camera's record.")],
    camera: Annotated[str, typer.Argument(help="First digits of its id, or its board's serial.")],
    report: Annotated[Path, typer.Argument(help="tallylight-camera doctor --json, after a walk.")],
    key: Annotated[Path, typer.Option(help="The installer's key file.")],
    place: Annotated[str, typer.Option(help="Where it hangs, as the site plan calls it.")],
    lamp_seen_by: Annotated[str, typer.Option(help="Name of the person who saw the lamp lit.")],
    to: Annotated[Path, typer.Option(help="Folder for the page: JSON and PDF.")],
    passphrase_file: PassphraseFile = None,
    *,
    x: Axis = None,
    y: Axis = None,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Sign the commissioning page of a mounted camera that is armed; a person then accepts it."""
    if (x is None) is not (y is None):
        raise PaperRefused("A point on the plan has both --x and --y: name both, or neither.")
    plan = None if x is None or y is None else PlanPoint(x, y)
    registration, record = _registered(manifest, camera)
    locked = read_key(key)
    refuse_other_purpose(locked, Purpose.INSTALLER)
    mounting = Mounting(place, plan, lamp_seen_by, signing_key(locked.public), _now())
    page = commissioning_of(registration, record, _content(report, REPORT_LIMIT), mounting)
    items = commissioning_items(page)
    name = _free(to / f"commissioning-{page.camera.hex()}")
    shown = screen.described("You hand over this camera.", items)
    screen.agree(shown, "Sign this page?", yes=yes, json=json)
    signed = write_commissioning(page, unlock_key(locked, passphrase_file))
    read_commissioning(signed)  # As its next reader will: a name of two lines is refused here.
    _write(name, signed, draw_commissioning(items, accepted=False))
    print_result(
        f"{name}.json is signed: a person of the site accepts it with tallylight papers accept.",
        json=json,
        page=f"{name}.json",
        paper=f"{name}.pdf",
    )


@app.command()
def accept(
    page: Annotated[Path, typer.Argument(help="The page that the installer signed, JSON.")],
    key: Annotated[Path, typer.Option(help="Your verdict key file.")],
    passphrase_file: PassphraseFile = None,
    *,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Accept a commissioning page: verify the installer's signature, and sign as the second."""
    content = _content(page, PAGE_LIMIT).strip()
    try:
        found = read_commissioning(content)
    except FormatError as error:
        raise PaperRefused(f"{page} is refused: {error} Ask the installer for it again.") from error
    locked = read_key(key)
    refuse_other_purpose(locked, Purpose.VERDICT)
    acceptance = Acceptance(content, signing_key(locked.public), _now())
    refuse_own_acceptance(found, acceptance)
    items = [*commissioning_items(found), *acceptance_items(acceptance)]
    name = _free(page.with_name(f"{page.stem}-accepted"))
    asked = "The installer has signed this page. Compare the words of the installer's key."
    screen.agree(screen.described(asked, items), "Accept this camera?", yes=yes, json=json)
    signed = write_commissioning_acceptance(acceptance, unlock_key(locked, passphrase_file))
    _write(name, signed, draw_commissioning(items, accepted=True))
    print_result(
        f"{name}.json has both signatures.",
        json=json,
        page=f"{name}.json",
        paper=f"{name}.pdf",
    )


def _registered(manifest: Path, camera: str) -> tuple[Registration, bytes]:
    """Return the newest registration of a camera, and its record."""
    content = _content(manifest, MANIFEST_LIMIT)
    try:
        found = read_manifest(content)
    except FormatError as error:
        raise PaperRefused(f"{manifest} is refused: {error}") from error
    named = {
        one.identity.camera_id: (one, line)
        for one, line in zip(found, content.splitlines(), strict=True)
        if is_called(one, camera)
    }
    if len(named) != 1:
        raise PaperRefused(
            f"{len(named)} cameras of this manifest are called {camera!r}: name one by at least "
            "four digits of its id, or by its board's serial number."
        )
    return next(iter(named.values()))


def _content(file: Path, limit: int) -> bytes:
    try:
        return read_foreign(file.parent, file.name, limit=limit)
    except FileNotFoundError as error:
        raise PaperRefused(f"There is no file {file}.") from error


def _free(name: Path) -> Path:
    """Return where a page goes, without its suffix; refuse to replace one that is signed."""
    if Path(f"{name}.json").exists():
        raise PaperRefused(f"{name}.json is signed already: move it away to sign another.")
    return name


def _write(name: Path, signed: bytes, paper: bytes) -> None:
    name.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    write_atomically(Path(f"{name}.pdf"), paper, mode=READABLE)
    write_new(Path(f"{name}.json"), signed + b"\n", mode=READABLE)


def _now() -> int:
    return int(datetime.now(UTC).timestamp())
