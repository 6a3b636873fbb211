"""`tallylight recipients`: say who may open match events and whose receipts count."""

from pathlib import Path
from typing import Annotated

import typer
from nacl.signing import VerifyKey

from formats.envelope import recipient_key
from formats.keyfile import read_public_key
from formats.recipients import Reviewer
from provisioning.commands.options import Folder, Json, say
from provisioning.site import open_site

app = typer.Typer(help="Say who may open match events.", no_args_is_help=True)

PublicKeyFile = Annotated[
    Path, typer.Option("--key", help="File with a public key: 64 hexadecimal digits.")
]


@app.command()
def add(
    folder: Folder,
    reviewer: Annotated[str, typer.Option(help="An opaque name, such as a staff number.")],
    organisation: Annotated[str, typer.Option(help="Whom the reviewer works for.")],
    key: PublicKeyFile,
    *,
    json: Json = False,
) -> None:
    """Add a reviewer and their X25519 key; two holders then sign the policy."""
    added = Reviewer(reviewer, organisation, recipient_key(read_public_key(key)))
    open_site(folder).add_reviewer(added)
    slot = added.key_id.hex()
    sentence = f"Reviewer {reviewer} has slot {slot}; the policy must be signed now."
    say(sentence, json=json, reviewer=reviewer, slot=slot)


@app.command()
def receipt(folder: Folder, key: PublicKeyFile, *, json: Json = False) -> None:
    """Set the estate's Ed25519 receipt key; two holders then sign the policy."""
    open_site(folder).set_receipt_key(VerifyKey(read_public_key(key)))
    say("The receipt key is set; the policy must be signed now.", json=json, set=True)
