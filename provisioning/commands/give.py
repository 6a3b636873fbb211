"""`tallylight give`: write what signers need onto a memory stick, without keys and entries."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from provisioning.commands.options import Json, print_result, site_here
from provisioning.stick.give import give_stick

app = typer.Typer(add_completion=False)


@app.command()
def give(
    stick: Annotated[Path, typer.Argument(help="The memory stick.")],
    source: Annotated[Path, typer.Option("--from", help="The site's folder.")] = Path(),
    *,
    json: Json = False,
) -> None:
    """Write what holders and organisations need to sign onto a memory stick; it gets no key."""
    folder = give_stick(site_here(source, "--from"), stick, datetime.now(UTC))
    print_result(
        f"{folder} holds what signers need, and no key. They name this folder in tallylight list "
        "sign, policy sign or site sign.",
        json=json,
        folder=str(folder),
    )
