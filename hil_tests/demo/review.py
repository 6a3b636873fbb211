"""The estate's side of the demo: the office's books, the public report, two reviewers' consoles."""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hil_tests.rig.desk.programs import Programs
from hil_tests.rig.desk_site import DeskSite
from hil_tests.rig.site_maker import REVIEWERS, tallylight, tallylight_estate


def office(desk: DeskSite) -> Path:
    """Write the office's settings; return their file."""
    file = desk.folder / "office.toml"
    file.write_text(
        f"store = 'sqlite:///{desk.estate / 'events.sqlite'}'\n"
        f"site = '{desk.camera / 'inbox'}'\n"
        f"trusted_root = '{desk.site / 'root.json'}'\n"
        f"books = '{desk.estate / 'books'}'\n"
        f"ledger_key = '{desk.estate / 'ledger.key'}'\n",
        encoding="utf-8",
    )
    return file


def send_portrait(desk: DeskSite, handle: str, picture: Path) -> None:
    """Let the authority seal the enrolment picture to the reviewers."""
    tallylight(
        *("portrait", "seal", str(desk.site), handle, "--picture", str(picture)),
        *("--key", str(min((desk.site / "keys").glob("list-seal-*.key")))),
        *("--to", str(desk.estate / "books" / "portraits")),
        *("--passphrase-file", str(desk.passphrase), "--yes"),
    )


def write_report(desk: DeskSite, to: Path) -> None:
    """Take in the camera's ledgers, sign the books, and write the public report of today."""
    config = ("--config", str(office(desk)))
    for program in ("lampguard", "watch", "courier"):
        tallylight_estate("ledger", "add", str(desk.camera / program / "ledger.jsonl"), *config)
    passphrase = ("--passphrase-file", str(desk.passphrase))
    tallylight_estate("ledger", "checkpoint", *config, *passphrase, "--yes")
    today = datetime.now(UTC).date()
    days = ("--since", str(today), "--until", str(today + timedelta(days=1)))
    tallylight_estate("report", *config, *days, "--to", str(to))


def review(desk: DeskSite, say: Callable[[str], None], *, browser: bool) -> None:
    """Run both reviewers' consoles until Ctrl-C, and print their addresses.

    Raises:
        DeskRefused: a console ended; the message has its last line.
    """
    with Programs(desk.folder / "logs") as programs:
        for reviewer in REVIEWERS:
            command = [
                *(sys.executable, "-m", "estate", "review", "--config", str(office(desk))),
                *("--key", str(desk.estate / f"{reviewer}.key")),
                *("--passphrase-file", str(desk.passphrase)),
                *(["--browser"] if browser else []),
            ]
            console = programs.start(f"console-{reviewer}", command, listen=True)
            assert console.stdout is not None  # `listen` opens it.
            say(console.stdout.readline().decode().strip())
        say("Each console belongs to one reviewer: give a verdict in both. Ctrl-C ends them.")
        while True:
            programs.alive()
            time.sleep(0.5)
