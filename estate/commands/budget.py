"""`tallylight-estate budget`: test every camera's false alarms against the policy's rate."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from estate.accounts.books import camera_records
from estate.budget.false_alarms import FalseAlarmCount, count_false_alarms
from estate.budget.statement import (
    UNITS,
    last_statement,
    offer_statement,
    record_states,
    write_statement_files,
)
from estate.commands.options import (
    AsJson,
    Settings,
    Yes,
    current_site,
    open_office,
)
from estate.commands.own_keys import own_ledger_key
from estate.passphrase import PassphraseFile, unlock
from estate.store.ledger import ledger_records
from formats.errors import Refused
from formats.public_keys import signing_key
from terminal import consent as screen
from terminal.days import read_day
from terminal.tables import print_table


def budget(  # noqa: PLR0913  # Each is an option.
    config: Settings,
    to: Annotated[
        Path | None,
        typer.Option("--sign", help="Folder for the signed statement: the site's estate/."),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            parser=read_day,
            metavar="DAY",
            help="Count from this day, UTC; what was before is cleared.",
        ),
    ] = None,
    passphrase_file: PassphraseFile = None,
    *,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Test every camera's false alarms. A broken budget, signed and published, stops the camera."""
    if since is not None and since.date() > datetime.now(UTC).date():
        raise Refused("--since is in the future: nothing would be counted, and nothing was signed.")
    office, store = open_office(config)
    locked = own_ledger_key(office) if to is not None else None
    site = current_site(office)
    from_ms = int(since.replace(tzinfo=UTC).timestamp() * 1000) if since else 0
    with store.reading() as connection:
        mine, theirs = ledger_records(connection), list(camera_records(connection))
    found = count_false_alarms(mine, theirs, site.policy.fpir_ppm, from_ms)
    if to is not None and locked is not None:
        offer = offer_statement(to, found, site.policy.site, datetime.now(UTC))
        before = last_statement(to, site.policy.site, signing_key(locked.public))
        asked = f"{locked.holder} is asked to sign which cameras have broken their budget."
        shown = screen.compared(asked, before, offer.items, since=f"the last statement in {to}")
        screen.agree(shown, "Sign this statement?", yes=yes, json=as_json)
        key = unlock(locked, passphrase_file)
        with store.writing() as connection:
            record_states(connection, found)
        write_statement_files(to, offer, key)
    store.close()
    _show(found, as_json=as_json)
    if to is not None:
        typer.echo(
            f"The signed statement is in {to}. A list authority takes it in with tallylight take, "
            "and publishes it with tallylight list renew.",
            err=as_json,
        )


def _show(found: list[FalseAlarmCount], *, as_json: bool) -> None:
    if as_json:
        lines = [
            {
                "camera": each.camera.hex(),
                "state": str(each.state),
                "false_alarms": each.false_alarms,
                str(each.unit): each.compared,
            }
            for each in found
        ]
        typer.echo(json.dumps({"cameras": lines}))
        return
    shown = Table()
    for title in ("camera", "false alarms", "compared", "budget"):
        shown.add_column(title)
    for each in found:
        compared = f"{each.compared:,} {UNITS[each.unit]}"
        shown.add_row(each.camera.hex()[:8], str(each.false_alarms), compared, str(each.state))
    print_table(shown)
