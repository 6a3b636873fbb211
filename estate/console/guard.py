"""Access control of the console: token, Host and Origin checks (DNS rebinding, CSRF), headers.

The console has a host name of its own, `<random>.localhost`, which browsers send to this machine.
Cookies belong to a host and not to a port: another program on this machine, at another port of
127.0.0.1 or localhost, receives none of ours.

A request is answered if
(0) its Host is this console's own name, so that no web page reaches the console through DNS;
(1) it carries the token of the address that the terminal printed, which works once; or
(2) it carries the cookie that this first request was given, which scripts cannot read and other
    sites cannot cause to be sent; and the browser says that no other site has caused the request;
(3) its Origin is this console, if it changes something.

Every answer, refusals included, carries headers that forbid content from other places.
"""

import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

_Message: TypeAlias = MutableMapping[str, Any]  # The types of ASGI.
_Receive: TypeAlias = Callable[[], Awaitable[_Message]]
_Send: TypeAlias = Callable[[_Message], Awaitable[None]]
_App: TypeAlias = Callable[[_Message, _Receive, _Send], Awaitable[None]]

HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
COOKIE: Final = "tallylight"
ENTER: Final = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Tallylight</title>'
    '<link rel="icon" href="/static/icon.svg">'
    '<meta http-equiv="refresh" content="0; url=/"><p><a href="/">Open the console</a></p></html>'
)
"""The page that takes the browser on, once it has the cookie. After a redirect from another
program's link a browser would not send a cookie that is for this site alone."""
_READING: Final = frozenset({"GET", "HEAD"})


class Guard:
    """ASGI middleware in front of every page of the console."""

    def __init__(self, app: _App, host: str, token: str) -> None:
        self._app = app
        self._host = host
        self._token: str | None = token
        self._session = secrets.token_urlsafe(32)

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Answer the request with a refusal, or pass it on.

        Raises:
            ValueError: it is no HTTP; a WebSocket would pass none of the checks.
        """
        if scope["type"] == "lifespan":  # The server's own start and stop.
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            raise ValueError(f"The console speaks no {scope['type']}.")

        async def protected(message: _Message) -> None:
            if message["type"] == "http.response.start":
                extra = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message.get("headers", []), *extra]
            await send(message)

        answer = self._check(Request(scope))
        await (answer or self._app)(scope, receive, protected)

    def _check(self, request: Request) -> Response | None:
        if request.headers.get("host") != self._host:  # (0)
            return _refusal("This is the review console: open the address that it printed.")
        given = request.query_params.get("token")
        if given is not None and self._token is not None and _same(given, self._token):  # (1)
            self._token = None
            answer = HTMLResponse(ENTER)
            answer.set_cookie(COOKIE, self._session, httponly=True, samesite="strict")
            return answer
        if request.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:  # (2)
            return _refusal("Another site caused this request: it is refused.")
        if not _same(request.cookies.get(COOKIE, ""), self._session):
            return _refusal(
                "The token is missing, wrong or was used: start the console again, and open the "
                "address that it prints."
            )
        foreign = request.headers.get("origin") != f"http://{self._host}"
        if request.method not in _READING and foreign:  # (3)
            return _refusal("Only the console's own pages may change something.")
        return None


def _same(given: str, secret: str) -> bool:
    return secrets.compare_digest(given.encode(), secret.encode())


def _refusal(words: str) -> Response:
    return PlainTextResponse(words + "\n", 403)
