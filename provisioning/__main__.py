"""`tallylight`: the command line of installers and list authorities. Exit codes 0, 1, 2.

0 done, 1 refused, 2 wrong usage. A refused command prints one sentence and changes nothing. A
noun's module is loaded when the noun is used, so that no command waits for the libraries of another
noun.
"""

import sys
from importlib import import_module
from typing import Any, TypeAlias

import typer
from typer.core import TyperGroup

from formats.errors import Refused
from formats.memory import MemoryOpen, close_memory
from provisioning.errors import ProvisioningError

NOUNS = ("model", "site", "camera", "recipients", "policy", "list", "portrait", "broker")
"""The nouns, in the order in which a new site needs them."""


_Click: TypeAlias = Any  # Some versions of Typer carry a click of their own, others do not.


class Nouns(TyperGroup):
    """The command group that loads each noun's module, and turns a refusal into exit code 1."""

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

    def invoke(self, ctx: _Click) -> _Click:
        """Run the command, or print in one sentence why it was refused."""
        try:
            return super().invoke(ctx)
        except (ProvisioningError, Refused) as error:
            typer.echo(f"Refused: {error}", err=True)
        except OSError as error:
            typer.echo(f"Refused: {error.strerror}: {error.filename}.", err=True)
        raise typer.Exit(1)


app = typer.Typer(cls=Nouns, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def tallylight() -> None:
    """Make keys, sites, lists and broker files for Tallylight cameras."""


def main() -> None:
    """Run the command line, with this process's memory closed to debuggers."""
    try:
        close_memory()  # Before a key or a passphrase is in it.
    except MemoryOpen as error:
        sys.exit(f"Refused: {error}")
    app(prog_name="tallylight")


if __name__ == "__main__":
    main()
