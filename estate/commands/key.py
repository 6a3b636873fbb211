"""`tallylight-estate key`: the key pairs of reviewers, of the receipts, and of the books."""

import json
from pathlib import Path
from typing import Annotated

import typer

from estate.commands.office import AsJson
from estate.passphrase import PassphraseFile, ask
from formats.keyfile import INTERACTIVE, KeyRefused, Purpose, make_key, write_key


def make(
    purpose: Annotated[str, typer.Argument(help="reviewer, receipt or ledger")],
    file: Annotated[Path, typer.Argument(help="The new key file.")],
    holder: Annotated[str, typer.Option(help="Who holds it: an opaque name or an office.")],
    passphrase_file: PassphraseFile = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Make a reviewer's keys, or the key that signs this estate's receipts or its books."""
    if purpose not in {Purpose.REVIEWER, Purpose.RECEIPT, Purpose.LEDGER}:
        raise KeyRefused("A key is made for one of three purposes: reviewer, receipt or ledger.")
    files = {file: Purpose(purpose)}
    if purpose == Purpose.REVIEWER:  # Opening and signing are two purposes, and so two keys.
        files[file.with_suffix(".verdict.key")] = Purpose.VERDICT
    for each in files:
        if each.exists():
            raise KeyRefused(f"{each} is there already: a key is never overwritten.")
    passphrase = ask(passphrase_file, f"New passphrase of {holder}", confirm=True)
    made: dict[str, dict[str, str]] = {}
    for each, use in files.items():
        key = make_key(use, holder, passphrase, INTERACTIVE)
        write_key(each, key)
        public = each.with_suffix(".pub")
        public.write_text(key.public.hex() + "\n", encoding="ascii")
        made[use] = {"key": str(each), "public": str(public)}
        if not as_json:
            typer.echo(f"The {use} key of {holder} is in {each}; its public half is in {public}.")
    if as_json:
        typer.echo(json.dumps(made))
