"""`tallylight recipients`: name the reviewers who open match events, and the estate's keys."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from formats.keyfile import KeyRefused, Purpose
from formats.organisations import folded
from formats.public_keys import recipient_key, signing_key
from formats.recipients import REVIEWERS, Reviewer
from provisioning.commands.options import (
    Folder,
    Json,
    Yes,
    agree_to_remove,
    print_result,
    read_named_key,
)
from provisioning.site.folder import open_site
from provisioning.site.membership import find_reviewer
from provisioning.site.policy_items import estate_key_item, reviewer_item
from terminal import consent as screen
from terminal.differences import Item

app = typer.Typer(
    help="Name the reviewers who may open match events, and the estate's keys.",
    no_args_is_help=True,
)

PublicKeyFile = Annotated[Path, typer.Option("--key", help="File with a public key, *.pub.")]


@app.command()
def add(  # noqa: PLR0913  # Each is an option.
    folder: Folder,
    reviewer: Annotated[str, typer.Option(help="An opaque name, such as a staff number.")],
    organisation: Annotated[str, typer.Option(help="The reviewer's organisation.")],
    key: PublicKeyFile,
    *,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Add a reviewer with both keys, FILE.pub and FILE.verdict.pub; two holders then sign."""
    site = open_site(folder)
    keys = []
    for purpose in (Purpose.REVIEWER, Purpose.VERDICT):
        file = key if purpose is Purpose.REVIEWER else key.with_suffix(".verdict.pub")
        keys.append(read_named_key(file, purpose, site.policy.site))
        if keys[-1].said and folded(keys[-1].holder) != folded(reviewer):
            raise KeyRefused(
                f"{file} is the {purpose} key of {keys[-1].holder}: name this reviewer, or the "
                f"file of {reviewer}."
            )
    opening, verdict = (each.public for each in keys)
    added = Reviewer(reviewer, organisation, recipient_key(opening), signing_key(verdict))
    before = [reviewer_item(each) for each in site.reviewers() if each.name == reviewer]
    _agree(before, reviewer_item(added), yes=yes, json=json)
    site.add_reviewer(added)
    slot = added.key_id.hex()
    sentence = f"Reviewer {reviewer} has slot {slot}; the policy must be signed now."
    print_result(sentence, json=json, reviewer=reviewer, slot=slot)


@app.command()
def remove(
    folder: Folder,
    reviewer: Annotated[str, typer.Option(help="The reviewer's name, as it was added.")],
    *,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Take a reviewer out: new events are not sealed to them any more; two holders then sign."""
    site = open_site(folder)
    gone = find_reviewer(site, reviewer)
    agree_to_remove([reviewer_item(gone)], yes=yes, json=json)
    site.remove_reviewer(gone)
    left = len(site.reviewers())
    sentence = (
        f"Reviewer {gone.name} of {gone.organisation} is out of the draft; {left} stay. "
        + ("Add another one: two must stay." if left < REVIEWERS.start else "")
        + "\nThe policy must be signed now, and the list built and published."
    )
    print_result(sentence, json=json, reviewer=gone.name, left=left)


@app.command()
def receipt(folder: Folder, key: PublicKeyFile, *, yes: Yes = False, json: Json = False) -> None:
    """Set the estate's Ed25519 receipt key; two holders then sign the policy."""
    _set_estate_key(folder, Purpose.RECEIPT, key, yes=yes, json=json)


@app.command()
def ledger(folder: Folder, key: PublicKeyFile, *, yes: Yes = False, json: Json = False) -> None:
    """Set the Ed25519 key that signs the estate's books; two holders then sign the policy."""
    _set_estate_key(folder, Purpose.LEDGER, key, yes=yes, json=json)


def _set_estate_key(folder: Path, purpose: Purpose, key: Path, *, yes: bool, json: bool) -> None:
    site = open_site(folder)
    public = signing_key(read_named_key(key, purpose, site.policy.site).public)
    before = site.estate_key(purpose)
    replaced = [estate_key_item(purpose, bytes(before))] if before else []
    _agree(replaced, estate_key_item(purpose, bytes(public)), yes=yes, json=json)
    site.set_estate_key(purpose, public)
    sentence = f"The {purpose} key is set; the policy must be signed now."
    print_result(sentence, json=json, set=True)


def _agree(before: Sequence[Item], after: Item, *, yes: bool, json: bool) -> None:
    """Show a new key in words; ask if another one stands in its place."""
    if not before:
        screen.show(screen.described("Compare the words with the key's owner:", [after]), json=json)
        return
    shown = screen.compared(
        "Compare the words with the key's owner.", before, [after], since="the draft as it is"
    )
    screen.agree(shown, "Replace it?", yes=yes or before == [after], json=json)


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
