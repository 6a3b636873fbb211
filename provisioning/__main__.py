"""`tallylight`: the command line of installers and list authorities. Exit codes 0, 1, 2, 3.

0 done, 1 refused, 2 wrong usage, 3 something is due (`list status` alone). A refused command prints
one sentence and changes nothing. A noun's module is loaded when the noun is used, so that no
command waits for the libraries of another noun.
"""

from importlib import import_module
from typing import Any, TypeAlias

import typer

from terminal.command_line import Refusing, Version, run_program

NOUNS = (
    *("model", "site", "organisation", "camera", "recipients", "policy", "list", "portrait"),
    *("give", "take", "broker", "desk", "flash", "register", "papers", "check", "locate", "wipe"),
    "update",
)
"""The nouns, in the order in which a new site needs them; some are verbs and have no nouns."""


_Click: TypeAlias = Any  # Some versions of Typer carry a click of their own, others do not.


class Nouns(Refusing):
    """The command group that loads each noun's module when the noun is used."""

    def list_commands(self, ctx: _Click) -> list[str]:  # noqa: ARG002  # Click's signature.
        """Return all nouns, in order."""
        return list(NOUNS)

    def get_command(self, ctx: _Click, cmd_name: str) -> _Click:  # noqa: ARG002  # The same.
        """Return the commands of one noun."""
        if cmd_name not in NOUNS:
            return None
        module = import_module(f"provisioning.commands.{cmd_name}")
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        return command


app = typer.Typer(cls=Nouns, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def tallylight(*, version: Version = False) -> None:  # Answered by its callback.
    """Make keys, sites, lists and broker files for Tallylight cameras."""


def main() -> None:
    """Run the command line, with this process's memory closed to debuggers."""
    run_program(app, "tallylight")


if __name__ == "__main__":
    main()
