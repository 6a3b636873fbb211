"""`tallylight portrait`: seal an enrolment picture to the reviewers, so that they compare faces."""

from pathlib import Path
from typing import Annotated

import typer

from formats.counts import counted
from formats.keyfile import Purpose, read_key
from formats.public_keys import signing_key
from provisioning.commands.options import Folder, Json, PassphraseFile, Yes, print_result
from provisioning.disk import write_atomically
from provisioning.keys.passphrase import refuse_other_purpose, unlock_key
from provisioning.lists.kept_entries import kept_entries
from provisioning.lists.list_items import entry_item
from provisioning.lists.portraits import portrait_reviewers, read_handle, seal_for_reviewers
from provisioning.site.folder import open_site
from provisioning.site.policy_items import reviewer_item
from recognition.picture import read_picture
from terminal import consent as screen
from terminal.differences import Item

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
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Read who will see it, then seal the picture of one entry; give the file to the estate."""
    entry, pixels, locked = read_handle(handle), read_picture(picture), read_key(key)
    refuse_other_purpose(locked, Purpose.LIST_SEAL)
    site = open_site(folder)
    reviewers = portrait_reviewers(site, signing_key(locked.public))
    file = to / f"{handle}.sealed"
    asked = f"{locked.holder} is asked to seal a picture to these reviewers."
    people = [entry_item(each.entry) for each in kept_entries(site) if each.entry.handle == entry]
    items = [Item("Picture", {"file": str(picture), "entry": handle}), *people]
    shown = screen.described(asked, [*items, *map(reviewer_item, reviewers)])
    screen.agree(shown, "Seal the picture to them?", yes=yes, json=json)
    blob = seal_for_reviewers(reviewers, entry, pixels, unlock_key(locked, passphrase_file))
    to.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomically(file, blob)
    sentence = f"{counted(len(reviewers), 'reviewer')} can see the picture in {file}."
    print_result(sentence, json=json, file=str(file))
