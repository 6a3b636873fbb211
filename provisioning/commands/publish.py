"""`tallylight list publish|renew|verify|history`: what cameras are and were told."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from formats.entry import Entry
from formats.keyfile import Purpose
from formats.strict_json import JsonValue
from provisioning.broker.send import send
from provisioning.commands.options import Folder, Json, PassphraseFile, say, signing
from provisioning.errors import BrokerRefused
from provisioning.lists.changes import Published, changes, history
from provisioning.lists.entries import forget_ended
from provisioning.lists.publishing import Online, Publication, inspect
from provisioning.lists.publishing import publish as publish_list
from provisioning.lists.publishing import renew as renew_list
from provisioning.site.folder import Site, open_site
from provisioning.site.rotation import newest_root

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
    site, address = open_site(folder), _address(broker)
    online = _online(site, passphrase_file)
    found = publish_list(site, online=online, inboxes=to, now=datetime.now(UTC))
    _tell(found, _send(site, address), json=json, what="is published")


@app.command()
def renew(
    folder: Folder,
    to: Inboxes = [],  # noqa: B006  # The same.
    broker: Broker = "",
    passphrase_file: PassphraseFile = None,
    *,
    json: Json = False,
) -> None:
    """Renew the freshness of what is published; a timer runs this twice as often as it ends."""
    site, address = open_site(folder), _address(broker)
    online = _online(site, passphrase_file)
    found = renew_list(site, online=online, inboxes=to, now=datetime.now(UTC))
    _tell(found, _send(site, address), json=json, what="is renewed")
    forget_ended(site, datetime.now(UTC))  # Nobody need build a list for somebody's time to end.


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
    say(
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
    """Show every list that was published: who signed it, and who came and went with it."""
    lists = history(open_site(folder))
    earlier = [None, *lists][: len(lists)]
    if json:
        rows: list[JsonValue] = [
            _as_json(before, after) for before, after in zip(earlier, lists, strict=True)
        ]
        say("", json=True, lists=rows)
        return
    table = Table("Version", "Issued, UTC", "Signed by", "Entries", "Added", "Removed")
    for before, after in zip(earlier, lists, strict=True):
        found = changes(before, after.case)
        table.add_row(
            str(after.case.version),
            f"{datetime.fromtimestamp(after.case.issued_utc_s, UTC):%Y-%m-%d %H:%M}",
            "\n".join(after.organisations),
            str(len(after.case.entries)),
            "\n".join(_named(entry) for entry in found.added),
            "\n".join(entry.handle.hex()[:8] for entry in found.removed),
        )
    Console(markup=False).print(table if lists else "Nothing has been published yet.")


def _named(entry: Entry) -> str:
    kept = ", picture kept" if entry.picture_kept else ""
    return f"{entry.handle.hex()[:8]}{kept}"


def _as_json(before: Published | None, after: Published) -> JsonValue:
    found = changes(before, after.case)
    return {
        "added": [entry.handle.hex() for entry in found.added],
        "entries": len(after.case.entries),
        "issued_utc_s": after.case.issued_utc_s,
        "organisations": list(after.organisations),
        "pictures_kept": [entry.handle.hex() for entry in after.case.entries if entry.picture_kept],
        "removed": [entry.handle.hex() for entry in found.removed],
        "version": after.case.version,
    }


def _tell(found: Publication, sent: int, *, json: bool, what: str) -> None:
    through = f" and sent to {sent} camera{'s' * (sent != 1)}" if sent else ""
    say(
        f"Version {found.case.version} {what}{through}; "
        f"tallylight list renew before {found.expires:%Y-%m-%d %H:%M} UTC.",
        json=json,
        version=found.case.version,
        expires_utc_s=int(found.expires.timestamp()),
        sent=sent,
    )


def _address(broker: str) -> tuple[str, int] | None:
    host, _, port = broker.rpartition(":")
    if not broker:
        return None
    if not host or not port.isdecimal():
        raise BrokerRefused(f"{broker!r} is not an address such as broker.example.org:8883.")
    return host, int(port)


def _send(site: Site, address: tuple[str, int] | None) -> int:
    return send(site, *address) if address else 0


def _online(site: Site, passphrase_file: Path | None) -> Online:
    """The two online keys of the root that counts now."""
    root = newest_root(site)
    snapshot, timestamp = (
        signing(site.online_key(purpose, root), passphrase_file)
        for purpose in (Purpose.SNAPSHOT, Purpose.TIMESTAMP)
    )
    return Online(snapshot, timestamp)
