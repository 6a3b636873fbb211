"""The command line `tallylight-estate`. Exit status: 0 done, 1 refused, 2 wrong usage.

Each command does all that its help says, or it changes nothing and prints one sentence.
"""

import logging
import sys
from typing import Any, TypeAlias

import typer
from typer.core import TyperGroup

from estate.commands import ledger
from estate.commands.backup import back_up, restore
from estate.commands.budget import budget
from estate.commands.cameras import show_cameras
from estate.commands.events import open_events, receive_events
from estate.commands.health import health, serve
from estate.commands.holds import hold, release
from estate.commands.key import make_keys
from estate.commands.report import report
from estate.commands.retention import retain
from estate.commands.review import review
from estate.commands.subject_access import ask
from formats.errors import Refused
from formats.memory import MemoryOpen, close_memory

_Click: TypeAlias = Any  # Some versions of Typer bring their own copy of click.


class Commands(TyperGroup):
    """Print the refusal of any command as one sentence, and exit with 1."""

    def invoke(self, ctx: _Click) -> _Click:
        """Run the command, or print in one sentence why it is refused."""
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
    """Receive sealed match events, store them sealed, answer with receipts, review them."""
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")


app.command("key")(make_keys)
app.command("receive")(receive_events)
app.command("open")(open_events)
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
app.command()(hold)
app.command()(release)
app.add_typer(ledger.app, name="ledger")


def main() -> None:
    """Run the command line, with this process's memory closed to debuggers."""
    try:
        close_memory()  # Before a key or a passphrase is in it.
    except MemoryOpen as error:
        sys.exit(f"Refused: {error}")
    app(prog_name="tallylight-estate")


if __name__ == "__main__":
    main()
