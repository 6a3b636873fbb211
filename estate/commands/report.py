"""`tallylight-estate report`: the public transparency report of a period, as HTML and JSON."""

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from estate.accounts.books import camera_records
from estate.commands.options import AsJson, Settings, current_site, open_office
from estate.errors import BooksRefused, SiteRefused
from estate.report.figures import Figures, count_figures
from estate.report.page import render_page
from estate.signed_site import store_list, stored_lists
from estate.store.envelopes import Store
from estate.store.ledger import ledger_head, ledger_records
from formats.errors import Refused
from formats.ledger import Record
from formats.strict_json import UTC_HIGH_S
from formats.whole_file import write_whole
from terminal.days import read_day

LONGEST_DAYS: Final = 3 * 366
"""Days of a report at most: its page has a line for each."""


def report(  # noqa: PLR0913  # Each is an option.
    config: Settings,
    since: Annotated[
        datetime, typer.Option(parser=read_day, metavar="DAY", help="First day, UTC.")
    ],
    until: Annotated[
        datetime, typer.Option(parser=read_day, metavar="DAY", help="The day after the last.")
    ],
    to: Annotated[Path, typer.Option(help="File for the page; a JSON file is written beside it.")],
    groups: Annotated[
        Path | None,
        typer.Option(help='Trials with volunteers, by group: {"name": [errors, of], ...}.'),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Write the public report of a period: one HTML page, and the same figures in JSON."""
    if not to.name or to.suffix == ".json":
        raise Refused("Name an HTML file for the page: its figures are written beside it as JSON.")
    office, store = open_office(config)
    if since >= until:
        raise Refused("The period ends before it begins: --until is the day after the last.")
    if (until - since).days > LONGEST_DAYS:
        raise Refused(f"A report covers at most {LONGEST_DAYS} days: choose a shorter period.")
    if since.date() > datetime.now(UTC).date():
        raise Refused("The period begins in the future: there are no records of it yet.")
    with suppress(SiteRefused), store.writing() as connection:
        store_list(connection, current_site(office))  # A report on the past does not need it.
    figures = _figures(store, since.date(), until.date(), _groups(groups))
    store.close()
    beside = to.with_suffix(".json")
    write_whole(to, render_page(figures).encode())
    write_whole(beside, json.dumps(figures.to_json(), indent=1).encode() + b"\n")
    if as_json:
        typer.echo(json.dumps({"page": str(to), "figures": str(beside)}))
        return
    typer.echo(f"The report of {figures.site or office.site} is in {to}, its figures in {beside}.")


def _figures(store: Store, since: date, until: date, groups: dict[str, tuple[int, int]]) -> Figures:
    with store.reading() as connection:
        estate, cameras = ledger_records(connection), list(camera_records(connection))
        _refuse_times([*estate, *(record for _, record in cameras)])
        figures = count_figures(
            estate,
            cameras,
            stored_lists(connection),
            since=since,
            until=until,
            groups=groups,
        )
        figures.ledger_head = ledger_head(connection).digest.hex()
    return figures


def _refuse_times(records: Sequence[Record]) -> None:
    for record in records:
        if record.utc_ms > 1000 * UTC_HIGH_S:
            raise BooksRefused(
                f"Record {record.seq} of the ledger of {record.program} is from after 2099: keep "
                "the ledger as evidence."
            )


def _groups(file: Path | None) -> dict[str, tuple[int, int]]:
    """Read the trials with volunteers: for each group its errors, and of how many trials."""
    if file is None:
        return {}
    try:
        counted = json.loads(file.read_text("utf-8"))
        groups = {str(name): (int(errors), int(of)) for name, (errors, of) in counted.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise Refused(f'{file} does not hold {{"name": [errors, of], ...}}.') from error
    if any(not 0 <= errors <= of for errors, of in groups.values()):
        raise Refused(f"{file} counts more errors than trials in a group.")
    return groups
