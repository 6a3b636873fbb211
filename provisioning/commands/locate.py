"""`tallylight locate`: let a registered camera blink, so that a person sees which one it is."""

from typing import Annotated

import typer

from provisioning.commands.options import (
    InstallersKey,
    Json,
    Link,
    PassphraseFile,
    print_result,
    unlocked_installer,
)
from provisioning.errors import CameraRefused
from provisioning.inspection.service_cable import ServiceCable

app = typer.Typer(add_completion=False)


@app.command()
def locate(
    camera: Annotated[str, typer.Argument(help="First 8 digits of the camera's number.")],
    key: InstallersKey = None,
    passphrase_file: PassphraseFile = None,
    *,
    link: Link = None,
    json: Json = False,
) -> None:
    """Let a camera blink over its USB cable: two blinks every two seconds, for 20 seconds."""
    if key is None:
        raise CameraRefused("Name the key of the installer who registered this camera: --key FILE.")
    ServiceCable(camera, unlocked_installer(key, passphrase_file), link or ()).locate()
    print_result(
        f"Camera {camera} blinks twice every two seconds, for 20 seconds. It compares no face "
        "meanwhile, and looks again by itself within two minutes.",
        json=json,
        camera=camera,
    )
