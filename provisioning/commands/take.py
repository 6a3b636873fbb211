"""`tallylight take`: take signatures, policy, roots and list in from a memory stick; merge them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from formats.strict_json import JsonValue
from provisioning.commands.options import Json, print_result, site_here
from provisioning.errors import StickRefused
from provisioning.site.minutes import root_sentence
from provisioning.stick.part import Result
from provisioning.stick.take import take_stick

app = typer.Typer(add_completion=False)


@app.command()
def take(
    stick: Annotated[Path, typer.Argument(help="The memory stick, or the site's folder on it.")],
    into: Annotated[Path, typer.Option(help="The site's folder.")] = Path(),
    *,
    json: Json = False,
) -> None:
    """Take in what is signed on a memory stick: verify it, merge signatures, keep the newer."""
    site, parts = site_here(into, "--into"), []
    if not json:
        typer.echo(root_sentence(site.root))
    for part in take_stick(site, stick, datetime.now(UTC)):
        parts.append(part)
        if not json:
            typer.echo(f"{part.result:8} {part.sentence}")
    if json:
        rows: list[JsonValue] = [
            {"result": str(part.result), "sentence": part.sentence} for part in parts
        ]
        print_result("", json=True, parts=rows)
    elif not parts:
        typer.echo("The stick holds nothing that is signed.")
    refused = sum(part.result is Result.REFUSED for part in parts)
    if refused:
        raise StickRefused(f"{refused} of these stayed on the stick: find out who put them there.")
