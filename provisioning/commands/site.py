"""`tallylight site`: agree on a plan, begin a site, let keys change hands."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from tuf.api.metadata import Root  # type: ignore[attr-defined]  # Re-exports.

from formats.keyfile import (
    INTERACTIVE,
    KeyFile,
    KeyRefused,
    OnToken,
    Purpose,
    read_key,
    relock,
    unlock_signing,
    write_key,
)
from formats.policy import site_name_is_plain
from formats.signer import Ed25519Signer
from formats.site_tuf import ROOT
from provisioning.commands.options import (
    Folder,
    Json,
    PassphraseFile,
    TokenLabel,
    Yes,
    make_key_file,
    new_passphrase,
    passphrase_of,
    say,
    signing,
    unlocked,
)
from provisioning.disk import write_whole
from provisioning.errors import PlanRefused
from provisioning.keys.words import words_of
from provisioning.site.ceremony import Making, hold_ceremony
from provisioning.site.folder import open_site
from provisioning.site.minutes import ceremony_record, whereabouts
from provisioning.site.plan import example, read_plan
from provisioning.site.rotation import begin_rotation, newest_root, open_rotation, sign_rotation

app = typer.Typer(help="Begin a site; let keys change hands.", no_args_is_help=True)

KeyPath = Annotated[Path, typer.Argument(help="A key file.")]
RootKey = Annotated[Path, typer.Option("--key", help="A key file named root-....")]


@app.command()
def plan(
    name: Annotated[str, typer.Option(help="Name of the site: letters, digits, hyphens.")],
    *,
    json: Json = False,
) -> None:
    """Print a plan to start from: put it into a file, agree on it, change it."""
    if not site_name_is_plain(name):
        raise PlanRefused("A site's name is 1 to 32 lower-case letters, digits and hyphens.")
    text = example(name, datetime.now(UTC).date())
    say(text.removesuffix("\n"), json=json, text=text)


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
    json: Json = False,
) -> None:
    """Make every key of a new site that nobody brings on a token, and its trusted root."""
    agreed, brought = read_plan(plan), [read_key(path) for path in bring]
    passphrase = new_passphrase(passphrase_file)

    def unlock(key: KeyFile) -> Ed25519Signer:
        if isinstance(key.rest, OnToken):
            return signing(key, pin_file)
        return unlock_signing(key, passphrase)

    makes = Making(passphrase, INTERACTIVE, brought, unlock)
    site = hold_ceremony(folder, agreed, makes, now=datetime.now(UTC))
    record = site.folder / "ceremony-1.txt"
    say(
        f"The site {agreed.site} is in {folder}.\n"
        f"Every camera's image carries {site.folder / 'root.json'}.\n"
        f"Print {record}, compare the words, sign it.\n"
        f"Give each file in {site.keys} to its holder, who sets a passphrase of their own "
        "(tallylight site passphrase), then remove it from this machine.",
        json=json,
        site=agreed.site,
        root=str(site.folder / "root.json"),
        record=str(record),
        keys=sorted(path.name for path in site.keys.iterdir()),
    )


@app.command()
def key(  # noqa: PLR0913  # The same.
    file: Annotated[Path, typer.Argument(help="New file for the key.")],
    purpose: Annotated[Purpose, typer.Option(help="What the key is for.")],
    holder: Annotated[str, typer.Option(help="Office or organisation that holds it.")],
    token: TokenLabel = None,
    passphrase_file: PassphraseFile = None,
    *,
    json: Json = False,
) -> None:
    """Make a key of your own, on your own machine; hand on only the file that ends with .pub."""
    _name(
        make_key_file(file, purpose, holder, token=token, passphrase_file=passphrase_file),
        json=json,
    )


@app.command()
def words(file: KeyPath, *, json: Json = False) -> None:
    """Show whose a key file is and its twelve words, to compare with the ceremony's record."""
    _name(read_key(file), json=json)


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
    locked = read_key(file)
    if isinstance(locked.rest, OnToken):
        raise KeyRefused(
            f"This key rests on the token {locked.rest.label!r}: change its PIN with its maker's "
            "program."
        )
    changed = relock(
        locked,
        passphrase_of(locked, passphrase_file),
        new_passphrase(new_passphrase_file),
        INTERACTIVE,
    )
    write_key(to, changed)
    say(
        f"{to} holds the key under its new passphrase; destroy {file} now.",
        json=json,
        file=str(to),
        destroy=str(file),
    )


@app.command()
def rotate(
    folder: Folder,
    old: Annotated[Path | None, typer.Option("--from", help="Key file that leaves.")] = None,
    new: Annotated[Path | None, typer.Option("--to", help="Key file that takes its place.")] = None,
    *,
    json: Json = False,
) -> None:
    """Begin a new root: one key in place of another, or, without keys, the same for a year more."""
    if (old is None) != (new is None):
        raise KeyRefused("Name the key that leaves with --from and the one that comes with --to.")
    site, now = open_site(folder), datetime.now(UTC)
    leaving, coming = (read_key(path) if path else None for path in (old, new))
    rotation = begin_rotation(site, leaving, coming, now)
    version, changed = rotation.root.signed.version, [one for one in (leaving, coming) if one]
    record = site.folder / f"ceremony-{version}.txt"
    title = f"Root {version} of the site {site.policy.site}"
    content = ceremony_record(title, changed[1:], rotation.root.signed_bytes, now)
    write_whole(record, content.encode())
    say(
        f"Root {version} waits for {ROOT.threshold} signatures: tallylight site sign. "
        f"Print {record}.",
        json=json,
        version=version,
        record=str(record),
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
    site = open_site(folder)
    signing = unlocked(key, Purpose.ROOT, passphrase_file)
    rotation = open_rotation(site)
    if not json:
        typer.echo("\n".join(_changes(newest_root(site).signed, rotation.root.signed)))
    if not yes:
        typer.confirm("Sign?", abort=True, err=True)
    rotation = sign_rotation(site, rotation, signing)
    version = rotation.root.signed.version
    say(
        f"Root {version} counts now: publish the list again, and cameras follow."
        if rotation.complete
        else f"Root {version} is signed by {rotation.signatures}; more holders must sign.",
        json=json,
        version=version,
        signatures=rotation.signatures,
        complete=rotation.complete,
    )


def _name(made: KeyFile, *, json: bool) -> None:
    found, rest = words_of(made.public), made.rest
    where = whereabouts(made)
    say(
        "\n    ".join([f"{made.holder}: {made.purpose}", found, *([where] if where else [])]),
        json=json,
        token=rest.label if isinstance(rest, OnToken) else None,
        holder=made.holder,
        public=made.public.hex(),
        purpose=str(made.purpose),
        words=found,
    )


def _changes(before: Root, after: Root) -> list[str]:
    """What a new root changes, in words."""
    lines = [
        f"Root {after.version} in place of root {before.version}, until {after.expires:%Y-%m-%d}."
    ]
    for role in before.roles:
        old, new = set(before.roles[role].keyids), set(after.roles[role].keyids)
        for sign_, names, keys in (("leaves", old - new, before), ("comes", new - old, after)):
            for name in sorted(names):
                public = bytes.fromhex(keys.keys[name].keyval["public"])
                lines.append(f"{role}: the key that {sign_} is: {words_of(public)}")
        if before.roles[role].threshold != after.roles[role].threshold:
            lines.append(f"{role}: {after.roles[role].threshold} must sign from now on")
    return lines if len(lines) > 1 else [*lines, "Nobody's role changes."]
