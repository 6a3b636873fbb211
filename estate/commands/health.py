"""`tallylight-estate health` and `serve`: the health view, printed or served on this machine."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from rich.table import Table
from rich.text import Text

from estate.commands.listening import listening_socket
from estate.commands.options import AsJson, Settings, current_site, open_office
from estate.commands.own_keys import is_ledger_key_named
from estate.config import Office
from estate.monitoring.health import Health, read_health
from estate.monitoring.health_text import health_lines
from estate.monitoring.pages import HOST, make_pages
from estate.retention.certificates import absent_certificates
from estate.store.envelopes import Store
from estate.store.ledger import LedgerReader
from formats.ledger import Happening
from terminal.tables import print_table

Certificates = Annotated[
    list[Path] | None, typer.Option("--certificate", help="PEM file to watch; may be repeated.")
]


def health(config: Settings, certificate: Certificates = None, *, as_json: AsJson = False) -> None:
    """Say how cameras, list, certificates and retention are doing."""
    office, store = open_office(config)
    seen = _read(office, store, certificate, LedgerReader((Happening.DESTROYED,)))
    store.close()
    if as_json:
        typer.echo(json.dumps(seen.to_json()))
        return
    shown = Table(show_header=False)
    for line in health_lines(seen):
        shown.add_row(Text(line.name), Text(line.value, "bold red" if line.wrong else ""))
    print_table(shown)


def serve(
    config: Settings,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Of the loopback address.")] = 9464,
    certificate: Certificates = None,
    *,
    metrics: Annotated[bool, typer.Option("--metrics", help="Answer Prometheus, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Serve the health view on this machine; its figures say nothing about people."""
    office, store = open_office(config)
    destroyed = LedgerReader((Happening.DESTROYED,))

    def read() -> Health:
        return _read(office, store, certificate, destroyed)

    read()  # Refuse before serving.
    pages = make_pages(read, metrics=metrics)
    with listening_socket(port) as listening:
        address = f"http://{HOST}:{port}/"
        sentence = f"The health view is at {address}"
        typer.echo(json.dumps({"address": address}) if as_json else sentence)
        server = uvicorn.Server(uvicorn.Config(pages, log_level="warning", access_log=False))
        server.run(sockets=[listening])
    store.close()


def _read(
    office: Office, store: Store, certificates: list[Path] | None, destroyed: LedgerReader
) -> Health:
    site = current_site(office)
    seen = read_health(store, site, certificates or [], datetime.now(UTC))
    missing: list[str] = []
    if office.ledger_key:  # Only the machine that runs `retain` has the certificates.
        with store.reading() as connection:
            records = destroyed.records(connection)
        absent = absent_certificates(records, office.books / "certificates")
        missing = [event.hex() for event in absent]
    named = is_ledger_key_named(office, site)
    return replace(seen, ledger_key_is_named=named, missing_certificates=missing)
