"""`tallylight list`: put people on it, build it, sign it, publish it, verify it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from nacl.signing import SigningKey

from formats.keyfile import Purpose, read_key, unlock_opening, unlock_signing
from formats.strict_json import dumps
from provisioning.commands import entries
from provisioning.commands.options import (
    Folder,
    Json,
    PassphraseFile,
    Yes,
    passphrase_of,
    refuse_other_purpose,
)
from provisioning.lists import SignedList, build_list, open_list, sign_list, supplier_of
from provisioning.publishing import Publication, inspect
from provisioning.publishing import publish as publish_list
from provisioning.site import Site, open_site

app = typer.Typer(help="Put people on the list; build, sign, publish, verify it.")
app.add_typer(entries.app)

SealKey = Annotated[Path, typer.Option("--key", help="A key file named list-seal-....")]
SignKey = Annotated[Path, typer.Option("--key", help="A key file named list-sign-....")]
Inboxes = Annotated[list[Path], typer.Option("--to", help="A camera's inbox, or a memory stick.")]


@app.command()
def build(folder: Folder, key: SealKey, passphrase_file: PassphraseFile = None) -> None:
    """Build and seal a new version of the list; nobody has signed it yet."""
    site = open_site(folder)
    sealer = _unlock(key, Purpose.LIST_SEAL, passphrase_file)
    desk = site.key(Purpose.DESK)
    opener = unlock_opening(desk, passphrase_of(desk, passphrase_file))
    case = build_list(site, sealer=sealer, desk=opener, now=datetime.now(UTC))
    typer.echo(f"Version {case.version} must be signed now. Entries: {len(case.entries)}.")


@app.command()
def sign(
    folder: Folder, key: SignKey, passphrase_file: PassphraseFile = None, *, yes: Yes = False
) -> None:
    """Read what is on the list, then add your organisation's signature."""
    site = open_site(folder)
    signing = _unlock(key, Purpose.LIST_SIGN, passphrase_file)
    supplier = supplier_of(site, signing)
    shown = open_list(site)
    _describe(shown, supplier.organisation)
    if not yes:
        typer.confirm("Sign?", abort=True)
    signed = sign_list(site, shown, signing)
    count = f"{len(signed.organisations)} of {signed.needed}"
    typer.echo(f"{supplier.organisation} has signed: {count} organisations.")


@app.command()
def publish(folder: Folder, to: Inboxes, passphrase_file: PassphraseFile = None) -> None:
    """Publish the signed list, or renew the freshness of the one that is published."""
    site = open_site(folder)
    publication = publish_list(
        site,
        snapshot_key=_online(site, Purpose.SNAPSHOT, passphrase_file),
        timestamp_key=_online(site, Purpose.TIMESTAMP, passphrase_file),
        inboxes=to,
        now=datetime.now(UTC),
    )
    typer.echo(
        f"Version {publication.case.version} is published; "
        f"publish again before {publication.expires:%Y-%m-%d %H:%M} UTC."
    )


@app.command()
def verify(
    folder: Folder,
    repository: Annotated[
        Path | None, typer.Option("--from", help="A camera's inbox; or what was published last.")
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Say what a published repository tells a camera that trusts this site's root."""
    site = open_site(folder)
    found = inspect(repository or site.published, site.root, datetime.now(UTC))
    if json:
        typer.echo(_json(found))
    else:
        typer.echo(
            f"Version {found.case.version} of the list of {found.case.site} is signed by "
            f"{' and '.join(found.organisations)} and holds until "
            f"{found.expires:%Y-%m-%d %H:%M} UTC. "
            f"Entries: {len(found.case.entries)}. Cameras: {len(found.policy.places)}."
        )


def _unlock(path: Path, purpose: Purpose, passphrase_file: Path | None) -> SigningKey:
    locked = read_key(path)
    refuse_other_purpose(locked, purpose)
    return unlock_signing(locked, passphrase_of(locked, passphrase_file))


def _online(site: Site, purpose: Purpose, passphrase_file: Path | None) -> SigningKey:
    locked = site.key(purpose)
    return unlock_signing(locked, passphrase_of(locked, passphrase_file))


def _describe(signed: SignedList, organisation: str) -> None:
    case = signed.case
    expires = datetime.fromtimestamp(case.expires_utc_s, UTC)
    typer.echo(f"{organisation} is asked to sign version {case.version} for {case.site}.")
    typer.echo(f"Until {expires:%Y-%m-%d %H:%M} UTC its cameras may look for these people only:")
    for entry in case.entries:
        typer.echo(entries.describe(entry))
    typer.echo(f"Signed so far: {' and '.join(signed.organisations) or 'nobody'}.")


def _json(found: Publication) -> str:
    return dumps(
        {
            "digest": found.digest.hex(),
            "entries": len(found.case.entries),
            "expires_utc_s": int(found.expires.timestamp()),
            "organisations": list(found.organisations),
            "site": found.case.site,
            "version": found.case.version,
        }
    ).decode()
