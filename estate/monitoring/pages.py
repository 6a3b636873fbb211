"""The health view's web server: an HTML page, JSON, and a Prometheus endpoint if asked for.

It listens on the loopback address alone and refuses requests for other host names.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from estate.monitoring.health import Health
from estate.monitoring.health_text import health_lines
from estate.monitoring.metrics import prometheus_text

HOST: Final = "127.0.0.1"
FOLDER: Final = Path(__file__).parent
POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; "
    "frame-ancestors 'none'"
)


def make_pages(read: Callable[[], Health], *, metrics: bool) -> Starlette:
    """Return the health view.

    Args:
        read: returns the health at the moment of a request.
        metrics: whether to answer `/metrics` for Prometheus, too.
    """
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
    )

    def page(_request: Request) -> Response:
        seen = read()
        at = datetime.fromtimestamp(seen.now_utc_s, UTC).strftime("%d %B %Y, %H:%M:%S UTC")
        text = environment.get_template("health.html").render(lines=health_lines(seen), at=at)
        return HTMLResponse(text, headers={"content-security-policy": POLICY})

    def script(_request: Request) -> Response:
        return FileResponse(FOLDER / "health.js", media_type="text/javascript")

    def figures(_request: Request) -> Response:
        return Response(json.dumps(read().to_json()), media_type="application/json")

    def scrape(_request: Request) -> Response:
        return PlainTextResponse(prometheus_text(read()), media_type="text/plain; version=0.0.4")

    routes = [Route("/", page), Route("/health.js", script), Route("/health.json", figures)]
    if metrics:
        routes.append(Route("/metrics", scrape))
    guard = Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])
    return Starlette(routes=routes, middleware=[guard])
