"""A run of `watch` from its folders: what it needs, in which order, and what it says without."""

import os
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from threading import Event

import pytest

from firmware.assembly import Means, run
from firmware.config import Config
from firmware.delivery.marks import Terms
from firmware.delivery.outbox import Outbox
from firmware.delivery.receipts import Receipts
from firmware.delivery.waiting import LIMIT_BYTES
from firmware.errors import (
    FirmwareError,
    FolderShared,
    IdentityRefused,
    LampDark,
    NobodyListed,
    OutboxFull,
)
from firmware.identity import watch_keys
from firmware.tests import desk
from firmware.tests.camera_setup import WALK, codes, looks, made_camera, publish
from firmware.tests.command import config_of
from firmware.tests.fakes import FakeCamera, eye, guarding
from firmware.tests.observations import records
from firmware.tests.outbox_events import ESTATE, event, handed_over
from firmware.trust.newer_list import LOOK_S
from firmware.trust.watchlist import ListRefused
from formats.ledger import Happening

pytestmark = pytest.mark.alone


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return made_camera(tmp_path)


def test_with_all_of_its_parts_it_looks(tmp_path: Path, config: Config) -> None:
    publish(config)
    with guarding(tmp_path):
        looks(config)
    (period,) = records(config.state.watch, Happening.PERIOD_END)
    assert (period["frames"], period["events"]) == (6, 1)
    (accepted,) = records(config.state.watch, Happening.LIST_ACCEPTED)
    assert (accepted["version"], accepted["entries"]) == (1, 2)
    assert records(config.state.watch, Happening.STOP) == [{"reason": "stopped"}]


def test_a_newer_list_ends_the_run(tmp_path: Path, config: Config) -> None:
    now = datetime.now(UTC)  # Of both: the policy stays as it is.
    publish(config, now=now)
    published = Event()

    def running() -> bool:
        if not published.is_set():
            publish(config, version=2, now=now)
            published.set()
        time.sleep(LOOK_S / 20)
        return True

    with guarding(tmp_path):
        looks(config, running, [[]] * 100)
        looks(config)
    assert records(config.state.watch, Happening.STOP)[0] == {"reason": "newer list"}
    assert int(records(config.state.watch, Happening.PERIOD_END)[0]["frames"]) < 100
    assert records(config.state.watch, Happening.LIST_ACCEPTED)[-1]["version"] == 2


def test_a_newer_list_ends_the_rest_after_a_refusal(config: Config) -> None:
    publish(config, now=datetime.now(UTC) - timedelta(days=8))
    asked = count()

    def running() -> bool:
        if next(asked) == 1:
            publish(config, version=2)
        return True

    began_s = time.monotonic()
    means = Means(lambda: FakeCamera(WALK), lambda _: eye(WALK), rest_s=60.0)
    with pytest.raises(ListRefused):
        run(config, means, running)
    assert time.monotonic() - began_s < 30


def test_a_refused_list_leaves_the_last_good_one(tmp_path: Path, config: Config) -> None:
    publish(config)
    with guarding(tmp_path):
        looks(config)
        (config.state.inbox / "metadata" / "timestamp.json").write_text("{}")
        looks(config)
    assert len(records(config.state.watch, Happening.LIST_REFUSED)) == 1
    assert len(records(config.state.watch, Happening.PERIOD_END)) == 2


def test_without_any_list_it_stays_dark(tmp_path: Path, config: Config) -> None:
    publish(config)
    (config.state.inbox / "metadata" / "timestamp.json").unlink()
    with guarding(tmp_path) as guard, pytest.raises(ListRefused):
        looks(config)
    assert codes(config, Happening.FAULT) == ["ListRefused"]
    assert not guard.has("arming")


def test_an_expired_list_is_dark(tmp_path: Path, config: Config) -> None:
    publish(config, now=datetime.now(UTC) - timedelta(days=8))
    with guarding(tmp_path) as guard, pytest.raises(ListRefused):
        looks(config)
    assert not guard.has("arming")


def test_an_empty_list_is_dark(tmp_path: Path, config: Config) -> None:
    publish(config, empty=True)
    with guarding(tmp_path) as guard, pytest.raises(NobodyListed):
        looks(config)
    assert not guard.has("arming")


def test_without_a_guard_it_stays_dark(config: Config) -> None:
    publish(config)
    with pytest.raises(LampDark, match="start it first"):
        looks(config)
    assert codes(config, Happening.FAULT) == ["LampDark"]


def test_with_a_full_outbox_the_lamp_stays_off(tmp_path: Path, config: Config) -> None:
    publish(config)
    sealed, link = event(1, key=watch_keys(config.state).sign)
    Outbox(config.state.outbox).put(sealed, link)
    with (config.state.outbox / "broken" / "000000000002").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, LIMIT_BYTES)
    with guarding(tmp_path) as guard, pytest.raises(OutboxFull):
        looks(config)
    assert not guard.has("arming")
    ledger = records(config.state.watch, Happening.OUTBOX_FULL)
    assert ledger == [{"waiting": 1}]


def test_without_keys_it_stays_dark(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    with pytest.raises(IdentityRefused):
        looks(config)
    assert codes(config, Happening.FAULT) == ["IdentityRefused"]


def test_whose_receipts_count_stands_in_the_outbox(tmp_path: Path, config: Config) -> None:
    publish(config)
    with guarding(tmp_path):
        looks(config)
    terms = Outbox(config.state.outbox).terms()
    assert terms == Terms(bytes(desk.signing(61).verify_key), desk.usual_policy().retention_days)


def test_every_refusal_is_in_the_ledger_by_its_name(config: Config) -> None:
    publish(config)
    with pytest.raises(FirmwareError) as refusal:
        looks(config)
    assert codes(config, Happening.FAULT) == [type(refusal.value).__name__]


def waiting_event(config: Config, *, receipted: bool) -> Outbox:
    """Put one event into the outbox, and perhaps its receipt into the courier's folder."""
    sealed, link = event(1, key=watch_keys(config.state).sign)
    outbox = Outbox(config.state.outbox)
    outbox.put(sealed, link)
    outbox.set_terms(Terms(bytes(ESTATE.verify_key), 30))
    if receipted:
        Receipts(config.state.receipts).put("000000000001", handed_over(sealed))
    return outbox


@pytest.mark.parametrize("receipted", [True, False])
def test_a_camera_that_stays_dark_removes_what_was_receipted_and_no_more(
    config: Config, *, receipted: bool
) -> None:
    outbox = waiting_event(config, receipted=receipted)
    with pytest.raises(OSError, match="root"):
        looks(config)  # There is no list, and no root to verify one.
    assert outbox.names() == ([] if receipted else ["000000000001"])
    assert len(records(config.state.watch, Happening.EVENT_RECEIPTED)) == receipted


def test_a_chain_that_was_put_back_is_in_the_ledger(tmp_path: Path, config: Config) -> None:
    publish(config)
    with guarding(tmp_path):
        looks(config)
        (config.state.outbox / "waiting" / "000000000001").unlink()
        looks(config)
    assert codes(config, Happening.FAULT) == ["event_missing", "chain_behind"]


def test_what_was_planted_in_the_outbox_is_in_the_ledger_by_its_name(
    tmp_path: Path, config: Config
) -> None:
    publish(config)
    outbox = config.state.outbox
    Outbox(outbox)
    os.mkfifo(outbox / "waiting" / "000000000007")
    (outbox / "waiting" / "000000000008").symlink_to("000000000008")
    (outbox / "chain").mkdir()
    with guarding(tmp_path):
        looks(config)
    faults = records(config.state.watch, Happening.FAULT)
    assert [fault["name"] for fault in faults] == ["chain", "000000000007", "000000000008"]
    assert records(config.state.watch, Happening.PERIOD_END)[0]["events"] == 1


def test_an_outbox_that_another_user_can_write_is_refused(config: Config) -> None:
    publish(config)
    Outbox(config.state.outbox)
    (config.state.outbox / "waiting").chmod(0o770)
    with pytest.raises(FolderShared, match="waiting"):
        looks(config)
    assert codes(config, Happening.FAULT) == ["FolderShared"]
