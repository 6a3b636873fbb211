"""The console's part of a hold (legal hold): ask for one, sign another reviewer's, release it.

It is a block of the event's page that renews itself alone, so that a verdict that is being chosen
stays as it is. A reviewer signs the reason that the page showed: if another one stands in the store
by then, `estate.retention.holds` refuses. That module decides; these pages show.
"""

from collections.abc import Callable
from typing import Protocol

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from estate.console.desk import Desk
from estate.console.forms import read_form
from estate.console.seat import Seat
from estate.console.standing import Standing
from formats.act import Kind
from formats.errors import Refused


class _Render(Protocol):
    def __call__(self, template: str, **values: object) -> Response: ...


class HoldPages:
    """The pages below /hold, and what the page of an event shows of its hold."""

    def __init__(self, seat: Seat, find: Callable[[Request], Standing], render: _Render) -> None:
        """Take the seat, what finds the event of a request, and what renders a template."""
        self._seat = seat
        self._find = find
        self._render = render

    @property
    def _desk(self) -> Desk:
        return self._seat.desk

    @property
    def routes(self) -> list[Route]:
        """The addresses of these pages."""
        return [
            Route("/hold/{event}", self.hold),
            Route("/hold/{event}", self.sign, methods=["POST"]),
        ]

    def values(self, *, told: str = "", unsigned: str = "") -> dict[str, object]:
        """Return what the template needs besides the event: what was done, or why it was not."""
        refused = self._desk.holds_refused
        return {"told": told, "unsigned": unsigned, "holds_refused": refused}

    def hold(self, request: Request) -> Response:
        """Return who keeps the event beyond its time, who asks for it, and the form to sign."""
        return self._show(self._find(request))

    async def sign(self, request: Request) -> Response:
        """Sign this reviewer's half of a hold or a release, with the reason that was shown."""
        standing, form = self._find(request), await read_form(request)
        if form.get("kind") not in {Kind.HOLD, Kind.RELEASE}:
            raise HTTPException(400)
        kind, reason = Kind(form["kind"]), form.get("reason", "").strip()
        try:
            agreed = await run_in_threadpool(self._desk.keep, standing.event, kind, reason)
        except Refused as refusal:
            return self._show(self._again(standing), unsigned=str(refusal))
        return self._show(self._again(standing), told=f"{kind}_{'agreed' if agreed else 'asked'}")

    def _show(self, standing: Standing, *, told: str = "", unsigned: str = "") -> Response:
        event, values = standing.event.hex(), self.values(told=told, unsigned=unsigned)
        return self._render("hold.html", standing=standing, event=event, **values)

    def _again(self, standing: Standing) -> Standing:
        return self._desk.standing(standing.event) or standing
