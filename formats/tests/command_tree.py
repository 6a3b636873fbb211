"""Every command of a Typer application, for tests that look at all of them."""

from collections.abc import Iterator
from typing import Any


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401 - Typer ships no types for what it makes.
    """Return every command that is not a group, with its words."""
    if not hasattr(command, "list_commands"):
        yield path, command
        return
    context = command.make_context(None, [], resilient_parsing=True)
    for name in command.list_commands(context):
        yield from leaves(command.get_command(context, name), (*path, name))
