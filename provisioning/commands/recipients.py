"""`tallylight recipients`: name the reviewers who open match events, and the estate's keys."""

from pathlib import Path
from typing import Annotated

import typer

from formats.keyfile import read_public_key
from formats.public_keys import recipient_key, signing_key
from formats.recipients import REVIEWERS, Reviewer
from provisioning.commands.options import Folder, Json, print_result
from provisioning.site.folder import open_site
from provisioning.site.membership import remove_reviewer

app = typer.Typer(
    help="Name the reviewers who may open match events, and the estate's keys.",
    no_args_is_help=True,
)

PublicKeyFile = Annotated[
    Path, typer.Option("--key", help="File with a public key: 64 hexadecimal digits.")
]


@app.command()
def add(
    folder: Folder,
    reviewer: Annotated[str, typer.Option(help="An opaque name, such as a staff number.")],
    organisation: Annotated[str, typer.Option(help="The reviewer's organisation.")],
    key: PublicKeyFile,
    *,
    json: Json = False,
) -> None:
    """Add a reviewer with both keys, FILE.pub and FILE.verdict.pub; two holders then sign."""
    seal_key = recipient_key(read_public_key(key))
    verdict_key = signing_key(read_public_key(key.with_suffix(".verdict.pub")))
    added = Reviewer(reviewer, organisation, seal_key, verdict_key)
    open_site(folder).add_reviewer(added)
    slot = added.key_id.hex()
    sentence = f"Reviewer {reviewer} has slot {slot}; the policy must be signed now."
    print_result(sentence, json=json, reviewer=reviewer, slot=slot)


@app.command()
def remove(
    folder: Folder,
    reviewer: Annotated[str, typer.Option(help="The reviewer's name, as it was added.")],
    *,
    json: Json = False,
) -> None:
    """Take a reviewer out: new events are not sealed to them any more; two holders then sign."""
    site = open_site(folder)
    gone = remove_reviewer(site, reviewer)
    left = len(site.reviewers())
    sentence = (
        f"Reviewer {gone.name} of {gone.organisation} is out of the draft; {left} stay. "
        + ("Add another one: two must stay." if left < REVIEWERS.start else "")
        + "\nThe policy must be signed now, and the list built and published."
    )
    print_result(sentence, json=json, reviewer=gone.name, left=left)


@app.command()
def receipt(folder: Folder, key: PublicKeyFile, *, json: Json = False) -> None:
    """Set the estate's Ed25519 receipt key; two holders then sign the policy."""
    open_site(folder).set_receipt_key(signing_key(read_public_key(key)))
    print_result("The receipt key is set; the policy must be signed now.", json=json, set=True)


@app.command()
def ledger(folder: Folder, key: PublicKeyFile, *, json: Json = False) -> None:
    """Set the Ed25519 key that signs the estate's books; two holders then sign the policy."""
    open_site(folder).set_ledger_key(signing_key(read_public_key(key)))
    print_result("The ledger key is set; the policy must be signed now.", json=json, set=True)


@app.command("deciding")
def set_deciders(
    folder: Folder,
    *,
    apart: Annotated[
        bool,
        typer.Option(
            "--two-organisations/--any-two", help="Must they work for different organisations?"
        ),
    ],
    json: Json = False,
) -> None:
    """Set which two reviewers may decide on an event; two holders then sign the policy."""
    open_site(folder).set_two_organisations(apart=apart)
    who = "of two different organisations" if apart else "of any organisation"
    sentence = f"Two people {who} decide; the policy must be signed now."
    print_result(sentence, json=json, two_organisations=apart)
