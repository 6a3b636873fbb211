"""The command line `tallylight-estate`. Exit status: 0 done, 1 refused, 2 wrong usage.

Each command does all that its help says, or it changes nothing and prints one sentence.
"""

import logging

import typer

from estate.commands import ledger
from estate.commands.backup import back_up, restore
from estate.commands.budget import budget
from estate.commands.cameras import show_cameras
from estate.commands.events import open_events, receive_events
from estate.commands.export import export
from estate.commands.hand_overs import hand_overs
from estate.commands.health import health, serve
from estate.commands.holds import hold, release
from estate.commands.key import make_keys
from estate.commands.report import report
from estate.commands.retention import retain
from estate.commands.review import review
from estate.commands.subject_access import ask
from terminal.command_line import Refusing, Version, run_program

app = typer.Typer(cls=Refusing, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def estate(*, version: Version = False) -> None:  # noqa: ARG001  # Answered by its callback.
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
app.command()(export)
app.command()(hand_overs)
app.add_typer(ledger.app, name="ledger")


def main() -> None:
    """Run the command line, with this process's memory closed to debuggers."""
    run_program(app, "tallylight-estate")


if __name__ == "__main__":
    main()
