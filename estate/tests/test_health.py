"""The health view and the Prometheus metrics: their figures, and nothing about people."""

import asyncio
import json
import re
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

from estate.monitoring.health import Health, read_health
from estate.monitoring.pages import make_pages
from estate.tests.books import Office
from estate.tests.busy_day import busy_day
from estate.tests.command_line import done


def got(office: Office, path: str, *, metrics: bool, host: str = "127.0.0.1") -> tuple[int, str]:
    """Return status and text of a page of the health view, called through ASGI."""
    messages = list[MutableMapping[str, Any]]()

    def read() -> Health:
        return read_health(office.store, office.site(), [], datetime.now(UTC))

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        messages.append(message)

    asked = {"type": "http", "method": "GET", "path": path, "query_string": b"", "scheme": "http"}
    asked |= {"headers": [(b"host", host.encode())], "root_path": "", "http_version": "1.1"}
    asyncio.run(make_pages(read, metrics=metrics)(asked, receive, send))
    text = b"".join(each.get("body", b"") for each in messages).decode()
    return int(messages[0]["status"]), text


def test_the_health_view_tells_last_words_gaps_and_ages(office: Office) -> None:
    office.arrive()
    text = got(office, "/", metrics=False)[1]
    for words in ("North gate", "1 events, 0 gaps", "version 1", "Repository", "Waiting"):
        assert words in text


def test_prometheus_is_off_unless_asked_for(office: Office) -> None:
    assert got(office, "/metrics", metrics=False)[0] == 404
    text = got(office, "/metrics", metrics=True)[1]
    assert "tallylight_list_version 1\n" in text


def test_the_metrics_say_nothing_about_people_or_places(office: Office) -> None:
    busy_day(office)
    text = got(office, "/metrics", metrics=True)[1]
    assert re.sub(r'tallylight_[a-z_]+(\{camera="[0-9a-f]{32}"\})? [0-9.]+\n', "", text) == ""


def test_another_name_for_this_machine_is_refused(office: Office) -> None:
    assert got(office, "/metrics", metrics=True, host="evil.example")[0] == 400


def test_the_health_command_says_when_the_list_ends(office: Office) -> None:
    said = json.loads(done("health", "--config", str(office.settings), "--json"))
    assert said["list_expires_utc_s"] - said["list_issued_utc_s"] == 7 * 86400
