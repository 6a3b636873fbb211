"""Updates on the camera: only the offered bytes are installed, no older version, and once."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from firmware.config import Config
from firmware.delivery.wanted import read_wanted, write_wanted
from firmware.errors import ForeignFile, UpdateRefused
from firmware.identity import make_identity, watch_keys
from firmware.tests.camera_setup import made_camera, publish
from firmware.tests.fakes import eye
from firmware.trust.site_verifier import verify_site
from firmware.trust.watchlist import ThisCamera
from firmware.update.image import ThisImage, read_image
from firmware.update.installer import BEGUN_LIMIT, Outcome, install_offer
from firmware.update.version_floor import raise_version_floor
from formats.firmware_offer import FirmwareOffer, read_version

BUNDLE = b"a bundle that RAUC signed" * 1000
RUNNING = ThisImage("virtual", read_version("0.2.0"))


class PowerCut(BaseException):
    """Ends the program in the middle of an install."""


@dataclass
class Rauc:
    """RAUC as the installer calls it: `info` prints the manifest, `install` writes the slot."""

    version: str = "0.3.0"
    compatible: str = "tallylight-virtual"
    fails: bool = False
    cut: bool = False
    installed: list[bytes] = field(default_factory=list)

    def __call__(self, *words: str) -> bytes:
        content = Path(words[-1]).read_bytes()
        if words[0] == "info":
            return json.dumps({"version": self.version, "compatible": self.compatible}).encode()
        if self.fails:
            raise UpdateRefused("RAUC refuses the bundle: signature verification failed.")
        if self.cut:
            raise PowerCut
        self.installed.append(content)
        return b""


def offer(version: str = "0.3.0", content: bytes = BUNDLE, board: str = "virtual") -> FirmwareOffer:
    return FirmwareOffer(board, read_version(version), sha256(content).digest(), len(content))


def camera(folder: Path, offers: Sequence[FirmwareOffer]) -> Config:
    """Make a camera that has accepted a policy with these offers."""
    config = made_camera(folder)
    publish(config, policy=lambda policy: replace(policy, firmware=tuple(offers)))
    keys, identity = watch_keys(config.state), make_identity(config.state)
    this = ThisCamera(identity.camera_id, keys.list, eye([]).manifest.model_digest)
    root, now = config.trusted_root.read_bytes(), datetime.now(UTC)
    verify_site(config.state.inbox, config.state.site, root, camera=this, now=now)
    config.state.bundles.mkdir()
    return config


def bring(config: Config, one: FirmwareOffer, content: bytes = BUNDLE) -> Path:
    path = config.state.bundles / f"{one.digest.hex()}.raucb"
    path.write_bytes(content)
    return path


def install(config: Config, rauc: Rauc, image: ThisImage = RUNNING) -> Outcome:
    return install_offer(config, image, datetime.now(UTC), rauc)


def test_what_the_policy_offers_is_installed_and_tried(tmp_path: Path) -> None:
    config, rauc = camera(tmp_path, [offer()]), Rauc()
    bring(config, offer())
    assert install(config, rauc).reboot
    assert rauc.installed == [BUNDLE]
    assert [path.name for path in config.state.update.iterdir()] == ["tried"]


def test_without_an_offer_for_this_board_nothing_is_installed(tmp_path: Path) -> None:
    config, rauc = camera(tmp_path, [offer(board="pi5")]), Rauc()
    assert "offers this board no update" in install(config, rauc).words


def test_the_version_that_runs_is_not_installed_again(tmp_path: Path) -> None:
    config = camera(tmp_path, [offer("0.2.0")])
    assert install(config, Rauc()).words == "Version 0.2.0 runs, which the policy offers."


def test_a_bundle_that_has_not_arrived_is_asked_for_until_it_has(tmp_path: Path) -> None:
    config = camera(tmp_path, [offer()])
    outcome = install(config, Rauc())
    assert (outcome.reboot, "has not arrived" in outcome.words) == (False, True)
    assert read_wanted(config.state) == offer()
    assert (config.state.wanted / "offer.json").stat().st_mode & 0o777 == 0o644
    bring(config, offer())
    install(config, Rauc())
    assert read_wanted(config.state) is None


def test_what_is_not_offered_any_more_is_not_asked_for(tmp_path: Path) -> None:
    config = camera(tmp_path, [offer(board="pi5")])
    write_wanted(config.state, offer())
    install(config, Rauc())
    assert read_wanted(config.state) is None


@pytest.mark.parametrize("content", [BUNDLE[:-1], BUNDLE + b"x", b"y" + BUNDLE[1:], b""])
def test_other_bytes_than_the_offered_are_not_installed(tmp_path: Path, content: bytes) -> None:
    config, rauc = camera(tmp_path, [offer()]), Rauc()
    bring(config, offer(), content)
    with pytest.raises(UpdateRefused, match="not the one that the policy offers"):
        install(config, rauc)
    assert (rauc.installed, list(config.state.update.iterdir())) == ([], [])
    assert read_wanted(config.state) == offer()


def test_an_older_version_is_refused_also_after_a_fall_back(tmp_path: Path) -> None:
    config, rauc = camera(tmp_path, [offer("0.3.0")]), Rauc()
    bring(config, offer("0.3.0"))
    raise_version_floor(config.state.update, read_version("0.4.0"))
    with pytest.raises(UpdateRefused, match=r"older than 0\.4\.0"):
        install(config, rauc)
    assert rauc.installed == []


def test_a_version_that_was_not_ready_is_not_tried_again(tmp_path: Path) -> None:
    config, rauc = camera(tmp_path, [offer()]), Rauc()
    bring(config, offer())
    install(config, rauc)
    with pytest.raises(UpdateRefused, match="was tried on this camera"):
        install(config, rauc)
    assert len(rauc.installed) == 1


def test_an_install_that_a_power_cut_ended_is_begun_again_three_times_at_most(
    tmp_path: Path,
) -> None:
    config, cut = camera(tmp_path, [offer()]), Rauc(cut=True)
    bring(config, offer())
    for _ in range(BEGUN_LIMIT - 1):
        with pytest.raises(PowerCut):
            install(config, cut)
    whole = Rauc()
    assert install(config, whole).reboot
    assert whole.installed == [BUNDLE]
    with pytest.raises(UpdateRefused, match="was tried on this camera"):
        install(config, Rauc())


def test_a_bundle_that_always_ends_the_power_is_left(tmp_path: Path) -> None:
    config, cut = camera(tmp_path, [offer()]), Rauc(cut=True)
    bring(config, offer())
    for _ in range(BEGUN_LIMIT):
        with pytest.raises(PowerCut):
            install(config, cut)
    with pytest.raises(UpdateRefused, match="begun 3 times and did not end"):
        install(config, Rauc())


@pytest.mark.parametrize(
    ("version", "compatible"), [("0.1.0", "tallylight-virtual"), ("0.3.0", "tallylight-pi5")]
)
def test_a_manifest_that_differs_from_the_offer_is_refused(
    tmp_path: Path, version: str, compatible: str
) -> None:
    config, rauc = camera(tmp_path, [offer()]), Rauc(version, compatible)
    bring(config, offer())
    with pytest.raises(UpdateRefused, match="another version or board"):
        install(config, rauc)
    assert rauc.installed == []


def test_a_bundle_that_rauc_refuses_leaves_no_copy(tmp_path: Path) -> None:
    config = camera(tmp_path, [offer()])
    bring(config, offer())
    with pytest.raises(UpdateRefused, match="signature"):
        install(config, Rauc(fails=True))
    assert not (config.state.update / "bundle.raucb").exists()


def test_a_link_or_fifo_in_the_place_of_a_bundle_is_refused(tmp_path: Path) -> None:
    config = camera(tmp_path, [offer()])
    place = config.state.bundles / f"{offer().digest.hex()}.raucb"
    place.symlink_to(bring(config, offer("0.3.0", b"other")))
    with pytest.raises(ForeignFile):
        install(config, Rauc())
    place.unlink()
    os.mkfifo(place)
    with pytest.raises(ForeignFile):
        install(config, Rauc())


def test_no_offer_is_in_force_after_the_end_of_the_list(tmp_path: Path) -> None:
    config = camera(tmp_path, [offer()])
    bring(config, offer())
    later = datetime.now(UTC) + timedelta(days=40)
    with pytest.raises(UpdateRefused, match="No offer is in force"):
        install_offer(config, RUNNING, later, Rauc())


def test_what_was_never_flashed_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "image.json").write_text('{"board": "virtual", "version": "newest"}')
    for path in (tmp_path / "none.json", tmp_path / "image.json"):
        with pytest.raises(UpdateRefused, match="cameras that were flashed"):
            read_image(path)
    (tmp_path / "image.json").write_text('{"board": "virtual", "version": "0.2.0"}')
    assert read_image(tmp_path / "image.json") == RUNNING
