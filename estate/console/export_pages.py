"""The console's part of an export: ask for a hand-over, sign another reviewer's, save the file.

Two reviewers sign, each at their own console. The second signature makes the encrypted file. It
stays in the memory of the console that made it, so that it can be saved until the console stops.
`estate.verdicts.export` decides; these pages show.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from estate.accounts.match_archive import pack_match
from estate.console.desk import Desk
from estate.console.forms import read_form
from estate.console.seat import Seat
from estate.console.standing import Standing
from estate.errors import BooksRefused
from estate.verdicts.decisions import Outcome
from estate.verdicts.export import export_match, take_back
from formats.errors import Refused

UNMADE: Final = "The match was not packed ({}): nothing was recorded. Sign it again later."
FILES_KEPT: Final = 8
"""Encrypted matches that can be saved again; one has up to 400 kB."""


class _Show(Protocol):
    def __call__(self, standing: Standing, *, refusal: str = "") -> Response: ...


class ExportPages:
    """The pages below /export, and what the page of an event shows of its hand-overs."""

    def __init__(
        self, seat: Seat, books: Path, find: Callable[[Request], Standing], show: _Show
    ) -> None:
        """Take the seat, the books, what finds a request's event, and what shows its page."""
        self._seat = seat
        self._books = books
        self._find = find
        self._show = show
        self._files: dict[bytes, bytes] = {}
        """The encrypted matches that were made last, by event."""

    @property
    def _desk(self) -> Desk:
        return self._seat.desk

    @property
    def routes(self) -> list[Route]:
        """The addresses of these pages."""
        return [
            Route("/export/{event}", self.export, methods=["POST"]),
            Route("/export/{event}/back", self.take_back, methods=["POST"]),
            Route("/export/{event}/file", self.encrypted),
        ]

    def values(self, standing: Standing) -> dict[str, object]:
        """Return what the template of an event needs to show its hand-overs."""
        shown: dict[str, object] = {"handed_over": [], "books_refused": "", "file": ""}
        try:
            if standing.outcome is Outcome.CONFIRMED:
                shown["handed_over"] = self._desk.handed_over(standing.event)
        except BooksRefused as broken:
            shown["books_refused"] = str(broken)
        if standing.event in self._files:
            shown["file"] = _file_name(standing.event)
        return shown | {"me": self._desk.identity}

    async def export(self, request: Request) -> Response:
        """Ask to hand a confirmed match over, or sign what another reviewer has asked for."""
        standing, form = self._find(request), await read_form(request)
        event, to, recipient = standing.event, form.get("to", ""), form.get("recipient", "")
        deliver = partial(self._files.__setitem__, event)
        pack = partial(pack_match, self._desk, self._books)
        try:
            await run_in_threadpool(self._desk.take_site)
            await run_in_threadpool(export_match, self._desk, event, recipient, to, pack, deliver)
        except Refused as refusal:
            return self._show(self._again(standing), refusal=str(refusal))
        except OSError as error:
            return self._show(self._again(standing), refusal=UNMADE.format(error.strerror))
        for oldest in list(self._files)[:-FILES_KEPT]:
            del self._files[oldest]
        return self._show(self._again(standing))

    async def take_back(self, request: Request) -> Response:
        """Take back what this reviewer has asked for."""
        standing = self._find(request)
        try:
            await run_in_threadpool(take_back, self._desk, standing.event)
        except Refused as refusal:
            return self._show(standing, refusal=str(refusal))
        return self._show(self._again(standing))

    def encrypted(self, request: Request) -> Response:
        """Return the encrypted match that this console has made."""
        event = self._find(request).event
        if event not in self._files:
            raise HTTPException(404)
        headers = {"content-disposition": f'attachment; filename="{_file_name(event)}"'}
        content = self._files[event]
        return Response(content, media_type="application/octet-stream", headers=headers)

    def _again(self, standing: Standing) -> Standing:
        return self._desk.standing(standing.event) or standing


def _file_name(event: bytes) -> str:
    return f"match-{event.hex()[:16]}.age"
