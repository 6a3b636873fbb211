"""The outcome of a command: a refusal is one sentence on standard error and exit code 1.

`Refusing` is the group of a Typer application that does so; its output survives terminals without
UTF-8. `run_program` starts an application in a process whose memory is closed to debuggers.
"""

import sys
from typing import Annotated, Any, TypeAlias

import typer
from typer.core import TyperGroup

from formats import VERSION
from formats.errors import Refused
from formats.memory import MemoryOpen, close_memory
from terminal.encoding import replace_what_cannot_be_shown


def _print_version(context: typer.Context, wanted: bool) -> None:  # noqa: FBT001  # Typer's.
    if wanted:
        typer.echo(f"{context.info_name} {VERSION}")
        raise typer.Exit


Version: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--version", is_eager=True, callback=_print_version, help="Print the version and exit."
    ),
]
"""The option that every program has."""
_Click: TypeAlias = Any  # Some versions of Typer carry a click of their own, others do not.


class Refusing(TyperGroup):
    """A command group that prints why a command was refused, and ends with exit code 1."""

    def invoke(self, ctx: _Click) -> _Click:
        """Run the command, or print in one sentence why it was refused."""
        replace_what_cannot_be_shown()
        try:
            return super().invoke(ctx)
        except Refused as error:
            typer.echo(f"Refused: {error}", err=True)
        except OSError as error:
            typer.echo(f"Refused: {describe_os_error(error)}", err=True)
        raise typer.Exit(1)


def describe_os_error(error: OSError) -> str:
    """Return an error of the operating system as one sentence, with the file that it names."""
    what = ": ".join(str(part) for part in (error.strerror, error.filename) if part)
    return f"{what or str(error) or 'The operating system gave no reason'}."


def run_program(app: typer.Typer, name: str) -> None:
    """Run a command line until it exits."""
    try:
        close_memory()  # Before a key or a passphrase is in it.
    except MemoryOpen as error:
        sys.exit(f"Refused: {error}")
    app(prog_name=name)
