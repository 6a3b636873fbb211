"""`tallylight list status|diff`: a reminder of what ends, for timers; compare two lists."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from formats.entry import Entry
from formats.strict_json import JsonValue
from provisioning.broker.reminder import certificate_endings
from provisioning.commands.options import Folder, Json, print_result
from provisioning.errors import EntryRefused
from provisioning.lists.changes import last_published, read_history
from provisioning.lists.kept_entries import kept_entries
from provisioning.lists.list_items import entry_item
from provisioning.lists.reminder import endings
from provisioning.lists.waiting import waiting_changes
from provisioning.site.folder import Site, open_site
from terminal import consent as screen

app = typer.Typer()

DUE: int = 3
"""Exit code of `list status` when something is to be done."""

Since = Annotated[int | None, typer.Option(min=1, help="Version to compare; or the last one.")]
Until = Annotated[int | None, typer.Option(min=1, help="Version to compare it with; or the next.")]


@app.command()
def status(
    folder: Folder,
    within_days: Annotated[
        int, typer.Option(min=0, max=365, help="Remind of what ends within these days.")
    ] = 2,
    *,
    json: Json = False,
) -> None:
    """Say what ends soon or is not published yet. Exit code 3 if something is due, for timers."""
    site, now = open_site(folder), datetime.now(UTC)
    within = timedelta(days=within_days)
    both = (*endings(site, within, now), *certificate_endings(site, within))
    found = sorted(both, key=lambda each: each.end)
    due = [each for each in found if each.due <= now]
    waiting = list(waiting_changes(site, now))
    is_published = site.published.exists()
    if json:
        rows: list[JsonValue] = [
            {
                "do": each.do,
                "due": each.due <= now,
                "end_utc_s": int(each.end.timestamp()),
                "what": each.what,
            }
            for each in found
        ]
        print_result("", json=True, published=is_published, endings=rows, waiting=list(waiting))
    else:
        for each in found:
            typer.echo(f"{'DUE  ' if each.due <= now else 'ok   '}{each.sentence(now)}")
        for sentence in waiting:
            typer.echo(f"DUE  {sentence}")
        if not is_published:
            typer.echo("DUE  Nothing is published yet: list build, list sign, list publish.")
    if due or waiting or not is_published:
        raise typer.Exit(DUE)


@app.command()
def diff(folder: Folder, since: Since = None, until: Until = None, *, json: Json = False) -> None:
    """Compare two published versions; or the last published list with the people for the next."""
    site = open_site(folder)
    before, after = _before(site, since), _after(site, until)
    if not json:
        old, new = (list(map(entry_item, each.values())) for each in (before, after))
        screen.show(screen.compared("", old, new, since="the earlier list"))
        return
    both = before.keys() & after.keys()
    changed = [handle.hex() for handle in sorted(both) if before[handle] != after[handle]]
    print_result(
        "",
        json=True,
        added=[handle.hex() for handle in after if handle not in before],
        removed=[handle.hex() for handle in before if handle not in after],
        changed=list(changed),
        same=len(both) - len(changed),
    )


def _before(site: Site, version: int | None) -> dict[bytes, Entry]:
    if version is not None:
        return _published(site, version)
    last = last_published(site)
    return _by_handle(last.case.entries) if last else {}


def _after(site: Site, version: int | None) -> dict[bytes, Entry]:
    if version is not None:
        return _published(site, version)
    return _by_handle(kept.entry for kept in kept_entries(site))


def _published(site: Site, version: int) -> dict[bytes, Entry]:
    lists = {each.case.version: each.case for each in read_history(site)}
    if version not in lists:
        known = ", ".join(map(str, lists)) or "none"
        raise EntryRefused(f"Version {version} was not published here; these were: {known}.")
    return _by_handle(lists[version].entries)


def _by_handle(entries: Iterable[Entry]) -> dict[bytes, Entry]:
    return {entry.handle: entry for entry in entries}
