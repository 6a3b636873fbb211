"""A camera that was wiped: its board is registered again with new keys; its old id stays wiped."""

import json
import shutil
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from formats.errors import Refused
from formats.signer import Ed25519Signer
from formats.wipe_certificate import WipeCertificate, write_wipe_certificate
from provisioning.errors import CameraRefused
from provisioning.site.folder import Site, open_site
from provisioning.site.registrations import believed
from provisioning.site.wiped import wipe_path
from provisioning.tests.test_registering import (
    carried,
    installer_key,
    laptop,
    name_installer,
    register,
    the_camera,
)
from provisioning.tests.workshop import Workshop, refusal, tallylight

__all__ = ["laptop"]  # A fixture.


def sign_wipe(site: Site, camera: str, key: Ed25519Signer) -> None:
    """Leave the certificate of a wiped camera in a site's folder, as tallylight wipe does."""
    name = site.policy.site
    certificate = WipeCertificate(
        name, bytes.fromhex(camera), "c1", "a card", 4096, 1_800_000_000, key.verify_key
    )
    to = wipe_path(site, certificate.camera)
    to.parent.mkdir(exist_ok=True)
    to.write_bytes(write_wipe_certificate(certificate, key))


@pytest.fixture
def desk(begun: Workshop, laptop: Workshop) -> Site:
    """The desk's site, which has taken the laptop's registration."""
    name_installer(begun, laptop)
    tallylight("take", carried(laptop), "--into", begun.site)
    return open_site(begun.site)


def new_card(begun: Workshop) -> Path:
    """Give the board a new card, so that it makes new keys."""
    camera = begun.folder / "camera-1"
    shutil.rmtree(camera)
    return camera


def test_a_board_that_was_wiped_is_registered_again_by_its_installer(
    begun: Workshop, laptop: Workshop, desk: Site
) -> None:
    before, camera = the_camera(laptop), new_card(begun)
    with pytest.raises(CameraRefused, match="bring its certificate from the desk"):
        register(laptop, camera, begun)
    sign_wipe(desk, before, installer_key(laptop))
    stick = begun.folder / "back"
    stick.mkdir()
    tallylight("give", stick, "--from", desk.folder)
    tallylight("take", stick, "--into", laptop.site)
    register(laptop, camera, begun)
    tallylight("take", carried(laptop), "--into", desk.folder)
    old, new = believed(desk)
    assert old.identity.camera_id.hex() == before != new.identity.camera_id.hex()
    assert old.board.serial == new.board.serial


def test_a_certificate_that_no_installer_of_the_site_signed_frees_no_board(
    begun: Workshop, laptop: Workshop
) -> None:
    before, camera = the_camera(laptop), new_card(begun)
    sign_wipe(open_site(laptop.site), before, SigningKey.generate())
    with pytest.raises(Refused, match="was registered before"):
        register(laptop, camera, begun)


def test_a_certificate_of_a_stranger_stays_on_the_stick(
    begun: Workshop, laptop: Workshop, desk: Site
) -> None:
    sign_wipe(open_site(laptop.site), the_camera(laptop), SigningKey.generate())
    refusal("take", carried(laptop), "--into", begun.site)
    assert not (desk.folder / "wiped").exists()


def test_a_wiped_camera_is_listed_as_wiped(laptop: Workshop, desk: Site) -> None:
    assert "not yet" in tallylight("register", "list", desk.folder)
    sign_wipe(desk, the_camera(laptop), installer_key(laptop))
    shown = tallylight("register", "list", desk.folder)
    assert "wiped" in shown
    assert "not yet" not in shown
    (row,) = json.loads(tallylight("register", "list", desk.folder, "--json"))["cameras"]
    assert row["wiped"] is True


def test_a_wiped_camera_is_taken_out_without_asking_to_revoke_it_again(
    begun: Workshop, laptop: Workshop, desk: Site
) -> None:
    camera = the_camera(laptop)
    place = ("--place", "North gate", "--grounds", "Seen here twice.", "--training")
    tallylight("camera", "add-registered", begun.site, camera, *place)
    sign_wipe(desk, camera, installer_key(laptop))
    said = tallylight("camera", "remove", begun.site, camera[:8], "--yes")
    assert "is out of the policy" in said
    assert "revoke" not in said
