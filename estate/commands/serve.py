"""`tallylight-estate serve`: the health of everything, on this machine; for Prometheus if asked."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
import uvicorn
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from rich.console import Console
from rich.table import Table
from rich.text import Text
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from estate.commands.office import AsJson, Settings, open_office, site_now
from estate.config import Office
from estate.monitoring.health import CameraHealth, Health, look, prometheus
from estate.store.envelopes import Store

HOST: Final = "127.0.0.1"
POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; "
    "frame-ancestors 'none'"
)
SOON_S: Final = 30 * 86400
"""A certificate that ends so soon is to be replaced now."""
Certificates = Annotated[
    list[Path] | None, typer.Option("--certificate", help="PEM file to watch; may be repeated.")
]


@dataclass(frozen=True, slots=True)
class Line:
    """One figure in words."""

    name: str
    value: str
    wrong: bool = False
    """Whether somebody has to do something."""


def health(config: Settings, certificate: Certificates = None, *, as_json: AsJson = False) -> None:
    """Say how cameras, list, certificates and retention are doing."""
    office, store = open_office(config)
    seen = look(store, site_now(office), certificate or [], datetime.now(UTC))
    store.close()
    if as_json:
        typer.echo(json.dumps(seen.to_json()))
        return
    shown = Table(show_header=False)
    for line in lines(seen):
        shown.add_row(Text(line.name), Text(line.value, "bold red" if line.wrong else ""))
    Console(markup=False).print(shown)


def serve(
    config: Settings,
    port: Annotated[int, typer.Option(help="Of the loopback address.")] = 9464,
    certificate: Certificates = None,
    *,
    metrics: Annotated[bool, typer.Option("--metrics", help="Answer Prometheus, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Serve the health view on this machine; nothing in it is about people."""
    office, store = open_office(config)
    look(store, site_now(office), certificate or [], datetime.now(UTC))  # Refuse before serving.
    address = f"http://{HOST}:{port}/"
    typer.echo(json.dumps({"address": address}) if as_json else f"The health view is at {address}")
    pages = make_pages(office, store, certificate or [], metrics=metrics)
    uvicorn.run(pages, host=HOST, port=port, log_level="warning", access_log=False)
    store.close()


def make_pages(
    office: Office, store: Store, certificates: list[Path], *, metrics: bool
) -> Starlette:
    """Return the health view; with `metrics`, an endpoint for Prometheus beside it."""
    folder = Path(__file__).parents[1] / "report"
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
    )

    def now() -> Health:
        return look(store, site_now(office), certificates, datetime.now(UTC))

    def page(_request: Request) -> Response:
        seen = now()
        at = datetime.fromtimestamp(seen.now_utc_s, UTC).strftime("%d %B %Y, %H:%M:%S UTC")
        text = environment.get_template("health.html").render(lines=lines(seen), at=at)
        return HTMLResponse(text, headers={"content-security-policy": POLICY})

    def script(_request: Request) -> Response:
        return FileResponse(folder / "health.js", media_type="text/javascript")

    def machine(_request: Request) -> Response:
        return Response(json.dumps(now().to_json()), media_type="application/json")

    def scrape(_request: Request) -> Response:
        return PlainTextResponse(prometheus(now()), media_type="text/plain; version=0.0.4")

    routes = [Route("/", page), Route("/health.js", script), Route("/health.json", machine)]
    if metrics:
        routes.append(Route("/metrics", scrape))
    guard = Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])
    return Starlette(routes=routes, middleware=[guard])


def lines(seen: Health) -> list[Line]:
    """Return the figures in words."""
    found = [_camera(seen, each) for each in seen.cameras]
    left = "has run out: cameras are dark" if seen.repository_lapsed else "is fresh"
    issued = f"version {seen.list_version}, issued {_ago(seen, seen.list_issued_utc_s)}"
    overdue = f"{seen.overdue}" + (" - run retain" * bool(seen.overdue))
    found += [
        Line("List", issued),
        Line("List ends", *_end(seen, seen.list_expires_utc_s, soon_s=0)),
        Line("Repository", left, wrong=seen.repository_lapsed),
        Line("Waiting for two people", str(seen.waiting)),
        Line("Older than the policy allows", overdue, wrong=bool(seen.overdue)),
    ]
    for name, end_s in seen.certificates.items():
        found.append(Line(f"Certificate {name}", *_end(seen, end_s, soon_s=SOON_S)))
    return found


def _camera(seen: Health, camera: CameraHealth) -> Line:
    last = "never"
    if camera.last_word_utc_ms is not None:
        last = _ago(seen, camera.last_word_utc_ms // 1000)
    words = f"last event {last}; {camera.events} events, {camera.gaps} gaps, {camera.forks} forks"
    wrong = bool(camera.gaps or camera.forks)
    return Line(f"{camera.place} ({camera.camera[:8]})", words + _status(seen, camera), wrong)


def _status(seen: Health, camera: CameraHealth) -> str:
    if camera.status_utc_ms is None or camera.looking_s is None:
        return ""
    warm = "" if camera.temperature_c is None else f", {camera.temperature_c:.0f} degrees"
    return (
        f"; {_ago(seen, camera.status_utc_ms // 1000)} it said: looking for "
        f"{_span(camera.looking_s)}, list version {camera.list_version}, "
        f"{camera.outbox} in its outbox{warm}"
    )


def _ago(seen: Health, utc_s: int) -> str:
    return f"{_span(seen.now_utc_s - utc_s)} ago"


def _end(seen: Health, utc_s: int, *, soon_s: int) -> tuple[str, bool]:
    """Return when something ends or ended, and whether that needs somebody."""
    left_s = utc_s - seen.now_utc_s
    words = f"in {_span(left_s)}" if left_s > 0 else f"{_span(-left_s)} ago"
    return words, left_s <= soon_s


def _span(seconds: int) -> str:
    for length, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= length:
            count = seconds // length
            return f"{count} {name}{'s' * (count > 1)}"
    return "less than a minute"
