"""One HTTP request to an ASGI application in this process, without a server."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

Message = MutableMapping[str, Any]
App = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]


@dataclass(frozen=True)
class Answer:
    """What the application answered."""

    status: int
    headers: dict[str, str]
    text: str


def answer(app: App, path: str, method: str = "GET", body: str = "", **headers: str) -> Answer:
    """Return the answer to one request; an underscore in a header's name stands for a hyphen."""
    sent: list[Message] = []

    asked = [False]

    async def receive() -> Message:
        if asked[0]:
            await asyncio.Event().wait()  # The client stays connected.
        asked[0] = True
        return {"type": "http.request", "body": body.encode(), "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    place, _, query = path.partition("?")
    named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    scope: Message = {
        "type": "http",
        "method": method,
        "path": place,
        "raw_path": place.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in named.items()],
    }

    async def run() -> None:
        await app(scope, receive, send)

    with ThreadPoolExecutor() as beside:  # Playwright's loop runs in this thread.
        beside.submit(lambda: asyncio.run(run())).result()
    start, *rest = sent
    return Answer(
        start["status"],
        {name.decode(): value.decode() for name, value in start["headers"]},
        b"".join(each.get("body", b"") for each in rest).decode(errors="replace"),
    )
