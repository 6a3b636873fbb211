"""`tallylight list publish|renew|verify|history`: the published repository, now and before."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from formats.entry import Entry
from formats.keyfile import Purpose
from formats.strict_json import JsonValue
from provisioning.broker.send import read_address, send_to_cameras
from provisioning.commands.options import Folder, Json, PassphraseFile, print_result
from provisioning.keys.passphrase import unlock_key
from provisioning.lists.changes import PublishedList, compare_lists, read_history
from provisioning.lists.entries import remove_expired_entries
from provisioning.lists.publication import (
    OnlineKeys,
    Publication,
    publish_list,
    renew_freshness,
    verify_publication,
)
from provisioning.lists.snapshot_items import published_items
from provisioning.lists.waiting import removed_changes
from provisioning.site.folder import Site, open_site
from provisioning.site.rotation import newest_root
from terminal import consent as screen
from terminal.differences import Item
from terminal.tables import print_table

app = typer.Typer()

Inboxes = Annotated[
    list[Path], typer.Option("--to", help="A folder: a camera's inbox, or a memory stick.")
]
Broker = Annotated[str, typer.Option(help="host:port of the broker that the cameras listen to.")]


@app.command()
def publish(
    folder: Folder,
    to: Inboxes = [],  # noqa: B006  # Typer reads it and copies it.
    broker: Broker = "",
    passphrase_file: PassphraseFile = None,
    *,
    json: Json = False,
) -> None:
    """Publish the signed list: into folders, onto memory sticks, or through the broker."""
    site, address = open_site(folder), read_address(broker) if broker else None
    keys = partial(_show_and_unlock, site, passphrase_file, json)
    publication = publish_list(site, online=keys, inboxes=to, now=datetime.now(UTC))
    sent = send_to_cameras(site, *address) if address else 0
    _print_publication(publication, sent, json=json, what="is published")


@app.command()
def renew(
    folder: Folder,
    to: Inboxes = [],  # noqa: B006  # The same.
    broker: Broker = "",
    passphrase_file: PassphraseFile = None,
    *,
    json: Json = False,
) -> None:
    """Renew the freshness of the published list; run it from a timer, twice within freshness_h."""
    site, address = open_site(folder), read_address(broker) if broker else None
    for sentence in removed_changes(site, datetime.now(UTC)):
        typer.echo(sentence, err=True)
    keys = partial(_show_and_unlock, site, passphrase_file, json)
    publication = renew_freshness(site, online=keys, inboxes=to, now=datetime.now(UTC))
    sent = send_to_cameras(site, *address) if address else 0
    _print_publication(publication, sent, json=json, what="is renewed")
    remove_expired_entries(site, datetime.now(UTC))  # Also when no new list is built for a while.


@app.command()
def verify(
    folder: Folder,
    repository: Annotated[
        Path | None,
        typer.Option("--from", help="A camera's inbox; without it, the last publication."),
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Verify a published repository, as a camera does that trusts this site's root."""
    site = open_site(folder)
    found = verify_publication(repository or site.published, site.root, datetime.now(UTC))
    print_result(
        f"Version {found.case.version} of the list of {found.case.site} is signed by "
        f"{' and '.join(found.organisations)} and holds until "
        f"{found.expires:%Y-%m-%d %H:%M} UTC. "
        f"Entries: {len(found.case.entries)}. Cameras: {len(found.policy.places)}.",
        json=json,
        digest=found.digest.hex(),
        entries=len(found.case.entries),
        expires_utc_s=int(found.expires.timestamp()),
        organisations=list(found.organisations),
        site=found.case.site,
        version=found.case.version,
    )


@app.command(name="history")
def show_history(folder: Folder, *, json: Json = False) -> None:
    """Show every published list: its signers, and which entries it added and removed."""
    lists = read_history(open_site(folder))
    earlier = [None, *lists][: len(lists)]
    if json:
        rows: list[JsonValue] = [
            _as_json(before, after) for before, after in zip(earlier, lists, strict=True)
        ]
        print_result("", json=True, lists=rows)
        return
    table = Table("Version", "Issued, UTC", "Signed by", "Entries", "Added", "Removed")
    for before, after in zip(earlier, lists, strict=True):
        changes = compare_lists(before, after.case)
        table.add_row(
            str(after.case.version),
            f"{datetime.fromtimestamp(after.case.issued_utc_s, UTC):%Y-%m-%d %H:%M}",
            "\n".join(after.organisations),
            str(len(after.case.entries)),
            "\n".join(_short_name(entry) for entry in changes.added),
            "\n".join(entry.handle.hex()[:8] for entry in changes.removed),
        )
    if lists:
        print_table(table)
    else:
        typer.echo("Nothing has been published yet.")


def _short_name(entry: Entry) -> str:
    kept = ", picture kept" if entry.picture_kept else ""
    return f"{entry.handle.hex()[:8]}{kept}"


def _as_json(before: PublishedList | None, after: PublishedList) -> JsonValue:
    changes = compare_lists(before, after.case)
    return {
        "added": [entry.handle.hex() for entry in changes.added],
        "entries": len(after.case.entries),
        "issued_utc_s": after.case.issued_utc_s,
        "organisations": list(after.organisations),
        "pictures_kept": [entry.handle.hex() for entry in after.case.entries if entry.picture_kept],
        "removed": [entry.handle.hex() for entry in changes.removed],
        "version": after.case.version,
    }


def _print_publication(publication: Publication, sent: int, *, json: bool, what: str) -> None:
    through = f" and sent to {sent} camera{'s' * (sent != 1)}" if sent else ""
    print_result(
        f"Version {publication.case.version} {what}{through}; "
        f"tallylight list renew before {publication.expires:%Y-%m-%d %H:%M} UTC.",
        json=json,
        version=publication.case.version,
        expires_utc_s=int(publication.expires.timestamp()),
        sent=sent,
    )


def _show_and_unlock(
    site: Site,
    passphrase_file: Path | None,
    json: bool,  # noqa: FBT001  # Given by `partial`.
    items: Sequence[Item],
) -> OnlineKeys:
    """Show what the desk signs, compared with the last publication; return its keys."""
    asked = "The desk signs that these files are the newest and belong together."
    before, since = published_items(site), "the last publication"
    screen.show(screen.compared(asked, before, items, since=since), json=json)
    return _online_keys(site, passphrase_file)


def _online_keys(site: Site, passphrase_file: Path | None) -> OnlineKeys:
    """Unlock the two online keys of the root that counts now."""
    root = newest_root(site)
    snapshot, timestamp = (
        unlock_key(site.online_key(purpose, root), passphrase_file)
        for purpose in (Purpose.SNAPSHOT, Purpose.TIMESTAMP)
    )
    return OnlineKeys(snapshot, timestamp)
