"""Scaling beyond one machine: three brokers, each for its own cameras, and one PostgreSQL.

Each broker has a receiver. All receivers write one store and one ledger. A broker that is away
stops its own cameras alone.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from estate.intake.chains import read_chains
from estate.store.envelopes import Store
from estate.store.ledger import ledger_records
from estate.tests.events import sealed_event
from estate.tests.postgres import Missing, cluster
from firmware.delivery.marks import Link
from firmware.delivery.outbox import Outbox
from firmware.identity import watch_keys
from formats.envelope import NO_PREVIOUS
from hil_tests.long.chaos.testbed import Testbed as Place
from hil_tests.long.chaos.testbed import open_testbed

pytestmark = [pytest.mark.broker, pytest.mark.long]

BROKERS = 3
EVENTS = 12
"""Of each camera, in each half of the test."""
LIMIT_S = 60.0


@pytest.fixture
def url() -> Iterator[str]:
    try:
        with cluster() as server:
            yield server.new_database()
    except Missing as reason:
        pytest.skip(str(reason))


@pytest.fixture
def places(tmp_path: Path, url: str) -> Iterator[Sequence[Place]]:
    """Three places with a broker, a receiver and a camera's courier each; one store."""
    with ExitStack() as stack:
        folders = [tmp_path / f"place-{number}" for number in range(BROKERS)]
        made = [
            stack.enter_context(open_testbed(folder, count=0, pause_s=0, url=url, small=False))
            for folder in folders
        ]
        for place in made:
            place.receiver.ensure_running()
            place.courier.ensure_running()
        yield made


def seals(place: Place, after: Link | None = None) -> Link:
    """Put `EVENTS` events of a place's camera into its outbox; return the last."""
    key, outbox = watch_keys(place.broker.state).sign, Outbox(place.broker.state.outbox)
    link = after or Link(0, bytes(16), 0, NO_PREVIOUS)
    for number in range(link.number + 1, link.number + EVENTS + 1):
        sealed = sealed_event(key, number, previous=link.digest)
        link = Link(number, bytes(16), number, sealed.digest)
        outbox.put(sealed, link)
    return link


def stored(store: Store) -> dict[bytes, int]:
    """Return how many events of each camera the store has."""
    return {chain.camera: chain.events for chain in read_chains(store)}


def waits_for(done: Callable[[], bool]) -> bool:
    until_s = time.monotonic() + LIMIT_S
    while not done() and time.monotonic() < until_s:
        time.sleep(0.1)
    return done()


def test_receivers_at_three_brokers_share_one_store(places: Sequence[Place], url: str) -> None:
    cameras = [place.broker.camera.camera_id for place in places]
    store = Store(url)
    newest = [seals(place) for place in places]
    assert waits_for(lambda: stored(store) == dict.fromkeys(cameras, EVENTS)), stored(store)

    away, *others = places
    away.broker.kill()
    for place, link in zip(places, newest, strict=True):
        seals(place, link)
    reached = dict(zip(cameras, [EVENTS, *[2 * EVENTS] * len(others)], strict=True))
    assert waits_for(lambda: stored(store) == reached), stored(store)
    away.broker.start()
    assert waits_for(lambda: stored(store) == dict.fromkeys(cameras, 2 * EVENTS)), stored(store)

    chains = read_chains(store)
    assert [chain.gaps + chain.forks for chain in chains] == [()] * BROKERS
    with store.reading() as connection:  # Verifies the chain of all receivers' records.
        told = [each.body["envelope"] for each in ledger_records(connection)]
    store.close()
    assert len(told) == len(set(told)) == 2 * EVENTS * BROKERS
