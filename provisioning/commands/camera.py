"""`tallylight camera`: register cameras with the site, and take them out."""

from pathlib import Path
from typing import Annotated

import typer

from provisioning.broker.registered_certificate import refuse_other_certificate
from provisioning.commands.options import Folder, Json, Yes, agree_to_remove, print_result
from provisioning.site.folder import open_site
from provisioning.site.membership import find_camera, remove_camera
from provisioning.site.policy import register_camera
from provisioning.site.policy_items import camera_item
from provisioning.site.registrations import add_registered, find_registered
from provisioning.site.wiped import wiped_cameras
from terminal.fingerprints import fingerprint_words

app = typer.Typer(help="Register cameras with the site, and take them out.", no_args_is_help=True)


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
    words = fingerprint_words(b"".join(added.camera.public_keys))
    print_result(
        f"Camera {name} is in the policy, which must be signed now.\nThe words of all its keys, "
        f"which the policy's holders will see: {words}",
        json=json,
        camera=name,
        words=words,
    )


@app.command("add-registered")
def add_registered_camera(  # noqa: PLR0913  # Each is an option.
    folder: Folder,
    camera: Annotated[
        str, typer.Argument(help="The camera's id, its first digits, or its board's serial number.")
    ],
    place: Annotated[str, typer.Option(help="Where the camera hangs.")],
    grounds: Annotated[str, typer.Option(help="Why listed people are expected there.")],
    *,
    training: Annotated[
        bool, typer.Option("--training", help="Add a camera that was registered for training.")
    ] = False,
    json: Json = False,
) -> None:
    """Add a camera that an installer has registered to the policy; two holders then sign it."""
    site = open_site(folder)
    added = find_registered(site, camera, training=training)
    refuse_other_certificate(site, added)
    add_registered(site, added, place=place, grounds=grounds)
    name = added.identity.camera_id.hex()
    words = fingerprint_words(b"".join(added.identity.public_keys))
    print_result(
        f"Camera {name} is in the policy, which must be signed now.\nThe words of all its keys, "
        f"which the policy's holders will see, and which its label bears: {words}",
        json=json,
        camera=name,
        board=added.board.serial,
        words=words,
    )


@app.command()
def remove(
    folder: Folder,
    camera: Annotated[str, typer.Argument(help="The camera's id, or its first digits.")],
    *,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Take a camera out of the policy; two holders then sign the policy."""
    site = open_site(folder)
    agree_to_remove([camera_item(find_camera(site, camera))], yes=yes, json=json)
    gone = remove_camera(site, camera)
    name = gone.camera.camera_id.hex()
    shut_out = name in site.withdrawn_cameras() or gone.camera.camera_id in wiped_cameras(site)
    revoke = (
        "\nIf it has a certificate, shut it out of the broker: "
        f"tallylight broker revoke {folder} {name[:8]}"
    )
    print_result(
        f"Camera {name}, {gone.place}, is out of the policy, which must be signed now. Then build "
        f"and publish the list: the camera cannot open it.{'' if shut_out else revoke}",
        json=json,
        camera=name,
        place=gone.place,
        shut_out=shut_out,
    )
