"""Access control of the console: token, Host and Origin checks (DNS rebinding, CSRF), headers.

A request is answered if
(0) its Host is this console's own address, so that no web page reaches the console through DNS;
(1) the browser says that no other site has caused it;
(2) it carries the token: once in the address that the terminal printed, then as a cookie that
    scripts cannot read and other sites cannot cause to be sent;
(3) its Origin is this console, if it changes something.

Every answer, refusals included, carries headers that forbid content from other places.
"""

import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

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
_READING: Final = frozenset({"GET", "HEAD"})


class Guard:
    """ASGI middleware in front of every page of the console."""

    def __init__(self, app: _App, port: int, token: str) -> None:
        self._app = app
        self._host = f"127.0.0.1:{port}"
        self._cookie = f"tallylight-{port}"  # Cookies of one host are shared between its ports.
        self._token = token

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Answer the request with a refusal, or pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

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
        if request.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:  # (1)
            return _refusal("Another site caused this request: it is refused.")
        given = request.query_params.get("token")
        if given is not None and self._is_token(given):  # (2)
            answer = RedirectResponse("/", 303)
            answer.set_cookie(self._cookie, self._token, httponly=True, samesite="strict")
            return answer
        if not self._is_token(request.cookies.get(self._cookie, "")):
            return _refusal("The token is missing or wrong: open the address that was printed.")
        foreign = request.headers.get("origin") != f"http://{self._host}"
        if request.method not in _READING and foreign:  # (3)
            return _refusal("Only the console's own pages may change something.")
        return None

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self._token.encode())


def _refusal(words: str) -> Response:
    return PlainTextResponse(words + "\n", 403)
