"""`tallylight policy`: show, edit, check and sign the site's policy."""

import os
import shlex
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from formats.keyfile import Purpose, read_key
from formats.policy import Policy, write_policy
from formats.site_tuf import TARGETS
from provisioning.commands.options import Folder, Json, PassphraseFile, Yes, print_result
from provisioning.disk import write_atomically
from provisioning.keys.passphrase import refuse_other_purpose, unlock_key
from provisioning.site.folder import open_site
from provisioning.site.policy import sign_policy, signed_policy
from provisioning.site.policy_text import apply_edit, changed_lines, policy_text, store_policy
from provisioning.site.schedule_text import schedule_lines
from terminal.tables import print_table

app = typer.Typer(help="Show, edit, check and sign the site's policy.", no_args_is_help=True)


@app.command()
def show(folder: Folder, *, json: Json = False) -> None:
    """Show the draft of the policy."""
    policy = open_site(folder).policy
    if json:
        typer.echo(write_policy(policy).decode())
    else:
        print_table(_table(policy))


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
def sign(
    folder: Folder,
    key: Annotated[Path, typer.Option(help="A holder's key file, named targets-....")],
    passphrase_file: PassphraseFile = None,
    *,
    renew: Annotated[bool, typer.Option("--renew", help="Begin a new version.")] = False,
    json: Json = False,
) -> None:
    """Show the policy, and add a holder's signature to it and the recipients."""
    site = open_site(folder)
    locked = read_key(key)
    refuse_other_purpose(locked, Purpose.TARGETS)
    if not json:
        print_table(_table(site.policy))
    holder = unlock_key(locked, passphrase_file)
    targets = sign_policy(site, holder, renew=renew, now=datetime.now(UTC))
    count = f"{len(targets.signatures)} of {TARGETS.threshold}"
    print_result(
        f"{locked.holder} has signed version {targets.signed.version}: {count} signatures.",
        json=json,
        version=targets.signed.version,
        signatures=len(targets.signatures),
    )


def _open_editor(text: str) -> bytes:
    """Open `text` in the editor that $VISUAL or $EDITOR names; return the text as saved."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "policy.toml"
        write_atomically(path, text.encode())
        editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "nano")
        subprocess.run([*editor, str(path)], check=False)  # noqa: S603  # The user's own choice.
        return path.read_bytes()


def _table(policy: Policy) -> Table:
    table = Table(title=f"Policy of {policy.site}", show_header=False)
    review = datetime.fromtimestamp(policy.assessment.review_utc_s, UTC).date().isoformat()
    for name, value in (
        ("Suppliers", "\n".join(supplier.organisation for supplier in policy.suppliers)),
        ("Hours, UTC", "\n".join(schedule_lines(policy.schedule)) or "never"),
        ("Categories", "\n".join(policy.categories)),
        ("Entries at most", str(policy.cap)),
        ("False alarms accepted", f"{policy.fpir_ppm} in a million passers-by"),
        ("Matches destroyed after", f"{policy.retention_days} days"),
        ("Withdrawn faces gone within", f"{policy.freshness_h} hours"),
        ("Face crops", "in match events" if policy.crop else "no"),
        ("Status envelopes", "published" if policy.status else "no"),
        ("Clock without a time server", "accepted" if policy.unsynchronised else "refused"),
        ("Time servers", "must prove their identity" if policy.authenticated_time else "any"),
        ("Nets on the processor", "allowed" if policy.processor else "refused"),
        ("Evaluations of the nets", "\n".join(one.hex() for one in policy.evaluations) or "any"),
        ("Assessment to be reviewed by", review),
        ("Agreement", f"{policy.agreement.reference}\n{policy.agreement.url}"),
    ):
        table.add_row(name, Text(value))
    for place in policy.places:
        what = Text(f"{place.place}\n{place.grounds}")
        table.add_row(f"Camera {place.camera.camera_id.hex()}", what)
    return table
