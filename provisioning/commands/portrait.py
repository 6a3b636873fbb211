"""`tallylight portrait`: let the reviewers compare a face with a face."""

from io import BytesIO
from pathlib import Path
from typing import Annotated, Final

import typer
from PIL import Image, ImageOps, UnidentifiedImageError

from formats.header import ID_BYTES
from formats.keyfile import Purpose
from formats.portrait import PICTURE_LIMIT, seal_portrait
from provisioning.commands.options import Folder, Json, PassphraseFile, say, unlocked
from provisioning.disk import write_whole
from provisioning.errors import EntryRefused
from provisioning.site import open_site

app = typer.Typer(help="Let the reviewers see an enrolment picture.", no_args_is_help=True)
SIDE_PX: Final = 640
"""Longest side: more than any camera's crop shows."""
QUALITIES: Final = (90, 80, 65, 50)


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
    reviewers = [each.key for each in open_site(folder).recipients(1).reviewers]
    sealer = unlocked(key, Purpose.LIST_SEAL, passphrase_file)
    sealed = seal_portrait(_jpeg(picture), named, sealer=sealer, reviewers=reviewers)
    to.mkdir(parents=True, exist_ok=True)
    file = to / f"{handle}.sealed"
    write_whole(file, sealed.blob)
    say(f"{len(reviewers)} reviewers can see the picture in {file}.", json=json, file=str(file))


def _jpeg(path: Path) -> bytes:
    """The picture without anything but its pixels, small enough for its envelope."""
    try:
        with Image.open(path) as opened:
            picture = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, UnidentifiedImageError) as error:
        raise EntryRefused(f"{path} cannot be read as a picture.") from error
    picture.thumbnail((SIDE_PX, SIDE_PX))
    for quality in QUALITIES:
        written = BytesIO()
        picture.save(written, "JPEG", quality=quality)
        if len(written.getvalue()) <= PICTURE_LIMIT:
            return written.getvalue()
    raise EntryRefused(f"{path} cannot be made small enough: cut it to the face.")
