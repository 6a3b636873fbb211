"""Each rule and each header of the console's guard, without a browser."""

import asyncio
from typing import Any

import pytest
from starlette.responses import PlainTextResponse

from estate.console.guard import COOKIE, Guard
from estate.tests.asgi import Answer, App, answer

HOST = "0123456789abcdef.localhost:1234"
ORIGIN = f"http://{HOST}"
TOKEN = "the token"  # noqa: S105  # Of a test.

HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
"""The content security policy: nothing from elsewhere, no script in a page, in no other's frame."""


@pytest.fixture
def guard() -> Guard:
    return Guard(PlainTextResponse("behind"), HOST, TOKEN)


def ask(guard: App, path: str = "/", method: str = "GET", **headers: str) -> Answer:
    return answer(guard, path, method, **({"Host": HOST} | headers))


def cookie_of(guard: Guard) -> str:
    given = ask(guard, "/?token=the%20token")
    assert given.status == 200
    return given.headers["set-cookie"].partition(";")[0]


def inside(guard: Guard, path: str = "/", method: str = "GET", **headers: str) -> Answer:
    """Ask with the cookie, as a reviewer's browser does."""
    return ask(guard, path, method, Cookie=cookie_of(guard), **headers)


# --- headers


@pytest.mark.parametrize(("name", "value"), HEADERS.items())
@pytest.mark.parametrize("path", ["/", "/?token=the%20token"], ids=["refusal", "entry"])
def test_every_answer_carries_each_header(guard: Guard, path: str, name: str, value: str) -> None:
    assert ask(guard, path).headers[name] == value


@pytest.mark.parametrize(("name", "value"), HEADERS.items())
def test_a_page_carries_each_header_beside_its_own(guard: Guard, name: str, value: str) -> None:
    page = inside(guard)
    assert (page.text, page.headers[name]) == ("behind", value)
    assert page.headers["content-type"].startswith("text/plain")


def test_headers_go_before_the_page_and_not_into_it() -> None:
    sent: list[dict[str, Any]] = []
    page = PlainTextResponse("behind")

    async def noting(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
        async def send_on(message: Any) -> None:  # noqa: ANN401
            await send(message)
            sent.append(message)

        await page(scope, receive, send_on)

    inside(Guard(noting, HOST, TOKEN))
    assert ["headers" in message for message in sent] == [True, False]


def test_the_browser_loads_and_sends_nothing_elsewhere(guard: Guard) -> None:
    policy = ask(guard).headers["content-security-policy"]
    assert dict(part.strip().split(" ", 1) for part in policy.split(";")) == POLICY


# --- (0) the name


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost:1234", "127.0.0.1:1234", HOST.replace("1234", "1235"), ""]
)
def test_another_name_is_refused_and_spends_no_token(guard: Guard, host: str) -> None:
    refused = ask(guard, "/?token=the%20token", Host=host)
    assert (refused.status, "set-cookie" in refused.headers) == (403, False)
    assert refused.text == "This is the review console: open the address that it printed.\n"
    assert ask(guard, "/", Cookie=cookie_of(guard), Host=host).status == 403


def test_a_request_without_a_name_is_refused(guard: Guard) -> None:
    assert answer(guard, "/?token=the%20token").status == 403


# --- (1) the token


def test_the_token_gives_a_cookie_for_this_site_alone_that_no_script_reads(guard: Guard) -> None:
    given = ask(guard, "/?token=the%20token")
    name, *attributes = given.headers["set-cookie"].split("; ")
    assert name == f"tallylight={guard._session}"
    assert set(attributes) == {"HttpOnly", "SameSite=strict", "Path=/"}
    assert 'content="0; url=/"' in given.text
    assert '<a href="/">' in given.text
    assert given.text.endswith("</html>")
    assert TOKEN not in given.text


def test_the_token_works_once_and_from_another_programs_link(guard: Guard) -> None:
    assert ask(guard, "/?token=the%20token", Sec_Fetch_Site="cross-site").status == 200
    again = ask(guard, "/?token=the%20token")
    words = (
        "The token is missing, wrong or was used: start the console again, and open the address "
        "that it prints.\n"
    )
    assert (again.status, again.text) == (403, words)


@pytest.mark.parametrize("token", ["", "wrong", "the%20toke", "%C3%A9"])
def test_a_wrong_token_is_refused_and_the_right_one_still_works(guard: Guard, token: str) -> None:
    refused = ask(guard, f"/?token={token}")
    assert (refused.status, "set-cookie" in refused.headers) == (403, False)
    assert inside(guard).status == 200


def test_a_wrong_token_takes_nothing_from_a_page_that_is_open(guard: Guard) -> None:
    assert inside(guard, "/?token=wrong").text == "behind"


def test_the_cookies_secret_cannot_be_guessed_and_is_of_one_run(guard: Guard) -> None:
    other = Guard(PlainTextResponse("behind"), HOST, TOKEN)
    assert len(guard._session) >= 43  # 256 bits in base64.
    assert guard._session != other._session
    assert ask(other, Cookie=cookie_of(guard)).status == 403


# --- (2) the cookie, and who has caused the request


@pytest.mark.parametrize(
    "cookie", ["", f"{COOKIE}=", f"{COOKIE}=wrong", f"{COOKIE}={TOKEN}", f"{COOKIE}=\u00e9", "a=b"]
)
def test_without_the_cookie_nothing_is_shown(guard: Guard, cookie: str) -> None:
    refused = ask(guard, Cookie=cookie)
    assert (refused.status, "behind" in refused.text) == (403, False)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "other"])
def test_what_another_site_causes_is_refused(guard: Guard, site: str) -> None:
    refused = inside(guard, Sec_Fetch_Site=site)
    words = "Another site caused this request: it is refused.\n"
    assert (refused.status, refused.text) == (403, words)


@pytest.mark.parametrize("site", ["none", "same-origin"])
def test_what_the_reviewer_or_the_page_causes_is_answered(guard: Guard, site: str) -> None:
    assert inside(guard, Sec_Fetch_Site=site).text == "behind"


# --- (3) changes


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "", f"https://{HOST}", f"{ORIGIN}/", "http://localhost:1234"],
)
def test_another_page_changes_nothing(guard: Guard, method: str, origin: str) -> None:
    refused = inside(guard, method=method, Origin=origin)
    words = "Only the console's own pages may change something.\n"
    assert (refused.status, refused.text) == (403, words)


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_change_without_an_origin_is_refused(guard: Guard, method: str) -> None:
    assert inside(guard, method=method).status == 403


def test_the_consoles_own_page_changes_something(guard: Guard) -> None:
    assert inside(guard, method="POST", Origin=ORIGIN).text == "behind"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_to_read_needs_no_origin(guard: Guard, method: str) -> None:
    assert inside(guard, method=method).status == 200


# --- what is no request


def test_the_start_of_the_server_passes_and_a_websocket_does_not() -> None:
    seen: list[str] = []

    async def behind(scope: Any, _receive: Any, _send: Any) -> None:  # noqa: ANN401
        seen.append(scope["type"])

    async def nothing(*_: Any) -> Any:  # noqa: ANN401
        raise AssertionError

    async def start(kind: str) -> None:
        await Guard(behind, HOST, TOKEN)({"type": kind}, nothing, nothing)

    asyncio.run(start("lifespan"))
    assert seen == ["lifespan"]
    with pytest.raises(ValueError, match=r"^The console speaks no websocket\.$"):
        asyncio.run(start("websocket"))
    assert seen == ["lifespan"]
