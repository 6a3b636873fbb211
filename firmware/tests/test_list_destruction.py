"""A list that has ended is destroyed on the card, and the camera has signed a record of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from firmware.assembly import Means, run
from firmware.config import Config
from firmware.errors import ClockUntrusted
from firmware.identity import make_identity, watch_keys
from firmware.tests.camera_setup import WALK, looks, made_camera, policy_for, publish
from firmware.tests.fakes import FakeCamera, eye, guarding
from firmware.tests.observations import records
from firmware.tests.station import ListDesk
from firmware.trust.clock import Hands
from firmware.trust.watchlist import ListRefused
from formats.envelope import TimeQuality
from formats.ledger import Happening
from formats.list_end import End, ListEnd, verify_list_end

pytestmark = pytest.mark.alone


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return made_camera(tmp_path)


def bodies(config: Config) -> list[Path]:
    return list((config.state.watch / "site").rglob("*.sealed"))


def signed(config: Config) -> list[ListEnd]:
    key = watch_keys(config.state).sign.verify_key
    paths = sorted((config.state.watch / "destroyed").glob("*"))
    return [verify_list_end(path.read_bytes(), key) for path in paths]


def test_the_list_that_a_newer_one_replaces_is_gone(tmp_path: Path, config: Config) -> None:
    now = datetime.now(UTC)  # The policy, and so its digest, is the same in both.
    publish(config, now=now)
    with guarding(tmp_path):
        looks(config)
        (old,) = bodies(config)
        digest = sha256(old.read_bytes()).digest()
        publish(config, version=2, now=now)
        looks(config)
    (new,) = bodies(config)
    assert sha256(new.read_bytes()).digest() != digest
    (record,) = signed(config)
    assert (record.end, record.version, record.body_digest) == (End.REPLACED, 1, digest)
    (line,) = records(config.state.watch, Happening.LIST_DESTROYED)
    assert line == {"digest": record.list_digest.hex(), "end": "replaced", "version": 1}


def test_a_list_that_is_renewed_is_not_destroyed(tmp_path: Path, config: Config) -> None:
    publish(config)
    with guarding(tmp_path):
        looks(config)
        looks(config)
    assert signed(config) == []


def test_a_list_whose_own_time_is_over_is_gone(tmp_path: Path, config: Config) -> None:
    publish(config)
    with guarding(tmp_path):
        looks(config)
        with pytest.raises(ListRefused):
            looks_at(config, datetime.now(UTC) + timedelta(days=2))
        assert len(bodies(config)) == 1  # Only its freshness is over.
        with pytest.raises(ListRefused):
            looks_at(config, datetime.now(UTC) + timedelta(days=8))
    assert bodies(config) == []
    (record,) = signed(config)
    assert (record.end, record.version) == (End.EXPIRED, 1)


def looks_at(config: Config, now: datetime) -> None:
    means = Means(lambda: FakeCamera(WALK), lambda _: eye(WALK), hands=Hands(lambda: now))
    run(config, means, lambda: True)


def test_without_a_time_server_it_is_dark(tmp_path: Path, config: Config) -> None:
    identity = make_identity(config.state)
    strict = replace(policy_for(identity), unsynchronised=False)
    list_key = watch_keys(config.state).list
    authority = ListDesk(policy=strict, sealed_to=list_key, now=datetime.now(UTC))
    config.trusted_root.write_bytes(authority.root)
    authority.publish(config.state.inbox)
    means = Means(
        lambda: FakeCamera(WALK), lambda _: eye(WALK), quality=lambda: TimeQuality.UNSYNCHRONISED
    )
    with guarding(tmp_path) as guard, pytest.raises(ClockUntrusted):
        run(config, means, lambda: True)
    assert not guard.has("arming")


def test_a_clock_that_is_set_back_ends_the_run(tmp_path: Path, config: Config) -> None:
    publish(config)
    times = iter([datetime.now(UTC)] * 3)
    earlier = datetime.now(UTC) - timedelta(hours=1)
    means = Means(
        lambda: FakeCamera(WALK), lambda _: eye(WALK), hands=Hands(lambda: next(times, earlier))
    )
    with guarding(tmp_path), pytest.raises(ClockUntrusted):
        run(config, means, lambda: True)
    assert records(config.state.watch, Happening.FAULT)[-1] == {"code": "ClockUntrusted"}
