"""Show memory cards before they are overwritten, and have their names typed."""

import sys
from collections.abc import Sequence
from pathlib import Path

import typer
from rich.table import Table

from provisioning.errors import FlashRefused
from provisioning.flash.block_devices import Target


def card_table(targets: Sequence[Target]) -> Table:
    """Return the cards as a person knows them: size, model, serial number, contents."""
    table = Table("Device", "Size", "What it is", "On it now", box=None)
    for target in targets:
        size = f"{target.size / 1e9:.1f} GB" if target.size else "new"
        place = f"in {target.reader}" if target.reader != target.path else ""
        what = " ".join(part for part in (target.model, target.serial, place) if part)
        table.add_row(target.path, size, what, target.contents)
    return table


def confirm_names(targets: Sequence[Target], confirm: str | None) -> None:
    """Have the names of the cards typed, in their order.

    Args:
        targets: the cards that were shown.
        confirm: what a script typed; None: ask.

    Raises:
        FlashRefused: something else was typed, or there is no terminal to ask on.
    """
    wanted = " ".join(Path(target.path).name for target in targets)
    if confirm is None:
        if not sys.stdin.isatty():
            raise FlashRefused(
                "Nothing was written, because there is no terminal to ask on: read what is shown, "
                f"then repeat with --confirm '{wanted}'."
            )
        confirm = typer.prompt(f"Type {wanted} to overwrite them", err=True)
    if confirm.split() != wanted.split():
        raise FlashRefused(f"You did not type {wanted}: nothing was written.")
