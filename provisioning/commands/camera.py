"""`tallylight camera`: register cameras with the site."""

from pathlib import Path
from typing import Annotated

import typer

from provisioning.commands.options import Folder, Json, print_result
from provisioning.site.folder import open_site
from provisioning.site.policy import register_camera

app = typer.Typer(help="Register cameras with the site.", no_args_is_help=True)


@app.callback()
def camera() -> None:
    """Register cameras with the site."""


@app.command()
def add(
    folder: Folder,
    request: Annotated[
        Path, typer.Argument(help="The camera's request, which tallylight-camera identity wrote.")
    ],
    place: Annotated[str, typer.Option(help="Where the camera hangs.")],
    grounds: Annotated[str, typer.Option(help="Why listed people are expected there.")],
    *,
    json: Json = False,
) -> None:
    """Register the camera of a request in the policy; two holders then sign the policy."""
    added = register_camera(open_site(folder), request, place=place, grounds=grounds)
    name = added.camera.camera_id.hex()
    print_result(
        f"Camera {name} is in the policy, which must be signed now.", json=json, camera=name
    )
