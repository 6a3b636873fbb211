"""`tallylight organisation`: let organisations supply lists, replace their keys, take them out."""

from pathlib import Path
from typing import Annotated

import typer

from formats.keyfile import KeyRefused, Purpose
from formats.organisations import organisation_key
from formats.policy import Supplier
from formats.public_keys import signing_key
from provisioning.commands.options import (
    Folder,
    Json,
    Yes,
    agree_to_remove,
    print_result,
    read_named_key,
)
from provisioning.lists.kept_entries import kept_entries
from provisioning.site.folder import open_site
from provisioning.site.membership import add_organisation, find_organisation, remove_organisation
from provisioning.site.policy_items import supplier_item
from terminal.fingerprints import fingerprint_words

app = typer.Typer(help="Name the organisations that supply lists.", no_args_is_help=True)

Name = Annotated[str, typer.Option(help="Name of the organisation.")]
SignKey = Annotated[Path, typer.Option(help="Public half of its list-sign key, *.pub.")]
SealKey = Annotated[Path, typer.Option(help="Public half of its list-seal key, *.pub.")]


@app.command()
def add(
    folder: Folder, name: Name, sign_key: SignKey, seal_key: SealKey, *, json: Json = False
) -> None:
    """Let an organisation supply lists, or replace its keys; two holders then sign the policy."""
    site, keys = open_site(folder), []
    for file, purpose in ((sign_key, Purpose.LIST_SIGN), (seal_key, Purpose.LIST_SEAL)):
        found = read_named_key(file, purpose, site.policy.site)
        if found.said and organisation_key(found.holder) != organisation_key(name):
            raise KeyRefused(
                f"{file} is the {purpose} key of {found.holder}: name this organisation, or the "
                f"file of {name}."
            )
        keys.append(signing_key(found.public))
    was_there = add_organisation(site, Supplier(name, *keys))
    signs, seals = (fingerprint_words(bytes(key)) for key in keys)
    print_result(
        f"{name} {'has other keys' if was_there else 'supplies lists'}; the policy must be signed "
        f"now.\nlist-sign: {signs}\nlist-seal: {seals}",
        json=json,
        organisation=name,
        replaced=was_there,
        sign_words=signs,
        seal_words=seals,
    )


@app.command()
def remove(folder: Folder, name: Name, *, yes: Yes = False, json: Json = False) -> None:
    """Take an organisation out of the policy; its entries must leave the list. Two then sign."""
    site = open_site(folder)
    agree_to_remove([supplier_item(find_organisation(site, name))], yes=yes, json=json)
    gone = remove_organisation(site, name).organisation
    entries = [
        kept.entry.handle.hex()
        for kept in kept_entries(site)
        if organisation_key(kept.entry.organisation) == organisation_key(gone)
    ]
    sentence = f"{gone} supplies no lists any more; the policy must be signed now."
    if entries:
        sentence += "\nBefore the next build, remove its entries: " + " ".join(entries)
    print_result(sentence, json=json, organisation=gone, entries=list(entries))
