"""`tallylight site`: agree on a plan, then hold the ceremony that begins a site."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from formats.keyfile import INTERACTIVE
from formats.policy import site_name_is_plain
from provisioning.ceremony import hold_ceremony
from provisioning.commands.options import Folder, PassphraseFile, new_passphrase
from provisioning.errors import PlanRefused
from provisioning.plan import example, read_plan

app = typer.Typer(help="Begin a site.", no_args_is_help=True)


@app.command()
def plan(
    name: Annotated[str, typer.Option(help="Name of the site: letters, digits, hyphens.")],
) -> None:
    """Print a plan to start from: put it into a file, agree on it, change it."""
    if not site_name_is_plain(name):
        raise PlanRefused("A site's name is 1 to 32 lower-case letters, digits and hyphens.")
    typer.echo(example(name, datetime.now(UTC).date()), nl=False)


@app.command()
def init(
    folder: Folder,
    plan: Annotated[Path, typer.Option(help="The plan that was agreed on.")],
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make every key of a new site and its trusted root."""
    agreed = read_plan(plan)
    passphrase = new_passphrase(passphrase_file)
    site = hold_ceremony(folder, agreed, passphrase, cost=INTERACTIVE, now=datetime.now(UTC))
    console = Console()
    console.print(f"The site [bold]{agreed.site}[/] is in {folder}.")
    console.print(f"Every camera's image carries {site.folder / 'root.json'}.")
    console.print(f"Give each file in {site.keys} to its holder, then remove it from this machine.")
