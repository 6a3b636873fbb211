"""`tallylight-estate`: what estate security runs. 0 did it, 1 refused, 2 wrong usage.

Every command either does the whole of what it says or changes nothing and prints one sentence.
"""

import logging
from typing import Any, TypeAlias

import typer
from typer.core import TyperGroup

from estate.commands import ledger
from estate.commands.backup import back_up, restore
from estate.commands.budget import budget
from estate.commands.key import make
from estate.commands.receive import open_again, receive_events, show_cameras
from estate.commands.report import ask, report
from estate.commands.retain import hold_event, release_event, retain
from estate.commands.review import review
from estate.commands.serve import health, serve
from formats.errors import Refused

_Click: TypeAlias = Any  # Some versions of Typer carry a click of their own, others do not.


class Commands(TyperGroup):
    """A refusal of any command is one sentence and exit 1."""

    def invoke(self, ctx: _Click) -> _Click:
        """Run the command, or say in one sentence why not."""
        try:
            return super().invoke(ctx)
        except Refused as error:
            typer.echo(f"Refused: {error}", err=True)
        except OSError as error:
            typer.echo(f"Refused: {error.strerror}: {error.filename}.", err=True)
        raise typer.Exit(1)


app = typer.Typer(cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def estate() -> None:
    """Receive sealed match events, keep them sealed, answer with receipts, open them."""
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")


app.command("key")(make)
app.command("receive")(receive_events)
app.command("open")(open_again)
app.command("cameras")(show_cameras)
app.command()(review)
app.command()(retain)
app.command()(report)
app.command()(ask)
app.command()(health)
app.command()(serve)
app.command("backup")(back_up)
app.command()(restore)
app.command()(budget)
app.command("hold")(hold_event)
app.command("release")(release_event)
app.add_typer(ledger.app, name="ledger")


def main() -> None:
    """Run the command line."""
    app(prog_name="tallylight-estate")


if __name__ == "__main__":
    main()
