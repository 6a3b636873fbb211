"""The console's web pages (Starlette, htmx): the queue, one candidate, the verdict, the export.

Every page is an HTML fragment that htmx puts in place. Its template escapes all text that comes
from an event. Server-sent events announce new candidates. The pages decide nothing:
`estate.verdicts.decisions` does.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from estate.console.desk import Desk
from estate.console.export_pages import ExportPages
from estate.console.forms import read_form
from estate.console.guard import Guard
from estate.console.hold_pages import HoldPages
from estate.console.seat import Seat
from estate.console.seat_pages import SeatPages
from estate.console.standing import Standing, sorted_out
from estate.console.store_wait import AWAY, StoreWait
from estate.errors import RowRefused, SeatLocked, StoreRefused
from estate.opening import facts
from estate.opening.portraits import find_portrait
from formats.envelope_header import DIGEST_BYTES
from formats.errors import Malformed, Refused
from formats.hexadecimal import read_hex
from formats.verdict import NO_PORTRAIT, Judgement, portrait_digest

POLL_S: Final = 0.5
"""Time between two queries of the store for new events."""
HERE: Final = Path(__file__).parent
NONE_SHOWN: Final = "none"
LOOK_AGAIN: Final = (
    "The enrolment picture was not shown, or has changed: look at both faces, then sign."
)
WORDS: Final = {
    Judgement.MATCH: "Match",
    Judgement.NOT_A_MATCH: "Not a match",
    Judgement.CANNOT_TELL: "Cannot tell",
}


def make_console(
    seat: Seat,
    books: Path,
    host: str,
    token: str,
    is_stopping: Callable[[], bool] = lambda: False,
) -> Guard:
    """Return the console's web application, behind its guard.

    Args:
        seat: the reviewer's seat, with a desk or locked.
        books: the office's folder with checkpoints and sealed enrolment pictures.
        host: name and port of the console, as browsers send it.
        token: the token in the printed address, which works once; the page then uses a cookie.
        is_stopping: whether the console must stop; it then ends the event streams.
    """
    pages = _Pages(seat, books, is_stopping)
    routes = [
        Route("/", pages.shell),
        Route("/queue", pages.queue),
        Route("/stream", pages.stream),
        Route("/candidate/{event}", pages.candidate),
        Route("/crop/{event}", pages.crop),
        Route("/portrait/{event}", pages.portrait),
        Route("/verdict/{event}", pages.verdict, methods=["POST"]),
        *pages.exports.routes,
        *pages.holds.routes,
        *pages.lock.routes,
        Mount("/static", StaticFiles(directory=HERE / "static")),
    ]
    handlers = {
        SeatLocked: pages.locked,
        StoreRefused: pages.away,
        Refused: pages.refused,
    }
    console = Starlette(routes=routes, lifespan=pages.poll_store, exception_handlers=handlers)
    return Guard(console, host, token)


class _Pages:
    def __init__(self, seat: Seat, books: Path, is_stopping: Callable[[], bool]) -> None:
        self._seat = seat
        self._is_stopping = is_stopping
        self._portraits = books / "portraits"
        self._environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
        )
        self.exports = ExportPages(seat, books, self._find, self._show)
        self.holds = HoldPages(seat, self._find, self._render)
        self.lock = SeatPages(seat, self._render)
        self._wait = StoreWait(POLL_S)
        self._trouble = ""
        """Why the desk may be out of date; empty if it is not."""

    @property
    def _desk(self) -> Desk:
        return self._seat.desk

    def locked(self, _request: Request, _locked: Exception) -> Response:
        """Answer what a page asked for before it knew that the console is locked: load anew."""
        return Response("", 423, headers={"hx-refresh": "true"})

    def away(self, _request: Request, refused: Exception) -> Response:
        """Answer while the store does not: the page keeps what it shows, and says that it waits."""
        if isinstance(refused, RowRefused):
            return PlainTextResponse(str(refused), 409)
        self._wait.begin(refused)
        keep = {"hx-reswap": "none"}
        return PlainTextResponse(AWAY, 503, headers=keep)

    def refused(self, _request: Request, refusal: Exception) -> Response:
        """Answer with the one sentence, as where a stored list was changed."""
        return PlainTextResponse(str(refusal), 409)

    @asynccontextmanager
    async def poll_store(self, _app: Starlette) -> AsyncGenerator[None]:
        """Query the store for new events while the console runs."""
        await self._poll_once()
        polling = asyncio.create_task(self._poll())
        try:
            yield
        finally:
            polling.cancel()

    def _refresh(self) -> None:
        self._desk.refresh()

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self._wait.next_s())
            await self._poll_once()

    async def _poll_once(self) -> None:
        try:
            await run_in_threadpool(self._refresh)
        except SeatLocked:
            return
        except RowRefused as refusal:
            self._trouble = str(refusal)
        except StoreRefused as refusal:
            self._wait.begin(refusal)
            return
        except Refused as refusal:
            self._trouble = str(refusal)
        else:
            self._trouble = ""
        self._wait.end()

    def shell(self, _request: Request) -> Response:
        """Return the page around the fragments, or the page of a locked console."""
        if self._seat.is_locked:
            return self.lock.locked()
        return self._render("console.html", reviewer=self._desk.reviewer, site=self._desk.site)

    def queue(self, _request: Request) -> Response:
        """Return the queue: events that wait for this reviewer, and the outcomes of the others."""
        standings = self._desk.standings()
        return self._render(
            "queue.html",
            **sorted_out(standings),
            closed=len(self._desk.closed),
            refused=list(self._desk.refused.values()),
            unmet=list(self._desk.unmet.values()),
        )

    async def stream(self, request: Request) -> Response:
        """Announce every change to the page by server-sent events."""
        return StreamingResponse(self._until_locked(request), media_type="text/event-stream")

    async def _until_locked(self, request: Request) -> AsyncGenerator[str]:
        try:
            async for change in self._changes(request):
                yield change
        except SeatLocked:
            yield "event: locked\ndata:\n\n"

    async def _changes(self, request: Request) -> AsyncGenerator[str]:
        seen, arrived, announced = -1, self._desk.arrivals, ""
        while not (self._is_stopping() or await request.is_disconnected()):
            trouble = AWAY if self._wait.away else self._trouble
            if trouble != announced:
                announced = trouble
                yield f"event: trouble\ndata: {announced}\n\n"
            if self._desk.changes != seen:
                seen = self._desk.changes
                kind = "arrival" if self._desk.arrivals > arrived else "change"
                arrived = self._desk.arrivals
                yield f"event: {kind}\ndata: {seen}\n\n"
            await asyncio.sleep(POLL_S / 2)

    def candidate(self, request: Request) -> Response:
        """Return one candidate with its facts and its form."""
        return self._show(self._find(request))

    def crop(self, request: Request) -> Response:
        """Return the face as the camera saw it, JPEG."""
        picture = self._find(request).candidate.crop_jpeg
        if picture is None:
            raise HTTPException(404)
        return Response(picture, media_type="image/jpeg")

    def portrait(self, request: Request) -> Response:
        """Return the enrolment picture, JPEG, if it is still the one that the page names."""
        standing = self._find(request)
        picture = self._portrait(standing)
        named = _name_portrait(standing, picture)
        if picture is None or request.url.query != named:
            raise HTTPException(404)
        self._desk.shown.add((standing.event, named))
        return Response(picture, media_type="image/jpeg")

    async def verdict(self, request: Request) -> Response:
        """Sign and store this reviewer's verdict."""
        standing, form = self._find(request), await read_form(request)
        if form.get("judgement") not in set(Judgement):
            raise HTTPException(400)
        portrait = form.get("portrait", "")
        # Nothing is signed that was not shown.
        if (standing.event, portrait) not in self._desk.shown:
            return self._show(standing, refusal=LOOK_AGAIN)
        try:
            shown = NO_PORTRAIT if portrait == NONE_SHOWN else read_hex(portrait, DIGEST_BYTES)
            judgement = Judgement(form["judgement"])
            await run_in_threadpool(self._desk.judge, standing.event, judgement, shown)
        except Refused as refusal:
            now = self._desk.standing(standing.event) or standing  # Sent twice: it is given.
            return self._show(now, refusal=str(refusal))
        return self._show(self._desk.standing(standing.event) or standing)

    def _find(self, request: Request) -> Standing:
        try:
            standing = self._desk.standing(read_hex(request.path_params["event"], DIGEST_BYTES))
        except Malformed:
            standing = None
        if standing is None:
            raise HTTPException(
                404, "There is no such event here: it was destroyed or did not arrive."
            )
        return standing

    def _portrait(self, standing: Standing) -> bytes | None:
        return find_portrait(
            self._portraits, standing.candidate.entry, self._desk.site, self._desk.key
        )

    def _show(self, standing: Standing, *, refusal: str = "") -> Response:
        site, candidate = self._desk.site, standing.candidate
        portrait = _name_portrait(standing, self._portrait(standing))
        if portrait == NONE_SHOWN:
            self._desk.shown.add((standing.event, portrait))
        return self._render(
            "candidate.html",
            standing=standing,
            event=standing.event.hex(),
            candidate=candidate,
            portrait=portrait,
            has_portrait=portrait != NONE_SHOWN,
            place=facts.place_of(site, candidate)[0],
            sections=[
                ("Comparison", facts.comparison_facts(site, candidate)),
                ("Sighting", facts.sighting_facts(site, candidate)),
                (
                    "Why they are on the list",
                    facts.entry_facts(self._desk.entry(candidate), candidate),
                ),
            ],
            refusal=refusal,
            **self.exports.values(standing),
            **self.holds.values(),
        )

    def _render(self, template: str, **values: object) -> Response:
        page = self._environment.get_template(template)
        shared = {
            "words": WORDS,
            "when": facts.capture_time,
            "brief": facts.short_capture_time,
            "moment": facts.moment,
            "place_of": self._place,
        }
        return HTMLResponse(page.render(**shared, **values))

    def _place(self, standing: Standing) -> str:
        return facts.place_of(self._desk.site, standing.candidate)[0]


def _name_portrait(standing: Standing, jpeg: bytes | None) -> str:
    """Return what the page calls the portrait beside an event, and what a verdict signs."""
    return NONE_SHOWN if jpeg is None else portrait_digest(standing.candidate, jpeg).hex()
