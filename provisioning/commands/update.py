"""`tallylight update`: build, sign and offer a new version for cameras; show what is offered."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from formats.firmware_offer import FirmwareOffer
from formats.strict_json import JsonValue
from provisioning.commands.options import Folder, Json, Yes, print_result
from provisioning.site.folder import open_site
from provisioning.update.bundle import (
    build_content,
    read_certificate,
    read_content,
    sign_bundle,
    verify_bundle,
)
from provisioning.update.offer import give_bundle, offer_bundle, offers_in_force
from terminal import consent as screen
from terminal.tables import print_table

app = typer.Typer(help="Build, sign and offer a new version for cameras.", no_args_is_help=True)

Trust = Annotated[
    Path | None,
    typer.Option(help="PEM: the maker's certificate authority; without it, maker.pem of the site."),
]


@app.command()
def build(
    image: Annotated[Path, typer.Argument(help="Folder of an image: build/image/BOARD.")],
    content: Annotated[Path, typer.Argument(help="The new folder, to be signed.")],
    *,
    json: Json = False,
) -> None:
    """Copy what a bundle needs from an image: both partitions of a slot, and a manifest."""
    built = build_content(image, content)
    print_result(
        f"{content} holds version {built.version} for {built.board} cameras: tallylight update "
        "sign.",
        json=json,
        board=built.board,
        version=str(built.version),
    )


@app.command()
def sign(  # noqa: PLR0913  # Each is an option.
    content: Annotated[Path, typer.Argument(help="Folder of tallylight update build.")],
    bundle: Annotated[Path, typer.Argument(help="The new bundle.")],
    certificate: Annotated[Path, typer.Option(help="PEM: the maker's, for code signing.")],
    key: Annotated[str, typer.Option(help="Its key: a PEM file, or a pkcs11: URI.")],
    *,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """See board, version and digests, then sign the bundle as the cameras' maker."""
    found = read_content(content)
    items = found.items(read_certificate(certificate))
    shown = screen.described("The maker is asked to vouch for this version.", items)
    screen.agree(shown, "Sign this bundle?", yes=yes, json=json)
    sign_bundle(content, certificate, key, bundle)
    print_result(
        f"{bundle} is version {found.version} for {found.board} cameras.",
        json=json,
        board=found.board,
        version=str(found.version),
    )


@app.command()
def offer(
    folder: Folder,
    bundle: Annotated[Path, typer.Argument(help="The signed bundle.")],
    trust: Trust = None,
    to: Annotated[Path | None, typer.Option(help="Copy the bundle into this folder.")] = None,
    *,
    json: Json = False,
) -> None:
    """Put a signed bundle into the draft of the policy; holders sign it, cameras install it."""
    site = open_site(folder)
    offered = verify_bundle(bundle, trust or site.folder / "maker.pem")
    offer_bundle(site, offered)
    copy = give_bundle(bundle, offered, to) if to else None
    sentence = (
        f"Version {offered.version} for {offered.board} cameras is in the draft: tallylight policy "
        "sign, then build, sign and publish the list."
    )
    copied = str(copy) if copy else None
    print_result(sentence, json=json, copy=copied, **_fields(offered))


@app.command()
def status(folder: Folder, *, json: Json = False) -> None:
    """Show which version each kind of board is offered: in force, and in the draft."""
    site = open_site(folder)
    in_force, draft = offers_in_force(site), site.policy.firmware
    if json:
        rows: dict[str, list[JsonValue]] = {
            name: [dict(_fields(each)) for each in offers]
            for name, offers in (("draft", draft), ("in_force", in_force))
        }
        print_result("", json=True, **rows)
        return
    if not (in_force or draft):
        typer.echo("No version is offered: tallylight update offer.")
        return
    table = Table("Cameras", "Version", "Bundle", "Counts")
    for each in sorted({*in_force, *draft}, key=lambda one: (one.board, one.version)):
        counts = "yes" if each in in_force else "after two holders have signed, and a new list"
        gone = "" if each in draft else "; the draft takes it back"
        table.add_row(each.board, str(each.version), each.digest.hex()[:16], counts + gone)
    print_table(table)


def _fields(offered: FirmwareOffer) -> dict[str, JsonValue]:
    return {
        "board": offered.board,
        "digest": offered.digest.hex(),
        "size": offered.size,
        "version": str(offered.version),
    }
