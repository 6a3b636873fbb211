"""`tallylight portrait`: let the reviewers compare a face with a face."""

from pathlib import Path
from typing import Annotated

import typer

from formats.envelope_header import ID_BYTES
from formats.keyfile import Purpose
from provisioning.commands.options import Folder, Json, PassphraseFile, say, unlocked
from provisioning.disk import write_whole
from provisioning.lists.portraits import sealed_portrait
from provisioning.site.folder import open_site
from recognition.picture import read_picture

app = typer.Typer(help="Let the reviewers see an enrolment picture.", no_args_is_help=True)


@app.callback()
def portrait() -> None:
    """Seal an enrolment picture to the reviewers and nobody else."""


@app.command()
def seal(  # noqa: PLR0913, PLR0917  # Each says one thing that must be said.
    folder: Folder,
    handle: Annotated[str, typer.Argument(help="The entry's, as list show prints it.")],
    picture: Annotated[Path, typer.Option(help="The picture; it is not kept.")],
    key: Annotated[Path, typer.Option(help="The organisation's list-seal key file.")],
    to: Annotated[Path, typer.Option(help="Folder `portraits` in the estate's books.")],
    passphrase_file: PassphraseFile = None,
    *,
    json: Json = False,
) -> None:
    """Seal the picture of one entry for the estate's reviewers; give them the file."""
    named = bytes.fromhex(handle) if len(handle) == 2 * ID_BYTES else b""
    sealer = unlocked(key, Purpose.LIST_SEAL, passphrase_file)
    blob, reviewers = sealed_portrait(open_site(folder), named, read_picture(picture), sealer)
    to.mkdir(parents=True, exist_ok=True)
    file = to / f"{handle}.sealed"
    write_whole(file, blob)
    say(f"{reviewers} reviewers can see the picture in {file}.", json=json, file=str(file))
