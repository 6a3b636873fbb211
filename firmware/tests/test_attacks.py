"""Every attack of `attacks` is refused by its name, and changes nothing."""

from pathlib import Path

import pytest

from firmware.tests.attacks import ATTACKS
from firmware.tests.desk import Desk
from firmware.tests.forgeries import Attack
from firmware.tests.verifier import Camera
from firmware.trust.watchlist import ListRefused


@pytest.fixture
def camera(tmp_path: Path) -> Camera:
    return Camera(tmp_path)


def test_there_are_enough_attacks() -> None:
    assert len(ATTACKS) >= 40
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)


def test_the_list_that_every_attack_starts_from_is_accepted(camera: Camera) -> None:
    assert camera.takes(Desk()).version == 1
    assert camera.takes(Desk(), version=2).version == 2


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_is_refused_by_its_name_and_changes_nothing(
    camera: Camera, attack: Attack
) -> None:
    camera.takes(Desk())
    attack.do(camera)
    before = camera.kept()
    with pytest.raises(ListRefused) as caught:
        camera.looks(now=attack.now, camera=attack.camera)
    assert caught.value.code is attack.code, caught.value
    assert camera.kept() == before
    if attack.dark:
        with pytest.raises(ListRefused):
            camera.reloads(now=attack.now, camera=attack.camera)
    elif attack.name != "an older card":  # Its card says so itself; the floors know better.
        assert camera.reloads(now=attack.now).version in {1, 3}
