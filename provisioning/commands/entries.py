"""`tallylight list add|remove|show|review`: who is to be on the next list."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from formats.entry import Entry, write_entry
from formats.keyfile import Purpose
from formats.strict_json import dumps
from provisioning.commands.measures import Measures
from provisioning.commands.options import Folder, Json, PassphraseFile, say, unlocked
from provisioning.errors import EntryRefused
from provisioning.lists.entries import Case, add_entry, kept_entries, remove_entry, renew_review
from provisioning.lists.portraits import portrait_of
from provisioning.site.folder import open_site

app = typer.Typer()

_DAY = ["%Y-%m-%d"]

Handle = Annotated[str, typer.Argument(help="As list show prints it.")]


@app.command()
def add(  # noqa: PLR0913, PLR0917  # Each is one thing that must be said of everybody on a list.
    folder: Folder,
    picture: Annotated[
        list[Path], typer.Option(help="Portrait with one face; again for more of the same person.")
    ],
    organisation: Annotated[str, typer.Option(help="Which asks; a supplier of the policy.")],
    requested_by: Annotated[str, typer.Option(help="Role of who asks, never a name.")],
    approved_by: Annotated[str, typer.Option(help="Role of who approved, never a name.")],
    category: Annotated[str, typer.Option(help="One of the policy's categories.")],
    legal_basis: Annotated[str, typer.Option(help="Law that allows it.")],
    necessity: Annotated[str, typer.Option(help="Why no milder means would do.")],
    case_ref: Annotated[str, typer.Option(help="Reference of the case; only a digest is kept.")],
    source: Annotated[str, typer.Option(help="Where the picture comes from.")],
    until: Annotated[datetime, typer.Option(formats=_DAY, help="Last day on the list, UTC.")],
    review: Annotated[
        datetime | None, typer.Option(formats=_DAY, help="Last day before review, or --until.")
    ] = None,
    keep_picture: Annotated[
        Path | None,
        typer.Option(help="A list-seal key file: keep the first picture, for the reviewers alone."),
    ] = None,
    passphrase_file: PassphraseFile = None,
    *,
    minor: Annotated[bool, typer.Option("--minor", help="Under 18: three must sign.")] = False,
    vulnerable: Annotated[bool, typer.Option("--vulnerable", help="Three must sign.")] = False,
    json: Json = False,
) -> None:
    """Put the one person in one or more pictures on the next list."""
    case = Case(
        organisation=organisation,
        requested_by=requested_by,
        approved_by=approved_by,
        category=category,
        legal_basis=legal_basis,
        necessity=necessity,
        reference=case_ref,
        source=source,
        minor=minor,
        vulnerable=vulnerable,
        added_utc_s=int(datetime.now(UTC).timestamp()),
        expires_utc_s=_end_of(until),
        review_utc_s=_end_of(review or until),
    )
    site, measures = open_site(folder), Measures()
    keep = unlocked(keep_picture, Purpose.LIST_SEAL, passphrase_file) if keep_picture else None
    try:
        entry = add_entry(site, picture, case, measures.take, keep)
    finally:
        measures.show(picture)
    handle = entry.handle.hex()
    kept = portrait_of(site, handle) if entry.picture_kept else None
    say(
        f"Entry {handle} will be on the next list, from {_count(entry)}; {_fate(kept)}",
        json=json,
        handle=handle,
        pictures=len(picture),
        picture_kept=str(kept) if kept else None,
    )


@app.command()
def remove(folder: Folder, handle: Handle, *, json: Json = False) -> None:
    """Take a person off the next list; cameras forget them once it is published."""
    remove_entry(open_site(folder), handle)
    sentence = f"Entry {handle} will not be on the next list: build, sign and publish it now."
    say(sentence, json=json, handle=handle)


@app.command()
def review(
    folder: Folder,
    handle: Annotated[str | None, typer.Argument(help="Who was reviewed, and stays.")] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=_DAY, help="Last day before the next review.")
    ] = None,
    within_days: Annotated[int, typer.Option(min=0, help="Whose review is due this soon.")] = 14,
    *,
    json: Json = False,
) -> None:
    """Show whose review is due; or with HANDLE and --until say that somebody was reviewed."""
    site, now = open_site(folder), datetime.now(UTC)
    if handle is not None:
        if until is None:
            raise EntryRefused("Say until when the entry may stay before its next review: --until.")
        entry = renew_review(site, handle, _end_of(until), now)
        sentence = f"Entry {handle} is to be reviewed by {last_day(entry.review_utc_s)}."
        say(sentence, json=json, handle=handle, review_utc_s=entry.review_utc_s)
        return
    horizon_s = (now + timedelta(days=within_days)).timestamp()
    due = [one.entry for one in kept_entries(site) if one.entry.review_utc_s <= horizon_s]
    if json:
        say("", json=True, entries=[write_entry(entry) for entry in due])
    elif not due:
        typer.echo(f"No review is due within {within_days} days.")
    else:
        Console(markup=False).print(_due(sorted(due, key=lambda one: one.review_utc_s), now))
        typer.echo(f"Stays:  tallylight list review {folder} HANDLE --until DAY")
        typer.echo(f"Leaves: tallylight list remove {folder} HANDLE")


@app.command()
def show(folder: Folder, *, json: Json = False) -> None:
    """Show who is to be on the next list: handles and reasons, no names and no faces."""
    entries = [kept.entry for kept in kept_entries(open_site(folder))]
    if json:
        typer.echo(dumps({"entries": [write_entry(entry) for entry in entries]}).decode())
    else:
        nobody = "Nobody is to be on the next list: tallylight list add."
        typer.echo("\n\n".join(map(describe, entries)) or nobody)


def _due(entries: Sequence[Entry], now: datetime) -> Table:
    """Whose review is due, and who is no longer searched for because it was not done."""
    table = Table("Review by", "Entry", "Asked for by", "Ends")
    table.columns[1].no_wrap = True  # Or nobody could copy it.
    for entry in entries:
        late = entry.review_utc_s <= now.timestamp()
        review = Text(f"{last_day(entry.review_utc_s)}{' LATE' if late else ''}")
        review.stylize("bold red" if late else "")
        asking = f"{entry.requested_by},\n{entry.organisation}"
        table.add_row(review, entry.handle.hex(), asking, last_day(entry.expires_utc_s))
    return table


def describe(entry: Entry) -> str:
    """Everything that a person must know of an entry before signing it."""
    flags = [word for word, set_ in _flags(entry) if set_]
    ends = last_day(entry.expires_utc_s)
    return "\n".join(
        [
            f"Entry {entry.handle.hex()}{': ' if flags else ''}{' and '.join(flags)}",
            f"    {entry.category}, {entry.legal_basis}",
            f"    asked for by {entry.requested_by}, {entry.organisation}",
            f"    approved by {entry.approved_by}",
            f"    because: {entry.necessity}",
            f"    {_pictures(entry)} from: {entry.source}",
            f"    until {ends}, reviewed by {last_day(entry.review_utc_s)}",
        ]
    )


def brief(entry: Entry) -> str:
    """One line for somebody about whom nothing changes."""
    until = last_day(entry.review_utc_s)
    return f"Entry {entry.handle.hex()}, {entry.category}, {entry.organisation}, until {until}"


def _pictures(entry: Entry) -> str:
    count = "picture" if len(entry.pictures) == 1 else f"{len(entry.pictures)} pictures"
    return f"{count}, one kept for the reviewers," if entry.picture_kept else count


def _count(entry: Entry) -> str:
    return "1 picture" if len(entry.pictures) == 1 else f"{len(entry.pictures)} pictures"


def _fate(kept: Path | None) -> str:
    if kept is None:
        return "no picture was kept."
    return f"the first is kept in {kept}, and nobody but the site's reviewers can open it."


def _flags(entry: Entry) -> tuple[tuple[str, bool], ...]:
    return (("MINOR", entry.minor), ("VULNERABLE", entry.vulnerable))


def moment(utc_s: int) -> str:
    """A moment as people read it."""
    return f"{datetime.fromtimestamp(utc_s, UTC):%Y-%m-%d %H:%M} UTC"


def last_day(utc_s: int) -> str:
    """The last day of somebody whose time ends with it, or the very moment."""
    end = datetime.fromtimestamp(utc_s, UTC)
    if (end.hour, end.minute, end.second) == (0, 0, 0):
        return f"{end - timedelta(days=1):%Y-%m-%d}"
    return moment(utc_s)


def _end_of(day: datetime) -> int:
    return int((day.replace(tzinfo=UTC) + timedelta(days=1)).timestamp())
