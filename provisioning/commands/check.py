"""`tallylight check`: judge what a mounted camera says of itself, in one table."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from formats.strict_json import JsonValue
from provisioning.commands.options import Json, print_result
from provisioning.errors import CameraRefused
from provisioning.foreign_file import read_foreign
from provisioning.inspection.advice import advise
from provisioning.inspection.report import REPORT_LIMIT, read_report
from terminal.tables import print_table

app = typer.Typer(add_completion=False)


@app.command()
def check(
    report: Annotated[
        Path, typer.Argument(help="What tallylight-camera doctor --json printed; - reads a pipe.")
    ],
    *,
    json: Json = False,
) -> None:
    """Judge what a mounted camera says of itself: each part, its place, and whether it is armed."""
    found = read_report(_content(report))
    rows = [(each.there, each.name, each.words) for each in found.parts]
    rows += [(each.good, each.topic, each.words) for each in advise(found.period)]
    table = Table("", "What", "Found", box=None)
    for good, name, words in rows:
        table.add_row("ok" if good else "LOOK", name, words)
    if not json:
        print_table(table)
    lines: list[JsonValue] = [
        {"good": good, "name": name, "words": words} for good, name, words in rows
    ]
    print_result(
        f"\n{found.verdict}",
        json=json,
        armed=found.armed,
        verdict=found.verdict,
        version=found.version,
        lines=lines,
    )
    if not found.armed:
        raise typer.Exit(1)


def _content(report: Path) -> bytes:
    if str(report) == "-":
        return sys.stdin.buffer.read(REPORT_LIMIT + 1)
    try:
        return read_foreign(report.parent, report.name, limit=REPORT_LIMIT)
    except FileNotFoundError as error:
        raise CameraRefused(
            f"There is no report {report}: run tallylight-camera doctor --json on the camera."
        ) from error
