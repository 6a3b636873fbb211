"""`tallylight portrait`: seal an enrolment picture to the reviewers, so that they compare faces."""

from pathlib import Path
from typing import Annotated

import typer

from formats.keyfile import Purpose
from provisioning.commands.options import Folder, Json, PassphraseFile, print_result
from provisioning.disk import write_atomically
from provisioning.keys.passphrase import unlock_key_file
from provisioning.lists.portraits import read_handle, seal_for_reviewers
from provisioning.site.folder import open_site
from recognition.picture import read_picture

app = typer.Typer(help="Let the reviewers see an enrolment picture.", no_args_is_help=True)


@app.callback()
def portrait() -> None:
    """Seal an enrolment picture to the reviewers alone."""


@app.command()
def seal(  # noqa: PLR0913, PLR0917  # Each is an option.
    folder: Folder,
    handle: Annotated[str, typer.Argument(help="Handle of the entry, as list show prints it.")],
    picture: Annotated[Path, typer.Option(help="The picture; it is not kept.")],
    key: Annotated[Path, typer.Option(help="The organisation's list-seal key file.")],
    to: Annotated[Path, typer.Option(help="Folder `portraits` in the estate's books.")],
    passphrase_file: PassphraseFile = None,
    *,
    json: Json = False,
) -> None:
    """Seal the picture of one entry for the estate's reviewers; give them the file."""
    entry = read_handle(handle)
    sealer = unlock_key_file(key, Purpose.LIST_SEAL, passphrase_file)
    blob, reviewers = seal_for_reviewers(open_site(folder), entry, read_picture(picture), sealer)
    to.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = to / f"{handle}.sealed"
    write_atomically(file, blob)
    sentence = f"{reviewers} reviewers can see the picture in {file}."
    print_result(sentence, json=json, file=str(file))
