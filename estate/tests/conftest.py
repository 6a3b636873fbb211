"""Fixtures: an office, consoles, a browser, and `url`, which runs a test on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from estate.tests.books import Office
from estate.tests.browser import Console, chromium, console_of
from estate.tests.postgres import Cluster, Missing, cluster


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    try:
        with cluster() as running:
            yield running
    except Missing as reason:
        pytest.skip(str(reason))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a new, empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    running: Cluster = request.getfixturevalue("postgres")
    return running.new_database()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path / "office")
    yield office
    office.store.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def consoles(office: Office) -> Iterator[list[Console]]:
    started = [console_of(office, 1), console_of(office, 2)]
    yield started
    for console in started:
        console.stop()
