"""`tallylight desk`: replace a lost key of the list authority's desk."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from formats.keyfile import KeyRefused, Purpose
from provisioning.commands.options import Folder, Json, PassphraseFile, Yes, print_result
from provisioning.lists.desk_keys import lost_entries, replace_desk_key
from provisioning.lists.entry_text import describe_entry
from provisioning.site.folder import open_site
from terminal.fingerprints import fingerprint_words

app = typer.Typer(help="Replace a lost key of the desk.", no_args_is_help=True)


@app.callback()
def desk() -> None:
    """Replace a lost key of the desk."""


@app.command("replace-key")
def replace_key(
    folder: Folder,
    purpose: Annotated[Purpose, typer.Option(metavar="desk|broker", help="Which key was lost.")],
    passphrase_file: PassphraseFile = None,
    *,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Replace a lost key of the desk: see what is lost with it, then make a new one."""
    site = open_site(folder)
    if purpose not in {Purpose.DESK, Purpose.BROKER}:
        raise KeyRefused(
            f"A {purpose} key is replaced with tallylight site rotate or organisation add."
        )
    lost = lost_entries(site, purpose)
    if lost and not json:
        typer.echo("These entries cannot be opened any more. Add each again, from a picture:\n")
        typer.echo("\n\n".join(map(describe_entry, lost)))
    if purpose is Purpose.BROKER and not json:
        typer.echo("Every certificate of the broker and its clients is lost, and is issued anew.")
    if not yes:
        typer.confirm("Make a new key?", abort=True, err=True)
    made = replace_desk_key(site, purpose, passphrase_file=passphrase_file, now=datetime.now(UTC))
    words = fingerprint_words(made.public)
    then = "Next: add each person again, then tallylight list build, sign and publish."
    if purpose is Purpose.BROKER:
        then = "Next: tallylight broker config; the broker and all its clients get new files."
    print_result(
        f"The {purpose} key is new: {words}\nThe old file ends with .old; destroy it.\n{then}",
        json=json,
        purpose=str(purpose),
        words=words,
        lost=[entry.handle.hex() for entry in lost],
    )
