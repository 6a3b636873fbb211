"""An HTTP client of the console that is no browser, and what the ledger says of its verdicts."""

import http.client

from estate.store.ledger import ledger_records
from estate.tests.books import Office
from estate.tests.browser import Console
from firmware.tests.observations import eventually
from formats.ledger import Happening


def ask(
    console: Console, path: str, method: str = "GET", body: str = "", **headers: str
) -> tuple[int, str, dict[str, str]]:
    """Send a request as a program that is no browser, which does not know names in localhost."""
    host = console.origin.removeprefix("http://")
    connection = http.client.HTTPConnection("127.0.0.1", int(host.partition(":")[2]), timeout=20)
    named = {"Host": host} | {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body=body or None, headers=named)
    answer = connection.getresponse()
    content = answer.read().decode(errors="replace")
    connection.close()
    return answer.status, content, {name.lower(): value for name, value in answer.getheaders()}


def cookie_of(console: Console) -> str:
    status, _, headers = ask(console, console.address.removeprefix(console.origin))
    assert status == 200
    return headers["set-cookie"].partition(";")[0]


def opened(console: Console, cookie: str, event: bytes) -> None:
    """Wait until the console has opened the event."""
    eventually(
        lambda: ask(console, f"/candidate/{event.hex()}", Cookie=cookie)[0] == 200, within_s=30
    )


def verdicts(office: Office) -> int:
    with office.store.reading() as connection:
        return sum(each.event is Happening.VERDICT for each in ledger_records(connection))
