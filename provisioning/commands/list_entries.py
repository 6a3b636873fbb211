"""`tallylight list add|remove|show|review`: people for the next list; their options and days."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from rich.table import Table
from rich.text import Text

from formats.counts import counted
from formats.entry import Entry, write_entry
from formats.keyfile import Purpose, read_key
from formats.public_keys import signing_key
from formats.strict_json import dumps
from provisioning.commands.measure_table import MeasureTable
from provisioning.commands.options import (
    Folder,
    Json,
    PassphraseFile,
    Yes,
    agree_to_remove,
    print_result,
)
from provisioning.errors import EntryRefused
from provisioning.keys.passphrase import refuse_other_purpose, unlock_key
from provisioning.lists.entries import (
    Case,
    PortraitSeal,
    add_entry,
    due_for_review,
    refuse_case,
    remove_entry,
    renew_review,
)
from provisioning.lists.entry_text import describe_entry, end_of_day, last_day, picture_count
from provisioning.lists.kept_entries import kept_entries
from provisioning.lists.list_items import entry_item
from provisioning.lists.look_up import entries_of_case, find_handle
from provisioning.lists.portraits import portrait_path, portrait_reviewers
from provisioning.site.folder import Site, open_site
from provisioning.site.policy_items import reviewer_item
from recognition.picture import read_picture
from recognition.pixels import has_colour
from terminal import consent as screen
from terminal.days import read_day
from terminal.tables import print_table

app = typer.Typer()

Handle: TypeAlias = Annotated[
    str | None, typer.Argument(help="As list show prints it, or its first digits.")
]
OfCase: TypeAlias = Annotated[str, typer.Option("--case", help="Reference of a case.")]
Pictures: TypeAlias = Annotated[
    list[Path], typer.Option(help="Portrait with one face; again for more of the same person.")
]
Organisation: TypeAlias = Annotated[
    str, typer.Option(help="Organisation that asks; a supplier of the policy.")
]
Requester: TypeAlias = Annotated[str, typer.Option(help="Role of who asks, never a name.")]
Approver: TypeAlias = Annotated[str, typer.Option(help="Role of who approved, never a name.")]
Category: TypeAlias = Annotated[str, typer.Option(help="One of the policy's categories.")]
LegalBasis: TypeAlias = Annotated[str, typer.Option(help="Law that allows it.")]
Necessity: TypeAlias = Annotated[str, typer.Option(help="Why no milder means would do.")]
CaseRef: TypeAlias = Annotated[
    str, typer.Option(help="Reference of the case; only a digest is kept.")
]
Source: TypeAlias = Annotated[str, typer.Option(help="Origin of the picture.")]
Until: TypeAlias = Annotated[
    datetime, typer.Option(parser=read_day, metavar="DAY", help="Last day on the list, UTC.")
]
Review: TypeAlias = Annotated[
    datetime | None,
    typer.Option(parser=read_day, metavar="DAY", help="Last day before review, or --until."),
]
KeepPicture: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="A list-seal key file: keep the first picture, for the reviewers alone."),
]
Minor: TypeAlias = Annotated[bool, typer.Option("--minor", help="Under 18: three must sign.")]
Vulnerable: TypeAlias = Annotated[bool, typer.Option("--vulnerable", help="Three must sign.")]


@app.command()
def add(  # noqa: PLR0913, PLR0917  # Each is a fact that the list needs of every person.
    folder: Folder,
    picture: Pictures,
    organisation: Organisation,
    requested_by: Requester,
    approved_by: Approver,
    category: Category,
    legal_basis: LegalBasis,
    necessity: Necessity,
    case_ref: CaseRef,
    source: Source,
    until: Until,
    review: Review = None,
    keep_picture: KeepPicture = None,
    passphrase_file: PassphraseFile = None,
    *,
    minor: Minor = False,
    vulnerable: Vulnerable = False,
    yes: Yes = False,
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
        expires_utc_s=end_of_day(until),
        review_utc_s=end_of_day(review or until),
    )
    site, seal = open_site(folder), None
    refuse_case(site, case)
    if keep_picture is not None:
        seal = _agree_to_keep(site, keep_picture, passphrase_file, yes=yes, json=json)
    _add(site, picture, case, seal, json=json)


def _agree_to_keep(
    site: Site, key: Path, passphrase_file: Path | None, *, yes: bool, json: bool
) -> PortraitSeal:
    """Show which reviewers will see the picture, ask, and return what seals it to them."""
    locked = read_key(key)
    refuse_other_purpose(locked, Purpose.LIST_SEAL)
    reviewers = portrait_reviewers(site, signing_key(locked.public))
    asked = f"{locked.holder} is asked to seal the first picture to these reviewers."
    shown = screen.described(asked, [reviewer_item(each) for each in reviewers])
    screen.agree(shown, "Keep the picture for them?", yes=yes, json=json)
    return PortraitSeal(reviewers, unlock_key(locked, passphrase_file))


def _add(
    site: Site, pictures: Sequence[Path], case: Case, seal: PortraitSeal | None, *, json: bool
) -> None:
    same_case = [entry.handle.hex() for entry in entries_of_case(site, case.reference)]
    table = MeasureTable()
    try:
        entry = add_entry(site, pictures, case, table.add, seal)
    finally:
        table.print(pictures)
    handle = entry.handle.hex()
    kept = portrait_path(site, handle) if entry.picture_kept else None
    grey = [path.name for path in pictures if not has_colour(read_picture(path))]
    print_result(
        f"Entry {handle} will be on the next list, from {picture_count(entry)}; "
        f"{_kept_sentence(kept)}{_grey_sentence(grey)}{_same_case_sentence(same_case)}",
        json=json,
        same_case=list(same_case),
        handle=handle,
        pictures=len(pictures),
        without_colour=grey,
        picture_kept=str(kept) if kept else None,
    )


def _same_case_sentence(handles: Sequence[str]) -> str:
    if not handles:
        return ""
    return f"\nThe case had an entry before this one: {', '.join(handles)}. Is it another person?"


def _grey_sentence(names: Sequence[str]) -> str:
    if not names:
        return ""
    return (
        f" No colour is in {' and '.join(names)}. Cameras take colour pictures alone, and the "
        "error rates were measured with those: use a colour picture if there is one."
    )


def _kept_sentence(kept: Path | None) -> str:
    if kept is None:
        return "no picture was kept."
    return f"the first is kept in {kept}, and only the site's reviewers can open it."


@app.command()
def remove(
    folder: Folder,
    handle: Handle = None,
    case: OfCase = "",
    *,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Take a person off the next list; cameras forget them once it is published."""
    site = open_site(folder)
    handles = _named_handles(site, handle, case)
    leaving = [kept.entry for kept in kept_entries(site) if kept.entry.handle.hex() in handles]
    agree_to_remove(list(map(entry_item, leaving)), yes=yes, json=json)
    for each in handles:
        remove_entry(site, each)
    what = f"Entry {handles[0]}" if len(handles) == 1 else f"Entries {', '.join(handles)}"
    sentence = f"{what} will not be on the next list: build, sign and publish it now."
    print_result(sentence, json=json, handle=handles[0], handles=list(handles))


def _named_handles(site: Site, handle: str | None, case: str) -> Sequence[str]:
    """Return the handles that a handle's beginning or a case names: one or more."""
    if (handle is None) == (not case):
        raise EntryRefused("Name an entry by its handle, or by --case.")
    if handle is not None:
        return [find_handle(site, handle)]
    found = [entry.handle.hex() for entry in entries_of_case(site, case)]
    if not found:
        raise EntryRefused(f"No entry is of the case {case}: see tallylight list show.")
    return found


@app.command()
def review(
    folder: Folder,
    handle: Handle = None,
    until: Annotated[
        datetime | None,
        typer.Option(parser=read_day, metavar="DAY", help="Last day before the next review."),
    ] = None,
    within_days: Annotated[
        int,
        typer.Option(min=0, max=36500, help="Show entries whose review is due within these days."),
    ] = 14,
    *,
    json: Json = False,
) -> None:
    """Show entries whose review is due; or, with HANDLE and --until, note that one was reviewed."""
    if handle is not None:
        _renew_review(folder, handle, until, json=json)
        return
    now = datetime.now(UTC)
    due = due_for_review(open_site(folder), now + timedelta(days=within_days))
    if json:
        print_result("", json=True, entries=[write_entry(entry) for entry in due])
    elif not due:
        typer.echo(f"No review is due within {counted(within_days, 'day')}.")
    else:
        print_table(_due_table(due, now))
        typer.echo(f"Stays:  tallylight list review {folder} HANDLE --until DAY")
        typer.echo(f"Leaves: tallylight list remove {folder} HANDLE")


def _renew_review(folder: Path, handle: str, until: datetime | None, *, json: bool) -> None:
    if until is None:
        raise EntryRefused("Say until when the entry may stay before its next review: --until.")
    site = open_site(folder)
    handle = find_handle(site, handle)
    entry = renew_review(site, handle, end_of_day(until), datetime.now(UTC))
    day = last_day(entry.review_utc_s)
    sentence = f"Entry {handle} is to be reviewed by {day}: build, sign and publish it now."
    print_result(sentence, json=json, handle=handle, review_utc_s=entry.review_utc_s)


@app.command()
def show(folder: Folder, handle: Handle = None, case: OfCase = "", *, json: Json = False) -> None:
    """Show the entries for the next list: handles and reasons, no names and no faces."""
    site = open_site(folder)
    entries = [kept.entry for kept in kept_entries(site)]
    if handle is not None or case:
        named = _named_handles(site, handle, case)
        entries = [entry for entry in entries if entry.handle.hex() in named]
    if json:
        typer.echo(dumps({"entries": [write_entry(entry) for entry in entries]}).decode())
    else:
        empty = "There is no entry for the next list: tallylight list add."
        typer.echo("\n\n".join(map(describe_entry, entries)) or empty)


def _due_table(entries: Sequence[Entry], now: datetime) -> Table:
    """Return a table of entries whose review is due; a late one is no longer searched for."""
    table = Table("Review by", "Entry", "Asked for by", "Ends")
    table.columns[1].no_wrap = True  # A broken handle cannot be copied.
    for entry in sorted(entries, key=lambda each: each.review_utc_s):
        late = entry.review_utc_s <= now.timestamp()
        review = Text(f"{last_day(entry.review_utc_s)}{' LATE' if late else ''}")
        review.stylize("bold red" if late else "")
        asking = f"{entry.requested_by},\n{entry.organisation}"
        table.add_row(review, entry.handle.hex(), asking, last_day(entry.expires_utc_s))
    return table
