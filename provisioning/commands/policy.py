"""`tallylight policy`: show, edit, check and sign the site's policy."""

import os
import shlex
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from formats.keyfile import Purpose, read_key
from formats.policy import write_policy
from formats.public_keys import signing_key
from formats.site_tuf import TARGETS
from provisioning.commands.options import Folder, Json, PassphraseFile, Yes, print_result
from provisioning.disk import write_atomically
from provisioning.errors import SiteRefused
from provisioning.keys.passphrase import refuse_other_purpose, unlock_key
from provisioning.site.folder import Site, open_site
from provisioning.site.minutes import root_sentence
from provisioning.site.policy import (
    PolicyFiles,
    open_policy,
    policy_in_force,
    refuse_other_holder,
    sign_policy,
    signed_policy,
)
from provisioning.site.policy_items import policy_items
from provisioning.site.policy_text import apply_edit, changed_lines, policy_text, store_policy
from terminal import consent as screen
from terminal.differences import Line

app = typer.Typer(help="Show, edit, check and sign the site's policy.", no_args_is_help=True)


@app.command()
def show(folder: Folder, *, json: Json = False) -> None:
    """Show the draft of policy and recipients, with all that changes when holders sign it."""
    site = open_site(folder)
    policy = site.policy
    if json:
        typer.echo(write_policy(policy).decode())
        return
    try:
        screen.show(_compared("", site, open_policy(site, renew=False, now=datetime.now(UTC))))
    except SiteRefused as error:
        screen.show(screen.described(f"Not complete yet: {error}", policy_items(policy)))


@app.command()
def edit(
    folder: Folder,
    file: Annotated[
        Path | None, typer.Option("--from", help="Text to take instead of opening an editor.")
    ] = None,
    *,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Change the policy as text, see what changes, and keep it; two holders then sign it."""
    site = open_site(folder)
    before = site.policy
    text = file.read_bytes() if file else _open_editor(policy_text(before))
    after = apply_edit(before, text)
    changes = changed_lines(before, after)
    if not changes:
        print_result("Nothing changes.", json=json, changes=[])
        return
    if not json:
        typer.echo("\n".join(changes))
    if not yes:
        typer.confirm("Keep this?", abort=True, err=True)
    store_policy(site, after)
    sentence = "The policy is changed; two holders must sign it now."
    print_result(sentence, json=json, changes=list(changes))


@app.command()
def text(folder: Folder, *, json: Json = False) -> None:
    """Print the policy as the text that policy edit takes."""
    written = policy_text(open_site(folder).policy)
    print_result(written.removesuffix("\n"), json=json, text=written)


@app.command()
def check(folder: Folder, *, json: Json = False) -> None:
    """Check that policy and recipients are complete, signed, and unchanged since."""
    targets, _, _ = signed_policy(open_site(folder))
    expires = targets.signed.expires
    print_result(
        f"Version {targets.signed.version} is signed by enough holders until {expires.date()}.",
        json=json,
        version=targets.signed.version,
        expires_utc_s=int(expires.timestamp()),
    )


@app.command()
def sign(  # noqa: PLR0913  # Each is an option.
    folder: Folder,
    key: Annotated[Path, typer.Option(help="A holder's key file, named targets-....")],
    passphrase_file: PassphraseFile = None,
    *,
    renew: Annotated[bool, typer.Option("--renew", help="Begin a new version.")] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Read what changes in policy and recipients, then add a holder's signature."""
    site = open_site(folder)
    locked = read_key(key)
    refuse_other_purpose(locked, Purpose.TARGETS)
    version = open_policy(site, renew=renew, now=datetime.now(UTC))
    refuse_other_holder(site, version, signing_key(locked.public))
    asked = (
        f"{locked.holder} is asked to sign policy and recipients of {site.policy.site}. "
        f"{root_sentence(site.root)}"
    )
    screen.agree(_compared(asked, site, version), "Sign this?", yes=yes, json=json)
    targets = sign_policy(site, version, unlock_key(locked, passphrase_file))
    count = f"{len(targets.signatures)} of {TARGETS.threshold}"
    print_result(
        f"{locked.holder} has signed version {targets.signed.version}: {count} signatures.",
        json=json,
        version=targets.signed.version,
        signatures=len(targets.signatures),
    )


def _compared(asked: str, site: Site, version: PolicyFiles) -> list[Line]:
    """Return all that a version holds, compared with what is published."""
    before = policy_in_force(site)
    since = f"version {before.version}, which is published" if before else ""
    return screen.compared(asked, before.items if before else None, version.items, since=since)


def _open_editor(text: str) -> bytes:
    """Open `text` in the editor that $VISUAL or $EDITOR names; return the text as saved."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "policy.toml"
        write_atomically(path, text.encode())
        editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "nano")
        subprocess.run([*editor, str(path)], check=False)  # noqa: S603  # The user's own choice.
        return path.read_bytes()
