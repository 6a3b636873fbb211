"""The console's pages: a queue, one candidate at a time, three answers, and what was decided.

Every page is a fragment that htmx puts in place, made from a template that escapes whatever an
event says. New candidates are announced by server-sent events. Nothing here decides anything:
`estate.verdicts.decisions` does.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from estate.console import facts
from estate.console.desk import Desk, Standing
from estate.console.guard import Guard
from estate.opening.portraits import find_portrait
from estate.verdicts.export import export_match
from formats.envelope_header import DIGEST_BYTES
from formats.errors import Refused
from formats.verdict import Judgement

TURN_S: Final = 0.5
"""How often the store is asked for what is new."""
FORM_LIMIT: Final = 4096
HERE: Final = Path(__file__).parent
WORDS: Final = {
    Judgement.MATCH: "Match",
    Judgement.NOT_A_MATCH: "Not a match",
    Judgement.CANNOT_TELL: "Cannot tell",
}


def make_console(
    desk: Desk, portraits: Path, port: int, token: str, ending: Callable[[], bool] = lambda: False
) -> Guard:
    """The whole console, behind its guard.

    Args:
        desk: of the reviewer.
        portraits: folder of sealed enrolment pictures.
        port: of the loopback address, as browsers name it.
        token: opens the page once.
        ending: whether the console is to stop; pages that listen for news are let go then.
    """
    pages = _Pages(desk, portraits, ending)
    routes = [
        Route("/", pages.shell),
        Route("/queue", pages.queue),
        Route("/stream", pages.stream),
        Route("/candidate/{event}", pages.candidate),
        Route("/crop/{event}", pages.crop),
        Route("/portrait/{event}", pages.portrait),
        Route("/verdict/{event}", pages.verdict, methods=["POST"]),
        Route("/export/{event}", pages.export, methods=["POST"]),
        Mount("/static", StaticFiles(directory=HERE / "static")),
    ]
    return Guard(Starlette(routes=routes, lifespan=pages.watching), port, token)


class _Pages:
    def __init__(self, desk: Desk, portraits: Path, ending: Callable[[], bool]) -> None:
        self._desk = desk
        self._ending = ending
        self._portraits = portraits
        self._environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
        )
        self._trouble = ""
        """Why the desk may be out of date, while it may be."""

    @asynccontextmanager
    async def watching(self, _app: Starlette) -> AsyncGenerator[None]:
        """Ask the store for what is new, for as long as the console runs."""
        await run_in_threadpool(self._desk.refresh)
        turning = asyncio.create_task(self._turn())
        try:
            yield
        finally:
            turning.cancel()

    async def _turn(self) -> None:
        while True:
            await asyncio.sleep(TURN_S)
            try:
                await run_in_threadpool(self._desk.refresh)
                self._trouble = ""
            except (Refused, SQLAlchemyError):  # The store may be back in a moment.
                self._trouble = "out of date: the store does not answer"

    def shell(self, _request: Request) -> Response:
        """The page around everything."""
        return self._render("console.html", reviewer=self._desk.reviewer, site=self._desk.site)

    def queue(self, _request: Request) -> Response:
        """What waits for this reviewer, and what has become of the rest."""
        standings = self._desk.standings()
        mine = [each for each in standings if each.mine is not None]
        return self._render(
            "queue.html",
            waiting=[each for each in standings if each.mine is None and not each.others_turn],
            given=sorted(mine, key=lambda each: each.candidate.captured_utc_ms, reverse=True),
            closed=len(self._desk.closed),
        )

    async def stream(self, request: Request) -> Response:
        """Tell the page of every change, by server-sent events."""
        return StreamingResponse(self._changes(request), media_type="text/event-stream")

    async def _changes(self, request: Request) -> AsyncGenerator[str]:
        seen, arrived, told = -1, self._desk.arrivals, ""
        while not (self._ending() or await request.is_disconnected()):
            if self._trouble != told:
                told = self._trouble
                yield f"event: trouble\ndata: {told}\n\n"
            if self._desk.changes != seen:
                seen = self._desk.changes
                kind = "arrival" if self._desk.arrivals > arrived else "change"
                arrived = self._desk.arrivals
                yield f"event: {kind}\ndata: {seen}\n\n"
            await asyncio.sleep(TURN_S / 2)

    def candidate(self, request: Request) -> Response:
        """One candidate, with everything that it rests on."""
        return self._show(self._find(request))

    def crop(self, request: Request) -> Response:
        """The face, as the camera saw it."""
        picture = self._find(request).candidate.crop_jpeg
        if picture is None:
            raise HTTPException(404)
        return Response(picture, media_type="image/jpeg")

    def portrait(self, request: Request) -> Response:
        """The enrolment picture, if the authority sealed one to the reviewers."""
        picture = self._portrait(self._find(request))
        if picture is None:
            raise HTTPException(404)
        return Response(picture, media_type="image/jpeg")

    async def verdict(self, request: Request) -> Response:
        """Sign and give this reviewer's verdict."""
        standing, form = self._find(request), await _form(request)
        if form.get("judgement") not in set(Judgement):
            raise HTTPException(400)
        try:
            await run_in_threadpool(self._desk.judge, standing.event, Judgement(form["judgement"]))
        except Refused as refusal:
            return self._show(standing, refusal=str(refusal))
        return self._show(self._desk.standing(standing.event) or standing)

    async def export(self, request: Request) -> Response:
        """Hand over a confirmed match, encrypted to one named recipient."""
        standing, form = self._find(request), await _form(request)
        try:
            sealed = await run_in_threadpool(
                export_match,
                self._desk,
                standing.event,
                form.get("recipient", ""),
                form.get("to", ""),
            )
        except Refused as refusal:
            return self._show(standing, refusal=str(refusal))
        name = f"match-{standing.event.hex()[:16]}.age"
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(sealed, media_type="application/octet-stream", headers=headers)

    def _find(self, request: Request) -> Standing:
        try:
            event = bytes.fromhex(request.path_params["event"])
        except ValueError:
            event = b""
        standing = self._desk.standing(event) if len(event) == DIGEST_BYTES else None
        if standing is None:
            raise HTTPException(404, "There is no such event here: it was destroyed or never came.")
        return standing

    def _portrait(self, standing: Standing) -> bytes | None:
        return find_portrait(
            self._portraits, standing.candidate.entry, self._desk.site, self._desk.key
        )

    def _show(self, standing: Standing, *, refusal: str = "") -> Response:
        site, candidate = self._desk.site, standing.candidate
        return self._render(
            "candidate.html",
            standing=standing,
            event=standing.event.hex(),
            candidate=candidate,
            has_portrait=self._portrait(standing) is not None,
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
        )

    def _render(self, template: str, **values: object) -> Response:
        page = self._environment.get_template(template)
        shared = {
            "words": WORDS,
            "when": facts.capture_time,
            "brief": facts.short_capture_time,
            "place_of": self._place,
        }
        return HTMLResponse(page.render(**shared, **values))

    def _place(self, standing: Standing) -> str:
        return facts.place_of(self._desk.site, standing.candidate)[0]


async def _form(request: Request) -> dict[str, str]:
    body = await request.body()
    if len(body) > FORM_LIMIT:
        raise HTTPException(413)
    try:
        fields = parse_qs(body.decode(), max_num_fields=8)
    except ValueError as error:
        raise HTTPException(400) from error
    return {name: values[0] for name, values in fields.items()}
