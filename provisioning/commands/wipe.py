"""`tallylight wipe`: wipe a camera's card, revoke its certificate, sign what was destroyed."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from formats.keyfile import Purpose, read_key
from formats.public_keys import signing_key
from formats.registration_record import Registration
from formats.wipe_certificate import WipeCertificate, write_wipe_certificate
from provisioning.broker.configuration import client_files, revoke_client
from provisioning.commands.cards import card_table, confirm_names
from provisioning.commands.options import Folder, Json, PassphraseFile, print_result
from provisioning.disk import write_atomically
from provisioning.errors import CameraRefused
from provisioning.flash.block_devices import Target, choose, read_disks
from provisioning.flash.wipe import Partition, data_partition, wipe_card
from provisioning.keys.passphrase import refuse_other_purpose, unlock_key
from provisioning.papers.wiped import draw_wipe, wipe_items
from provisioning.site.folder import Site, open_site
from provisioning.site.registrations import believed
from provisioning.site.wiped import wipe_path
from terminal import consent as screen
from terminal.tables import print_table

app = typer.Typer(add_completion=False)
READ_BY_ALL = 0o644
_BEGINNING = 4
"""Fewest digits of a camera's id that name it."""
_CARD_LIMIT = 128


@app.command()
def wipe(  # noqa: PLR0913  # Typer's options.
    folder: Folder,
    camera: Annotated[str, typer.Argument(help="The camera's id, or its first digits.")],
    device: Annotated[str, typer.Argument(help="Its card in a reader, such as /dev/sdb.")],
    key: Annotated[Path, typer.Option(help="The installer's key file.")],
    passphrase_file: PassphraseFile = None,
    *,
    not_removable: Annotated[list[str] | None, typer.Option(help="As of tallylight flash.")] = None,
    confirm: Annotated[
        str | None, typer.Option(help="What you would type to confirm, for scripts.")
    ] = None,
    json: Json = False,
) -> None:
    """Overwrite a camera's card, read it back, revoke the camera, and sign what was destroyed.

    The card does not boot afterwards. The signed certificate and a page to print are in the
    site's folder.
    """
    site, locked = open_site(folder), read_key(key)
    refuse_other_purpose(locked, Purpose.INSTALLER)
    registration = _registered(site, camera)
    (target,) = choose([device], read_disks(), not_removable=not_removable or [])
    part = data_partition(target)
    certificate = WipeCertificate(
        site=site.policy.site,
        camera=registration.identity.camera_id,
        serial=registration.board.serial,
        card=f"{target.model} {target.serial}".strip()[:_CARD_LIMIT] or "unnamed",
        wiped_bytes=part.size,
        wiped_utc_s=int(datetime.now(UTC).timestamp()),
        installer=signing_key(locked.public),
    )
    screen.show(screen.described("You sign, once it is done:", wipe_items(certificate)), json=json)
    print_table(card_table([target]), stderr=True)
    confirm_names([target], confirm)
    signer = unlock_key(locked, passphrase_file)  # Before anything is destroyed.
    broker = unlock_key(site.key(Purpose.BROKER), passphrase_file)
    _overwrite(target, part)
    done = replace(certificate, wiped_utc_s=int(datetime.now(UTC).timestamp()))
    name = certificate.camera.hex()
    to = wipe_path(site, certificate.camera)
    to.parent.mkdir(mode=0o755, exist_ok=True)
    write_atomically(to, write_wipe_certificate(done, signer), mode=READ_BY_ALL)
    write_atomically(to.with_suffix(".pdf"), draw_wipe(done), mode=READ_BY_ALL)
    revoked = client_files(site, name)[0].is_file()
    if revoked:
        revoke_client(site, broker, name, datetime.now(UTC))
    print_result(
        f"The card is wiped, and read back. The certificate is in {to}\n"
        + ("The camera's certificate is revoked. " if revoked else "It had no certificate here. ")
        + "Install the broker's files again, then take the camera out of the policy: "
        f"tallylight camera remove {folder} {name[:8]}",
        json=json,
        camera=name,
        certificate=str(to),
        wiped_bytes=part.size,
        revoked=revoked,
    )


def _registered(site: Site, beginning: str) -> Registration:
    found = {
        one.identity.camera_id.hex(): one
        for one in believed(site)
        if one.identity.camera_id.hex().startswith(beginning.lower())
    }
    if len(beginning) < _BEGINNING or len(found) != 1:
        raise CameraRefused(
            f"{len(found)} registered cameras have an id that begins with {beginning!r}: "
            "tallylight register list shows them all."
        )
    return next(iter(found.values()))


def _overwrite(target: Target, part: Partition) -> None:
    with Progress(console=Console(stderr=True, markup=False), transient=True) as bar:
        tasks = {
            phase: bar.add_task(phase, total=part.size) for phase in ("overwriting", "reading back")
        }
        wipe_card(target, part, lambda phase, done: bar.update(tasks[phase], completed=done))
