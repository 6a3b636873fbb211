"""`tallylight-estate key`: make key pairs for reviewers, for receipts, and for the ledger."""

import json
from pathlib import Path
from typing import Annotated

import typer

from estate.commands.options import AsJson
from estate.passphrase import PassphraseFile, ask
from formats.keyfile import INTERACTIVE, KeyRefused, Purpose, make_key, write_key
from formats.public_key_file import refuse_strange_site, write_public_key
from terminal.fingerprints import fingerprint_words


def make_keys(  # noqa: PLR0913  # Each is an option.
    purpose: Annotated[str, typer.Argument(help="reviewer, receipt or ledger")],
    file: Annotated[Path, typer.Argument(help="The new key file.")],
    holder: Annotated[str, typer.Option(help="Its holder: an opaque name or an office.")],
    site: Annotated[str, typer.Option("--site", help="The site that it is for.")] = "",
    passphrase_file: PassphraseFile = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Make a reviewer's two keys, or the key that signs this estate's receipts or its ledger."""
    if purpose not in {Purpose.REVIEWER, Purpose.RECEIPT, Purpose.LEDGER}:
        raise KeyRefused("Name one of three purposes for the key: reviewer, receipt or ledger.")
    if not file.name:
        raise KeyRefused("Name a file for the new key.")
    refuse_strange_site(site)
    files = {file: Purpose(purpose)}
    if purpose == Purpose.REVIEWER:  # Opening events and signing verdicts need one key each.
        files[file.with_suffix(".verdict.key")] = Purpose.VERDICT
    for each in (path for file in files for path in (file, file.with_suffix(".pub"))):
        if each.exists():
            raise KeyRefused(
                f"{each} exists already, and a key is never overwritten: name another file."
            )
    if not file.parent.is_dir():
        raise KeyRefused(f"There is no folder {file.parent} for {file.name}: make it first.")
    passphrase = ask(passphrase_file, f"New passphrase of {holder}", confirm=True)
    made: dict[str, dict[str, str]] = {}
    for each, use in files.items():
        key = make_key(use, holder, passphrase, INTERACTIVE)
        write_key(each, key)
        public = each.with_suffix(".pub")
        write_public_key(public, key, site)
        words = fingerprint_words(key.public)
        made[use] = {"key": str(each), "public": str(public), "words": words}
        if not as_json:
            typer.echo(
                f"The {use} key of {holder} is in {each}; its public half is in {public}.\n"
                f"Its words, which the list authority will ask you for: {words}"
            )
    if as_json:
        typer.echo(json.dumps(made))
