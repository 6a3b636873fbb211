"""Options that several commands share, and the one way in which commands print their result."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from formats.strict_json import JsonValue, dumps

Folder: TypeAlias = Annotated[Path, typer.Argument(help="The site's folder.")]
PassphraseFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="File with the passphrase, or a token's PIN, in its first line."),
]
TokenLabel: TypeAlias = Annotated[
    str | None, typer.Option("--token", help="Name of the token to make the key on.")
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]


def print_result(sentence: str, *, json: bool, **fields: JsonValue) -> None:
    """Print what was done: `sentence` for people, or `fields` as JSON for machines."""
    typer.echo(dumps(fields).decode() if json else sentence)
