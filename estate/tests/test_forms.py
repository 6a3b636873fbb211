"""Forms of the console's pages: what is too long or no text is refused."""

import asyncio

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from estate.console.forms import FORM_LIMIT, read_form


def posted(body: bytes) -> dict[str, str]:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    return asyncio.run(read_form(Request({"type": "http", "method": "POST"}, receive)))


def test_a_form_is_read_up_to_its_limit() -> None:
    name = "n" * (FORM_LIMIT - len("to="))
    assert posted(f"to={name}".encode()) == {"to": name}


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"n" * (FORM_LIMIT + 1), 413), (b"to=\xff", 400), (b"a=1&" * 9, 400)],
    ids=["long", "no text", "many fields"],
)
def test_what_is_no_form_is_refused(body: bytes, status: int) -> None:
    with pytest.raises(HTTPException) as refused:
        posted(body)
    assert refused.value.status_code == status
