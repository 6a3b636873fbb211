"""`tallylight papers`: draw what is printed and hung up or stuck on."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from formats.errors import FormatError
from formats.policy import read_policy
from formats.registration_record import MANIFEST_LIMIT, Registration, read_manifest
from provisioning.commands import commissioning
from provisioning.commands.options import Folder, Json, print_result
from provisioning.disk import write_atomically
from provisioning.errors import PaperRefused, SiteRefused
from provisioning.foreign_file import read_foreign
from provisioning.papers.labels import LAYOUTS, draw_labels, label_of
from provisioning.papers.sign import draw_sign
from provisioning.site.folder import open_site
from provisioning.site.installers import installer_name
from provisioning.site.membership import named_camera
from provisioning.site.policy import policy_in_force
from provisioning.site.registrations import is_called

app = typer.Typer(no_args_is_help=True)
app.add_typer(commissioning.app)
READ_BY_ALL = 0o644


class Layout(StrEnum):
    """How labels lie on a page: the keys of `LAYOUTS`."""

    SHEET = "sheet"
    ROLL = "roll"


@app.callback()
def papers() -> None:
    """Draw the papers of a site as PDF."""


@app.command()
def sign(
    folder: Folder,
    camera: Annotated[str, typer.Argument(help="The camera's id, or its first digits.")],
    contact: Annotated[str, typer.Option(help="How the public reaches the site.")],
    to: Annotated[Path, typer.Option(help="The PDF to write.")],
    *,
    json: Json = False,
) -> None:
    """Draw the sign for the public beside a camera, from the policy that is in force."""
    files = policy_in_force(open_site(folder))
    if files is None:
        raise SiteRefused("No policy is in force yet: sign it, and publish a list.")
    policy = read_policy(files.policy)
    place = named_camera(policy, camera)
    _write(to, draw_sign(policy, place, contact))
    print_result(
        f"{to}: the sign for {place.place}, by version {policy.version} of the policy.",
        json=json,
        file=str(to),
        camera=place.camera.camera_id.hex(),
        version=policy.version,
    )


@app.command()
def labels(  # noqa: PLR0913  # Each is an option.
    manifest: Annotated[
        Path, typer.Argument(help="An installer's manifest: registrations/INSTALLER.jsonl.")
    ],
    to: Annotated[Path, typer.Option(help="The PDF to write.")],
    *,
    layout: Annotated[
        Layout, typer.Option(help="24 on A4 (63.5 x 33.9 mm), or one a page (62 x 34 mm).")
    ] = Layout.SHEET,
    skip: Annotated[int, typer.Option(min=0, help="Used places of the first sheet.")] = 0,
    camera: Annotated[
        str, typer.Option(help="This one alone: first digits of its id, or its board's serial.")
    ] = "",
    json: Json = False,
) -> None:
    """Draw the labels of the cameras in an installer's manifest, each record verified again."""
    places = LAYOUTS[layout].places
    if skip >= places:
        raise PaperRefused(f"A page of this layout has {places}: skip {places - 1} at most.")
    found = _newest(_read(manifest), camera)
    drawn = [label_of(one) for one in found]
    _write(to, draw_labels(drawn, LAYOUTS[layout], skip=skip))
    training = sum(label.training for label in drawn)
    installer = installer_name(found[0].hello.installer)
    print_result(
        f"{to} has the labels of site {drawn[0].site}, registered by installer {installer}: "
        f"{len(drawn)} in all, {training} for training.",
        json=json,
        file=str(to),
        site=drawn[0].site,
        installer=installer,
        cameras=[label.camera for label in drawn],
        training=[label.camera for label in drawn if label.training],
    )


def _write(to: Path, drawn: bytes) -> None:
    if to.suffix != ".pdf":  # So that no other file is overwritten by a slip.
        raise PaperRefused(f"{to} was not written: name a file that ends with .pdf.")
    write_atomically(to, drawn, mode=READ_BY_ALL)


def _read(manifest: Path) -> tuple[Registration, ...]:
    try:
        return read_manifest(read_foreign(manifest.parent, manifest.name, limit=MANIFEST_LIMIT))
    except FileNotFoundError as error:
        raise PaperRefused(
            f"There is no manifest {manifest}: tallylight register cameras writes it."
        ) from error
    except FormatError as error:
        raise PaperRefused(
            f"{manifest} is refused, and no label was drawn: {error} Take the manifest from the "
            "installer's laptop again."
        ) from error


def _newest(registrations: tuple[Registration, ...], camera: str) -> list[Registration]:
    """Return the newest registration of each camera, or of the named one alone."""
    named = {
        one.identity.camera_id: one for one in registrations if not camera or is_called(one, camera)
    }
    if not named or (camera and len(named) > 1):
        raise PaperRefused(
            f"{len(named)} cameras of this manifest are called {camera!r}: name one by at least "
            "four digits of its id, or by its board's serial number."
            if camera
            else "This manifest holds no registration: register a camera first."
        )
    return list(named.values())
