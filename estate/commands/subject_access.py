"""`tallylight-estate ask`: answer a subject access request from a case reference."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from estate.accounts.subject_access import find_entries, oldest_list, render_letter
from estate.commands.options import AsJson, Settings, open_office
from estate.errors import BooksRefused
from estate.signed_site import stored_lists
from formats.strict_json import is_printable
from formats.whole_file import write_whole
from terminal.tables import print_table


def ask(
    config: Settings,
    reference: Annotated[str, typer.Argument(help="The case reference that the person gives.")],
    to: Annotated[Path | None, typer.Option("--letter", help="Write a letter, too.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Answer "was I on a list, when, on which organisation's request?" from a case reference."""
    if not is_printable(reference):
        raise BooksRefused("The reference holds characters that cannot be printed: type it anew.")
    office, store = open_office(config)
    with store.reading() as connection:
        lists = stored_lists(connection)
    store.close()
    entries, since = find_entries(lists, reference), oldest_list(lists)
    if to is not None:
        site = lists[-1][1].site if lists else office.site.name
        page = render_letter(site, reference, entries, since, datetime.now(UTC))
        write_whole(to, page.encode())
    if as_json:
        typer.echo(json.dumps({"entries": [each.to_json() for each in entries]}))
        return
    if not entries:
        stored = f"since {since:%d %B %Y}" if since else "yet: this office has stored no list"
        typer.echo(f"No entry was made under this reference on any list stored {stored}.")
    for each in entries:
        shown = Table(show_header=False, title=each.category, title_justify="left")
        for name, value in each.to_json().items():
            text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
            shown.add_row(name.replace("_", " "), text)
        print_table(shown)
    if to is not None:
        typer.echo(f"The letter is in {to}.")
