"""The console's pages around its lock: lock now, unlock with the passphrase, note an action.

The page of a locked console shows no face, no name and no event. Only a POST is an action of the
reviewer: what the page asks for by itself is a GET, and does not keep the console open.
"""

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from estate.console.forms import read_form
from estate.console.seat import Seat
from formats.errors import Refused


class SeatPages:
    """The pages /lock, /unlock and /awake."""

    def __init__(self, seat: Seat, render: Callable[..., Response]) -> None:
        """Take the seat, and what renders a template."""
        self._seat = seat
        self._render = render

    @property
    def routes(self) -> list[Route]:
        """The addresses of these pages."""
        return [
            Route("/lock", self.lock, methods=["POST"]),
            Route("/unlock", self.unlock, methods=["POST"]),
            Route("/awake", self.awake, methods=["POST"]),
        ]

    def locked(self, refusal: str = "") -> Response:
        """Return the page of a locked console."""
        return self._render("locked.html", refusal=refusal)

    def lock(self, _request: Request) -> Response:
        """Lock the console at the reviewer's wish."""
        self._seat.lock()
        return RedirectResponse("/", 303)

    async def unlock(self, request: Request) -> Response:
        """Unlock the console with the passphrase of the key file."""
        form = await read_form(request)
        try:
            if self._seat.is_locked:
                await run_in_threadpool(self._seat.unlock, form.get("passphrase", ""))
        except Refused as refusal:
            return self.locked(str(refusal))
        return RedirectResponse("/", 303)

    def awake(self, _request: Request) -> Response:
        """Note that the reviewer has pressed a key, clicked or scrolled."""
        self._seat.touch()
        return Response(status_code=204)
