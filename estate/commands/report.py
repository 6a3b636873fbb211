"""`tallylight-estate report` and `ask`: what the public and one person are told."""

import json
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from estate.accounts.books import camera_records
from estate.accounts.subject_access import first_met, letter, stays
from estate.commands.office import AsJson, Settings, open_office, site_now
from estate.errors import SiteRefused
from estate.report.figures import Figures, gather
from estate.report.page import page
from estate.signed_site import lists, remember
from estate.store.envelopes import Store
from estate.store.ledger import head, records
from formats.errors import Refused


def report(  # noqa: PLR0913  # Each is an option.
    config: Settings,
    since: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day, UTC.")],
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The day after the last.")],
    to: Annotated[Path, typer.Option(help="The page; the same figures lie beside it in JSON.")],
    groups: Annotated[
        Path | None,
        typer.Option(help='Trials with volunteers, by group: {"name": [errors, of], ...}.'),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Write the public report of a period: one page that needs nothing else, and JSON."""
    office, store = open_office(config)
    if since >= until:
        raise Refused("The period ends before it begins: --until is the day after the last.")
    with suppress(SiteRefused), store.writing() as connection:
        remember(connection, site_now(office))  # An old report needs no repository of today.
    figures = _figures(store, since.date(), until.date(), _groups(groups))
    store.close()
    to.write_text(page(figures), encoding="utf-8")
    beside = to.with_suffix(".json")
    beside.write_text(json.dumps(figures.to_json(), indent=1) + "\n", encoding="utf-8")
    if as_json:
        typer.echo(json.dumps({"page": str(to), "figures": str(beside)}))
        return
    typer.echo(f"The report of {figures.site or office.site} is in {to}, its figures in {beside}.")


def ask(
    config: Settings,
    reference: Annotated[str, typer.Argument(help="The case reference that the person gives.")],
    to: Annotated[Path | None, typer.Option("--letter", help="Write a letter, too.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Answer "was I on a list, when, on whose request?" from a case reference."""
    office, store = open_office(config)
    with store.reading() as connection:
        met = lists(connection)
    store.close()
    answers, since = stays(met, reference), first_met(met)
    if to is not None:
        site = met[-1][1].site if met else office.site.name
        to.write_text(letter(site, reference, answers, since, datetime.now(UTC)), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps({"entries": [each.to_json() for each in answers]}))
        return
    if not answers:
        kept = f"since {since:%d %B %Y}" if since else "yet: none was met"
        typer.echo(f"No entry was made under this reference on any list kept {kept}.")
    for each in answers:
        shown = Table(show_header=False, title=each.category, title_justify="left")
        for name, value in each.to_json().items():
            text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
            shown.add_row(name.replace("_", " "), text)
        Console(markup=False).print(shown)
    if to is not None:
        typer.echo(f"The letter is in {to}.")


def _figures(store: Store, since: date, until: date, groups: dict[str, tuple[int, int]]) -> Figures:
    with store.reading() as connection:
        figures = gather(
            records(connection),
            list(camera_records(connection)),
            lists(connection),
            since=since,
            until=until,
            groups=groups,
        )
        figures.ledger_head = head(connection).digest.hex()
    return figures


def _groups(file: Path | None) -> dict[str, tuple[int, int]]:
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
