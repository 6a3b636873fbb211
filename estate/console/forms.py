"""Forms of the console's pages: reads the fields of one POST, bounded."""

from typing import Final
from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.requests import Request

FORM_LIMIT: Final = 8192
"""Most bytes of a form: a reason of 500 characters has up to 6,000 in a form's spelling."""


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form, each once.

    Raises:
        HTTPException: it is longer than `FORM_LIMIT`, or is none.
    """
    body = await request.body()
    if len(body) > FORM_LIMIT:
        raise HTTPException(413)
    try:
        fields = parse_qs(body.decode(), max_num_fields=8)
    except ValueError as error:
        raise HTTPException(400) from error
    return {name: values[0] for name, values in fields.items()}
