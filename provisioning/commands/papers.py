"""`tallylight papers`: draw what is printed and hung up or stuck on."""

from pathlib import Path
from typing import Annotated

import typer

from formats.policy import read_policy
from provisioning.commands.options import Folder, Json, print_result
from provisioning.disk import write_atomically
from provisioning.errors import SiteRefused
from provisioning.papers.sign import draw_sign
from provisioning.site.folder import open_site
from provisioning.site.membership import named_camera
from provisioning.site.policy import policy_in_force

app = typer.Typer(no_args_is_help=True)
READ_BY_ALL = 0o644


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
    write_atomically(to, draw_sign(policy, place, contact), mode=READ_BY_ALL)
    print_result(
        f"{to}: the sign for {place.place}, by version {policy.version} of the policy.",
        json=json,
        file=str(to),
        camera=place.camera.camera_id.hex(),
        version=policy.version,
    )
