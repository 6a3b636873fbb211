"""The nets of a run: signed, evaluated as the policy demands, on accelerator or processor."""

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from firmware import config as config_module
from firmware.assembly import Means, run
from firmware.config import Config
from firmware.errors import (
    AcceleratorMissing,
    NetsNotJudged,
    ProcessorRefused,
)
from firmware.nets import open_eye
from firmware.tests import desk
from firmware.tests.camera_setup import WALK, codes, looks, made_camera, publish
from firmware.tests.command import make_bundle
from firmware.tests.fakes import MANIFEST, FakeCamera, eye, guarding
from firmware.tests.observations import records
from formats.errors import Forged
from formats.keyfile import KeyRefused
from formats.ledger import Happening
from formats.model_bundle import BundleRefused
from recognition.errors import ModelRefused
from recognition.eye import Eye
from recognition.interpreter import Accelerator

pytestmark = pytest.mark.alone


CPU, EDGE_TPU = Accelerator


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return made_camera(tmp_path)


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


def test_without_its_nets_there_is_no_eye(config: Config) -> None:
    config.model_key.write_text(bytes(SigningKey(bytes([3]) * 32).verify_key).hex())
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
