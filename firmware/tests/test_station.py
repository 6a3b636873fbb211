"""A run of `watch` from its folders: what it needs, in which order, and what it says without."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from firmware import config as config_module
from firmware.assembly import Means, newer_list, run
from firmware.config import Config
from firmware.delivery.marks import Terms
from firmware.delivery.outbox import Outbox
from firmware.errors import (
    AcceleratorMissing,
    FirmwareError,
    IdentityRefused,
    LampDark,
    NetsNotJudged,
    NobodyListed,
    OutboxFull,
    ProcessorRefused,
)
from firmware.identity import make_identity, watch_keys
from firmware.nets import open_eye
from firmware.tests import desk
from firmware.tests.command import config_of, make_bundle
from firmware.tests.fakes import MANIFEST, FakeCamera, PasserBy, eye, guarding
from firmware.tests.observations import records
from firmware.tests.station import ListDesk
from firmware.trust.watchlist import ListRefused
from formats.camera_request import CameraIdentity
from formats.errors import Forged
from formats.keyfile import KeyRefused
from formats.ledger import Happening
from formats.model_bundle import BundleRefused
from formats.policy import Place, Policy
from recognition.errors import ModelRefused
from recognition.eye import Eye
from recognition.interpreter import Accelerator

pytestmark = pytest.mark.alone

CPU, EDGE_TPU = Accelerator

WALK = [[PasserBy(0, 50.0 + 12 * at)] for at in range(6)]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Make a camera with its keys, and nothing else."""
    config = config_of(tmp_path)
    make_identity(config.state)
    return config


def policy_for(identity: CameraIdentity) -> Policy:
    return replace(desk.usual_policy(), places=(Place(identity, "North gate", "Seen here."),))


def publish(
    config: Config,
    *,
    version: int = 1,
    now: datetime | None = None,
    empty: bool = False,
    policy: Callable[[Policy], Policy] = lambda policy: policy,
) -> None:
    """Put a list for this camera into its inbox, and the root into its image."""
    identity = make_identity(config.state)
    authority = ListDesk(
        policy=policy(policy_for(identity)),
        sealed_to=watch_keys(config.state).list,
        now=now or datetime.now(UTC),
    )
    authority.entries = [] if empty else authority.entries
    if not config.trusted_root.exists():
        config.trusted_root.write_bytes(authority.root)
    authority.publish(config.state.inbox, version=version)


def looks(config: Config, running: Callable[[], bool] = lambda: True) -> None:
    run(config, Means(lambda: FakeCamera(WALK), lambda _: eye(WALK)), running)


def codes(config: Config, happening: Happening) -> list[int | str]:
    return [record["code"] for record in records(config.state.watch, happening)]


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
    publish(config)

    def running() -> bool:
        publish(config, version=2)
        return True

    with guarding(tmp_path):
        looks(config, running)
    assert records(config.state.watch, Happening.STOP) == [{"reason": "newer list"}]
    assert records(config.state.watch, Happening.PERIOD_END)[0]["frames"] == 1


def test_a_refused_list_leaves_the_last_good_one(tmp_path: Path, config: Config) -> None:
    publish(config)
    with guarding(tmp_path):
        looks(config)
        (config.state.inbox / "metadata" / "timestamp.json").write_text("{}")
        looks(config)
    assert len(records(config.state.watch, Happening.LIST_REFUSED)) == 1
    assert len(records(config.state.watch, Happening.PERIOD_END)) == 2


def test_nets_that_were_not_judged_as_the_policy_demands_stay_dark(
    tmp_path: Path, config: Config
) -> None:
    publish(config, policy=partial(replace, evaluations=(bytes(32),)))
    with guarding(tmp_path) as guard, pytest.raises(NetsNotJudged):
        looks(config)
    assert codes(config, Happening.FAULT) == ["NetsNotJudged"]
    assert not guard.has("arming")


def test_nets_that_were_judged_as_the_policy_demands_look(tmp_path: Path, config: Config) -> None:
    publish(config, policy=partial(replace, evaluations=(bytes(32), bytes([7]) * 32)))
    judged = replace(eye(WALK), manifest=replace(MANIFEST, evaluation_digest=bytes([7]) * 32))
    with guarding(tmp_path):
        run(config, Means(lambda: FakeCamera(WALK), lambda _: judged), lambda: True)
    assert records(config.state.watch, Happening.PERIOD_END)[0]["frames"] == 6


@dataclass
class Unplugged:
    """Nets on a camera whose accelerator is not there."""

    asked: list[Accelerator] = field(default_factory=list)

    def __call__(self, accelerator: Accelerator) -> Eye:
        self.asked.append(accelerator)
        if accelerator is EDGE_TPU:
            raise AcceleratorMissing("There is no Edge TPU on USB.")
        return eye(WALK)


def with_edge_tpu(config: Config) -> Config:
    return replace(config, accelerator=config_module.Accelerator.EDGE_TPU)


def test_without_its_accelerator_it_stays_dark(tmp_path: Path, config: Config) -> None:
    publish(config, policy=partial(replace, processor=False))
    means = Means(lambda: FakeCamera(WALK), Unplugged())
    with guarding(tmp_path) as guard, pytest.raises(AcceleratorMissing):
        run(with_edge_tpu(config), means, lambda: True)
    assert codes(config, Happening.FAULT) == ["AcceleratorMissing"]
    assert not guard.has("arming")


def test_only_where_the_policy_lets_it_the_processor_steps_in_and_the_ledger_says_so(
    tmp_path: Path, config: Config
) -> None:
    publish(config)
    unplugged = Unplugged()
    with guarding(tmp_path):
        run(with_edge_tpu(config), Means(lambda: FakeCamera(WALK), unplugged), lambda: True)
    assert unplugged.asked == [EDGE_TPU, CPU]
    assert codes(config, Happening.FAULT) == ["AcceleratorMissing"]
    assert records(config.state.watch, Happening.PERIOD_END)[0]["frames"] == 6


def test_a_camera_that_is_set_to_its_processor_needs_the_policys_leave(
    tmp_path: Path, config: Config
) -> None:
    publish(config, policy=partial(replace, processor=False))
    with guarding(tmp_path) as guard, pytest.raises(ProcessorRefused, match="processor = true"):
        looks(config)
    assert codes(config, Happening.FAULT) == ["ProcessorRefused"]
    assert not guard.has("arming")


def test_nets_that_only_the_accelerator_runs_are_missed_with_it(
    tmp_path: Path, config: Config
) -> None:
    publish(config)

    def compiled(accelerator: Accelerator) -> Eye:
        if accelerator is EDGE_TPU:
            raise AcceleratorMissing("There is no Edge TPU on USB.")
        raise ModelRefused("There is no net for the processor.")

    with guarding(tmp_path), pytest.raises(AcceleratorMissing):
        run(with_edge_tpu(config), Means(lambda: FakeCamera(WALK), compiled), lambda: True)


def test_an_accelerator_that_does_not_answer_is_not_missing(tmp_path: Path, config: Config) -> None:
    publish(config)

    def silent(_: Accelerator) -> Eye:
        raise ModelRefused("It does not answer.")

    with guarding(tmp_path), pytest.raises(ModelRefused):
        run(with_edge_tpu(config), Means(lambda: FakeCamera(WALK), silent), lambda: True)


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
    waiting = config.state.outbox / "waiting"
    waiting.mkdir(parents=True)
    with (waiting / "000000000001").open("wb") as file:
        file.truncate(512 * 2**20)
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


def test_without_its_nets_there_is_no_eye(config: Config) -> None:
    config.model_key.write_text("00" * 32)
    with pytest.raises(BundleRefused):
        open_eye(config, CPU)


def test_without_a_trusted_key_there_is_no_eye(config: Config) -> None:
    make_bundle(config)
    config.model_key.unlink()
    with pytest.raises(KeyRefused):
        open_eye(config, CPU)


def test_the_eye_sees_through_the_nets_that_the_trusted_key_signed(config: Config) -> None:
    make_bundle(config)
    assert len(open_eye(config, CPU).manifest.detectors) == 1


def test_nets_that_another_key_signed_are_refused(config: Config) -> None:
    make_bundle(config)
    config.model_key.write_text(bytes(desk.STRANGER.verify_key).hex())
    with pytest.raises(Forged, match="is trusted here"):
        open_eye(config, CPU)


def test_an_untouched_inbox_has_no_newer_list(config: Config) -> None:
    publish(config)
    assert not newer_list(config.state.inbox)()


def test_the_first_list_is_newer_than_none(config: Config) -> None:
    newer = newer_list(config.state.inbox)
    publish(config)
    assert newer()
