"""`tallylight camera`: put cameras into the policy."""

from pathlib import Path
from typing import Annotated

import typer

from provisioning.commands.options import Folder, Json, say
from provisioning.site.folder import open_site
from provisioning.site.policy import add_camera

app = typer.Typer(help="Put cameras into the policy.", no_args_is_help=True)


@app.callback()
def noun() -> None:
    """Put cameras into the policy."""


@app.command()
def add(
    folder: Folder,
    request: Annotated[Path, typer.Argument(help="The camera's enrolment request.")],
    place: Annotated[str, typer.Option(help="Where the camera hangs.")],
    grounds: Annotated[str, typer.Option(help="Why listed people are expected there.")],
    *,
    json: Json = False,
) -> None:
    """Add the camera of an enrolment request; two holders then sign the policy."""
    added = add_camera(open_site(folder), request, place=place, grounds=grounds)
    name = added.camera.camera_id.hex()
    say(f"Camera {name} is in the policy, which must be signed now.", json=json, camera=name)
