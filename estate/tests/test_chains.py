"""Gaps, forks and copies show from headers alone, in every order of arrival."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from estate.intake.chains import Chain, read_chains, read_losses
from estate.intake.losses import LATELY_MS, Losses
from estate.opening.terminal import chains_table
from estate.store.envelopes import Store
from estate.tests.events import sealed_event
from formats.envelope import NO_PREVIOUS, Sealed, sender_id

KEY, OTHER = SigningKey(bytes(32)), SigningKey(bytes([1]) * 32)


def chain_of(count: int, key: SigningKey = KEY) -> list[Sealed]:
    made, previous = [], NO_PREVIOUS
    for number in range(1, count + 1):
        made.append(sealed_event(key, number, previous=previous))
        previous = made[-1].digest
    return made


FIVE = chain_of(5)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store(url)
    yield store
    store.close()


def kept(store: Store, *events: Sealed) -> Chain:
    for at_ms, sealed in enumerate(events, 1):
        store.add_envelopes([sealed], at_ms)
    (chain,) = read_chains(store)
    return chain


def test_an_empty_store_has_no_chains(store: Store) -> None:
    assert read_chains(store) == []


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_whole_chain_has_no_gap_in_any_order_of_arrival(
    store: Store, order: tuple[int, ...]
) -> None:
    chain = kept(store, *(FIVE[at] for at in order))
    assert (chain.events, chain.gaps, chain.forks, chain.copies) == (3, (), (), 0)


@settings(deadline=None)  # Each example makes a database.
@given(missing=st.sets(st.integers(0, 3), min_size=1))
def test_every_loss_that_something_follows_shows(missing: set[int]) -> None:
    store = Store("sqlite://")
    chain = kept(store, *(sealed for at, sealed in enumerate(FIVE) if at not in missing))
    after = {at + 1 for at in missing if at + 1 not in missing}
    assert {gap.sequence for gap in chain.gaps} == {at + 1 for at in after}
    store.close()


def test_a_gap_closes_when_the_event_comes(store: Store) -> None:
    assert kept(store, FIVE[0], FIVE[2]).gaps
    assert not kept(store, FIVE[1]).gaps


def test_a_gap_is_not_missed_before_its_time(store: Store) -> None:
    store.add_envelopes([FIVE[1]], 1000)
    assert [len(chain.gaps) for chain in read_chains(store, 999)] == [0]
    assert [len(chain.gaps) for chain in read_chains(store, 1000)] == [1]


def test_two_events_that_continue_one_are_a_fork(store: Store) -> None:
    twin = sealed_event(KEY, 2, previous=FIVE[0].digest)
    chain = kept(store, *FIVE[:2], twin)
    assert [(fork.previous, fork.branches) for fork in chain.forks] == [(FIVE[0].digest, 2)]


def test_a_chain_that_begins_twice_is_a_fork(store: Store) -> None:
    chain = kept(store, FIVE[0], sealed_event(KEY, 1))
    assert [fork.previous for fork in chain.forks] == [NO_PREVIOUS]


def test_what_comes_again_is_counted(store: Store) -> None:
    assert kept(store, FIVE[0], FIVE[0], FIVE[0]).copies == 2


def test_every_camera_has_a_chain_of_its_own(store: Store) -> None:
    for sealed in (*FIVE[:2], *chain_of(3, OTHER)[1:]):
        store.add_envelopes([sealed], 1)
    found = {chain.camera: len(chain.gaps) for chain in read_chains(store)}
    assert found == {sender_id(KEY.verify_key): 0, sender_id(OTHER.verify_key): 1}


def test_other_programs_get_plain_values(store: Store) -> None:
    told = kept(store, FIVE[1]).to_json()
    assert told["camera"] == sender_id(KEY.verify_key).hex()
    assert json.loads(json.dumps(told))["gaps"][0]["sequence"] == 2


def test_the_table_names_the_first_gaps_and_counts_the_rest(store: Store) -> None:
    chain = kept(store, FIVE[1])
    many = replace(chain, gaps=chain.gaps * 5)
    (cells,) = (list(column.cells) for column in chains_table([many]).columns[2:3])
    assert cells == ["before 2, before 2, before 2 and 2 more"]


def test_what_arrived_lately_shows_the_gaps_and_forks_that_it_makes(store: Store) -> None:
    kept(store, FIVE[0], FIVE[1], FIVE[3])
    other = sealed_event(KEY, 9, previous=FIVE[0].digest)
    store.add_envelopes([other], 10)
    gaps, forks = read_losses(store, since_utc_ms=2)
    assert [gap.sequence for gap in gaps] == [4]
    assert [(fork.previous, fork.branches) for fork in forks] == [(FIVE[0].digest, 2)]
    assert read_losses(store, since_utc_ms=10) == ([], [])


def test_a_gap_of_long_ago_is_reported_once(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    kept(store, FIVE[0], FIVE[2])
    losses = Losses()
    for _ in range(2):
        losses.report(store)
    assert caplog.text.count("is missing") == 1


def test_the_check_of_a_minute_takes_no_longer_the_more_is_stored(tmp_path: Path) -> None:
    few, many = (steps_of_a_check(tmp_path / str(count), count) for count in (10, 400))
    assert many <= 1.2 * few


def steps_of_a_check(folder: Path, stored: int) -> int:
    """Return the steps of SQLite's machine for one minute's check of a store, in tens."""
    folder.mkdir()
    store = Store(f"sqlite:///{folder / 'store.db'}")
    events, now_ms = chain_of(stored + 3), time.time_ns() // 1_000_000
    store.add_envelopes(events[:stored], 1)
    store.add_envelopes(events[stored:], now_ms - LATELY_MS // 2)
    losses, steps = Losses(), count()
    losses.report(store)
    with store.reading() as connection:
        machine = connection.connection.driver_connection
        assert machine is not None
        machine.set_progress_handler(lambda: next(steps) < 0, 10)
    losses.report(store)
    store.close()
    return next(steps)
