"""`tallylight site`: print a plan, hold the key ceremony, make and rotate keys, sign a new root."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from tuf.api.metadata import Root  # type: ignore[attr-defined]  # A re-export.

from formats.keyfile import INTERACTIVE, KeyFile, KeyRefused, OnToken, Purpose, read_key
from formats.public_key_file import PublicKeyFile, read_public_key
from formats.public_keys import signing_key
from formats.site_tuf import ROOT
from provisioning.commands.options import (
    Folder,
    Json,
    PassphraseFile,
    SiteName,
    TokenLabel,
    Yes,
    print_result,
)
from provisioning.keys.passphrase import (
    ask_new_passphrase,
    change_passphrase,
    make_key_file,
    refuse_other_purpose,
    unlock_key,
)
from provisioning.site.ceremony import CeremonyKey, KeySource, hold_ceremony
from provisioning.site.folder import Site, open_site
from provisioning.site.minutes import root_sentence, token_note
from provisioning.site.plan import example_plan, read_plan
from provisioning.site.root_items import root_items
from provisioning.site.rotation import (
    Rotation,
    begin_rotation,
    find_root_key,
    make_rotation,
    newest_root,
    open_rotation,
    refuse_other_holder,
    sign_rotation,
)
from terminal import consent as screen
from terminal.differences import Item, Line
from terminal.fingerprints import fingerprint_text, fingerprint_words

app = typer.Typer(help="Begin a site; make and replace its keys.", no_args_is_help=True)

KeyPath = Annotated[Path, typer.Argument(help="A key file.")]
RootKey = Annotated[Path, typer.Option("--key", help="A key file named root-....")]


@app.command()
def plan(
    name: Annotated[str, typer.Option(help="Name of the site: letters, digits, hyphens.")],
    *,
    json: Json = False,
) -> None:
    """Print a plan to start from: put it into a file, agree on it, change it."""
    text = example_plan(name, datetime.now(UTC).date())
    print_result(text.removesuffix("\n"), json=json, text=text)


@app.command()
def init(  # noqa: PLR0913  # Each is an option.
    folder: Folder,
    plan: Annotated[Path, typer.Option(help="The plan that was agreed on.")],
    bring: Annotated[
        list[Path],
        typer.Option(help="Key file of a token, from tallylight site key --token; repeat it."),
    ] = [],  # noqa: B006  # Typer reads it and copies it.
    passphrase_file: PassphraseFile = None,
    pin_file: PassphraseFile = None,
    *,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Make a new site: its keys, except those brought on a token, and its trusted root."""
    agreed, brought = read_plan(plan), [read_key(path) for path in bring]
    source = KeySource(
        partial(ask_new_passphrase, passphrase_file),
        INTERACTIVE,
        brought,
        lambda key: unlock_key(key, pin_file),
    )

    def agree(keys: Sequence[CeremonyKey], root: Root) -> None:
        asked = f"Three holders are asked to sign the first root of {agreed.site}."
        shown = screen.described(asked, [*map(_key_item, keys), *root_items(root)])
        screen.agree(shown, "Sign this root, and make the site?", yes=yes, json=json)

    site = hold_ceremony(folder, agreed, source, now=datetime.now(UTC), agree=agree)
    root, minutes = site.folder / "root.json", site.minutes(1)
    print_result(
        f"The site {agreed.site} is in {folder}.\n"
        f"Every camera's image carries {root}.\n"
        f"Print {minutes}, compare the words, sign it.\n"
        f"Give each file in {site.keys} to its holder, who sets a passphrase of their own "
        "(tallylight site passphrase), then remove it from this machine.",
        json=json,
        site=agreed.site,
        root=str(root),
        record=str(minutes),  # Scripts read this name.
        keys=sorted(path.name for path in site.keys.iterdir()),
    )


@app.command()
def key(  # noqa: PLR0913, PLR0917  # The same.
    file: Annotated[Path, typer.Argument(help="New file for the key.")],
    purpose: Annotated[Purpose, typer.Option(help="What the key is for.")],
    holder: Annotated[str, typer.Option(help="Office or organisation that holds it.")],
    token: TokenLabel = None,
    site: SiteName = "",
    passphrase_file: PassphraseFile = None,
    *,
    json: Json = False,
) -> None:
    """Make a key of your own, on your own machine; hand on only the file that ends with .pub."""
    made = make_key_file(
        file, purpose, holder, token=token, passphrase_file=passphrase_file, site=site
    )
    _print_key(made, json=json)


@app.command()
def words(file: KeyPath, *, json: Json = False) -> None:
    """Show a key file's holder and twelve words, to compare with the ceremony's minutes."""
    _print_key(read_key(file), json=json)


@app.command()
def passphrase(
    file: KeyPath,
    to: Annotated[Path, typer.Option(help="New file for the same key.")],
    passphrase_file: PassphraseFile = None,
    new_passphrase_file: PassphraseFile = None,
    *,
    json: Json = False,
) -> None:
    """Write the same key under a passphrase of your own; then destroy the old file."""
    change_passphrase(
        file, to, passphrase_file=passphrase_file, new_passphrase_file=new_passphrase_file
    )
    print_result(
        f"{to} holds the key under its new passphrase; destroy {file} now.",
        json=json,
        file=str(to),
        destroy=str(file),
    )


@app.command()
def rotate(  # noqa: PLR0913  # Each is an option.
    folder: Folder,
    old: Annotated[Path | None, typer.Option("--from", help="Key file that leaves.")] = None,
    new: Annotated[
        Path | None, typer.Option("--to", help="The new key's .pub, or its file.")
    ] = None,
    lost: Annotated[
        str, typer.Option(help="Twelve words of the key that leaves, if its file is lost.")
    ] = "",
    *,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Begin a new root: replace one key by another, or, without keys, renew it for a year."""
    site, now = open_site(folder), datetime.now(UTC)
    if lost and old:
        raise KeyRefused("Name the key that leaves with --from or with --lost, not with both.")
    named = read_key(old) if old else None
    leaving = find_root_key(site, lost) if lost else named
    purpose = leaving.purpose if leaving else Purpose.ROOT
    coming = _read_coming(new, purpose, site.policy.site) if new else None
    rotation = make_rotation(site, leaving, coming, now)
    waiting = "A root waits for signatures already; this one takes its place. "
    asked = waiting * site.rotation.exists() + f"Root {rotation.version} of {site.policy.site}."
    screen.agree(_compared(asked, site, rotation), "Begin this root?", yes=yes, json=json)
    begin_rotation(site, rotation, coming, now)
    minutes = site.minutes(rotation.version)
    print_result(
        f"Root {rotation.version} waits for {ROOT.threshold} signatures: tallylight site sign. "
        f"Print {minutes}.",
        json=json,
        version=rotation.version,
        record=str(minutes),  # Scripts read this name.
    )


@app.command()
def sign(
    folder: Folder,
    key: RootKey,
    passphrase_file: PassphraseFile = None,
    *,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Read what changes in the root, then add your signature."""
    site, locked = open_site(folder), read_key(key)
    refuse_other_purpose(locked, Purpose.ROOT)
    rotation = open_rotation(site)
    refuse_other_holder(site, rotation, signing_key(locked.public))
    asked = (
        f"{locked.holder} is asked to sign root {rotation.version} of {site.policy.site}. "
        f"{root_sentence(site.root)}"
    )
    screen.agree(_compared(asked, site, rotation), "Sign this root?", yes=yes, json=json)
    rotation = sign_rotation(site, rotation, unlock_key(locked, passphrase_file))
    print_result(
        f"Root {rotation.version} counts now: publish the list again, and cameras follow."
        if rotation.complete
        else f"Root {rotation.version} is signed by {rotation.signatures}; more holders must sign.",
        json=json,
        version=rotation.version,
        signatures=rotation.signatures,
        complete=rotation.complete,
    )


def _compared(asked: str, site: Site, rotation: Rotation) -> list[Line]:
    """Return all that the next root holds, compared with the one that counts."""
    before, after = newest_root(site).signed, rotation.root.signed
    since = f"root {before.version}, which is in force"
    return screen.compared(asked, root_items(before), root_items(after), since=since)


def _key_item(key: CeremonyKey) -> Item:
    """Return a new key by its holder, so that its words can be compared later."""
    return Item(f"{key.holder}: {key.purpose}", {"its words": fingerprint_text(key.public)})


def _read_coming(path: Path, purpose: Purpose, site: str) -> KeyFile | PublicKeyFile:
    """Return a key that comes: from the public file that its holder hands on, or from its own."""
    if path.suffix != ".pub":
        return read_key(path)
    found = read_public_key(path, purpose, site)
    if not found.said:
        raise KeyRefused(f"{path} does not say whose key it is: let its holder make a new one.")
    return found


def _print_key(key: KeyFile, *, json: bool) -> None:
    words, note = fingerprint_words(key.public), token_note(key)
    print_result(
        "\n    ".join([f"{key.holder}: {key.purpose}", words, *([note] if note else [])]),
        json=json,
        token=key.rest.label if isinstance(key.rest, OnToken) else None,
        holder=key.holder,
        public=key.public.hex(),
        purpose=str(key.purpose),
        words=words,
    )
