"""`tallylight policy`: show what the site has decided, check it, sign it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from formats.keyfile import Purpose, read_key, unlock_signing
from formats.policy import Policy, write_policy
from formats.site_tuf import TARGETS
from provisioning.commands.options import (
    Folder,
    Json,
    PassphraseFile,
    passphrase_of,
    refuse_other_purpose,
)
from provisioning.policies import sign_policy, signed_policy
from provisioning.site import open_site

app = typer.Typer(help="Show, check and sign what the site has decided.", no_args_is_help=True)


@app.command()
def show(folder: Folder, *, json: Json = False) -> None:
    """Show the policy as it shall be."""
    policy = open_site(folder).policy
    if json:
        typer.echo(write_policy(policy).decode())
    else:
        Console().print(_table(policy))


@app.command()
def check(folder: Folder) -> None:
    """Say whether policy and recipients are complete, signed, and unchanged since."""
    targets, _, _ = signed_policy(open_site(folder))
    expires = targets.signed.expires.date().isoformat()
    typer.echo(f"Version {targets.signed.version} is signed by enough holders until {expires}.")


@app.command()
def sign(
    folder: Folder,
    key: Annotated[Path, typer.Option(help="A holder's key file, named targets-....")],
    passphrase_file: PassphraseFile = None,
    *,
    renew: Annotated[bool, typer.Option("--renew", help="Begin a new version.")] = False,
) -> None:
    """Show the policy, and add a holder's signature to it and the recipients."""
    site = open_site(folder)
    locked = read_key(key)
    refuse_other_purpose(locked, Purpose.TARGETS)
    Console().print(_table(site.policy))
    opened = unlock_signing(locked, passphrase_of(locked, passphrase_file))
    targets = sign_policy(site, opened, renew=renew, now=datetime.now(UTC))
    count = f"{len(targets.signatures)} of {TARGETS.threshold}"
    typer.echo(f"{locked.holder} has signed version {targets.signed.version}: {count} signatures.")


def _table(policy: Policy) -> Table:
    table = Table(title=f"Policy of {policy.site}", show_header=False)
    review = datetime.fromtimestamp(policy.assessment.review_utc_s, UTC).date().isoformat()
    for name, value in (
        ("Suppliers", "\n".join(supplier.organisation for supplier in policy.suppliers)),
        ("Categories", "\n".join(policy.categories)),
        ("Entries at most", str(policy.cap)),
        ("False alarms accepted", f"{policy.fpir_ppm} in a million passers-by"),
        ("Matches destroyed after", f"{policy.retention_days} days"),
        ("Withdrawn faces gone after", f"{policy.freshness_h} hours"),
        ("Face crops", "in match events" if policy.crop else "no"),
        ("Status envelopes", "published" if policy.status else "no"),
        ("Assessment to be reviewed by", review),
        ("Agreement", f"{policy.agreement.reference}\n{policy.agreement.url}"),
    ):
        table.add_row(name, Text(value))
    for place in policy.places:
        what = Text(f"{place.place}\n{place.grounds}")
        table.add_row(f"Camera {place.camera.camera_id.hex()}", what)
    return table
