"""`tallylight check`: judge what a mounted camera says of itself, in one table.

The report comes over the camera's USB cable, or from a file or a pipe.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from formats.strict_json import JsonValue
from provisioning.commands.options import (
    InstallersKey,
    Json,
    Link,
    PassphraseFile,
    print_result,
    unlocked_installer,
)
from provisioning.errors import CameraRefused
from provisioning.foreign_file import read_foreign
from provisioning.inspection.advice import advise
from provisioning.inspection.report import REPORT_LIMIT, read_report
from provisioning.inspection.service_cable import ServiceCable
from terminal.tables import print_table

app = typer.Typer(add_completion=False)


@app.command()
def check(
    camera: Annotated[
        str,
        typer.Argument(
            help="With --key: first 8 digits of the camera's number. Without: a file with what "
            "tallylight-camera doctor --json printed; - reads a pipe."
        ),
    ],
    key: InstallersKey = None,
    passphrase_file: PassphraseFile = None,
    *,
    link: Link = None,
    json: Json = False,
) -> None:
    """Judge what a mounted camera says of itself: each part, its place, and whether it is armed."""
    if key is None:
        content = _content(Path(camera))
    else:
        cable = ServiceCable(camera, unlocked_installer(key, passphrase_file), link or ())
        content = cable.report()
    found = read_report(content)
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
            f"There is no report {report}: name the camera's cable with --key, or bring what "
            "tallylight-camera doctor --json printed."
        ) from error
