"""`tallylight-estate hand-overs`: to whom confirmed matches were handed over, when and by whom."""

import json
from dataclasses import asdict

import typer
from rich.table import Table

from estate.commands.options import AsJson, Settings, current_site, open_office
from estate.opening.facts import moment
from estate.verdicts.hand_overs import HandOver, HandOvers
from terminal.tables import print_table


def hand_overs(config: Settings, *, as_json: AsJson = False) -> None:
    """List every hand-over of a match, also of destroyed ones, from the verified ledger."""
    office, store = open_office(config)
    site = current_site(office)
    with store.reading() as connection:
        found = HandOvers().every(connection, site.reviewers)
    store.close()
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in found]))
    elif not found:
        typer.echo("No match was handed over.")
    else:
        print_table(_table(found))


def in_one_line(each: HandOver) -> str:
    """Return to whom, when, by whom, and with which key one match was handed over."""
    return f"to {each.to}, {moment(each.utc_ms)}, signed by {_signed(each)}; {each.recipient}"


def _signed(each: HandOver) -> str:
    return " and ".join(each.by) + (f": {each.note}" if each.note else "")


def _table(found: list[HandOver]) -> Table:
    table = Table("event", "to", "age key", "when", "signed by")
    for each in found:
        when = moment(each.utc_ms)
        table.add_row(each.event[:16], each.to, each.recipient, when, _signed(each))
    return table
