"""The health view and the Prometheus metrics: their figures, and nothing about people."""

import asyncio
import json
import re
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert

from estate.intake.addressees import MISADDRESSED
from estate.monitoring.health import Health, read_health
from estate.monitoring.health_text import health_lines
from estate.monitoring.pages import make_pages
from estate.tests.books import STRANGER, Office
from estate.tests.busy_day import busy_day
from estate.tests.command_line import done
from formats import VERSION


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
    for words in ("North gate", "1 event, 0 gaps", "version 1", "Repository", "Waiting"):
        assert words in text


def test_prometheus_is_off_unless_asked_for(office: Office) -> None:
    assert got(office, "/metrics", metrics=False)[0] == 404
    text = got(office, "/metrics", metrics=True)[1]
    assert "tallylight_list_version 1\n" in text


def test_the_metrics_say_nothing_about_people_or_places(office: Office) -> None:
    busy_day(office)
    text = got(office, "/metrics", metrics=True)[1]
    text = re.sub(r"# (HELP|TYPE) tallylight_[a-z_]+ [^\n]+\n", "", text)
    text = text.replace(f'tallylight_build_info{{version="{VERSION}"}} 1.0\n', "")
    assert re.sub(r'tallylight_[a-z_]+(\{camera="[0-9a-f]{32}"\})? [0-9.]+\n', "", text) == ""


def test_every_metric_says_what_it_is_and_silence_can_alert(office: Office) -> None:
    text = got(office, "/metrics", metrics=True)[1]
    (camera,) = (place.camera.camera_id.hex() for place in office.site().policy.places)
    assert f'tallylight_last_event_timestamp_seconds{{camera="{camera}"}} 0.0\n' in text
    names = {line.partition("{")[0].partition(" ")[0] for line in text.splitlines()} - {"#"}
    for name in names:
        assert text.count(f"# HELP {name} ") == text.count(f"# TYPE {name} ") == 1
    office.arrive()
    again = got(office, "/metrics", metrics=True)[1]
    assert f'last_event_timestamp_seconds{{camera="{camera}"}} 0.0' not in again


def test_a_camera_that_was_never_heard_is_marked(office: Office) -> None:
    health = read_health(office.store, office.site(), [], datetime.now(UTC))
    (line,) = [line for line in health_lines(health) if "last event never" in line.value]
    assert line.wrong
    office.arrive()
    health = read_health(office.store, office.site(), [], datetime.now(UTC))
    assert not [line for line in health_lines(health) if "never" in line.value]


def test_another_name_for_this_machine_is_refused(office: Office) -> None:
    assert got(office, "/metrics", metrics=True, host="evil.example")[0] == 400


def test_the_health_command_says_when_the_list_ends(office: Office) -> None:
    said = json.loads(done("health", "--config", str(office.settings), "--json"))
    assert said["list_expires_utc_s"] - said["list_issued_utc_s"] == 7 * 86400


def test_an_event_that_is_sealed_to_others_is_counted_with_what_to_do(office: Office) -> None:
    office.arrive(1)
    office.arrive(2, to=[office.opening(1), office.opening(2), STRANGER])
    office.desk(1)
    health = read_health(office.store, office.site(), [], datetime.now(UTC))
    (line,) = [line for line in health_lines(health) if "sealed to others" in line.value]
    assert (line.wrong, "1 sealed to others" in line.value) == (True, True)
    assert "take it out of service" in line.value
    said = json.loads(done("health", "--config", str(office.settings), "--json"))
    assert [camera["misaddressed"] for camera in said["cameras"]] == [1]
    metrics = got(office, "/metrics", metrics=True)[1]
    assert re.search(r'tallylight_misaddressed\{camera="[0-9a-f]{32}"\} 1\n', metrics)


def test_a_row_alone_calls_no_event_misaddressed(office: Office) -> None:
    row = {"event": office.arrive().digest, "found_utc_ms": 1}
    with office.store.writing() as connection:
        connection.execute(insert(MISADDRESSED).values(row))
    office.desk(1)
    health = read_health(office.store, office.site(), [], datetime.now(UTC))
    assert [camera.misaddressed for camera in health.cameras] == [0]
