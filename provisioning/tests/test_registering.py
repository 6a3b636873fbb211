"""The desk and registrations: installers are named, manifests taken in, cameras added."""

import shutil
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from firmware.config import State
from formats.keyfile import read_key, unlock_signing
from hil_tests.rig.simulated_cable import desk_terms, register_on_desk
from provisioning.broker.mosquitto_files import AUTHORITY_FILE
from provisioning.errors import CameraRefused
from provisioning.registration.printer import LabelPrinter
from provisioning.site.folder import open_site
from provisioning.site.registrations import Manifest, believed
from provisioning.tests.workshop import PASSPHRASE, SITE, Workshop, refusal, tallylight

PLACE = ("--place", "North gate", "--grounds", "Seen here twice.")


@pytest.fixture
def laptop(begun: Workshop) -> Workshop:
    """An installer's laptop with a copy of the site, and a camera that it registered."""
    copy = Workshop(begun.folder / "laptop")
    shutil.copytree(begun.site, copy.site)
    shutil.copy(begun.folder / "passphrase", copy.folder)
    key = copy.folder / "installer.key"
    tallylight("register", "key", key, "--holder", "Installer One", *copy.passphrase)
    register(copy, begun.folder / "camera-1", begun)
    return copy


def installer_key(laptop: Workshop) -> SigningKey:
    return unlock_signing(read_key(laptop.folder / "installer.key"), PASSPHRASE)


def register(laptop: Workshop, camera: Path, desk: Workshop | None = None) -> None:
    """Register a camera with a certificate of the desk's broker; without a desk, of another."""
    root = (laptop.site / "root.json").read_bytes()
    terms = desk_terms(root, site=SITE)
    if desk:
        (desk.site / "broker").mkdir(exist_ok=True)
        (desk.site / "broker" / AUTHORITY_FILE).write_bytes(terms.authority)
    register_on_desk(State(camera), root, laptop.site, installer_key(laptop), terms)


def name_installer(begun: Workshop, laptop: Workshop, *more: str) -> str:
    return tallylight("register", "installer", begun.site, laptop.folder / "installer.pub", *more)


def carried(laptop: Workshop) -> Path:
    """Bring the laptop's stick to the desk."""
    stick = laptop.folder / "stick"
    stick.mkdir(exist_ok=True)
    tallylight("give", stick, "--from", laptop.site)
    return stick


def the_camera(laptop: Workshop) -> str:
    (one,) = Manifest(open_site(laptop.site), installer_key(laptop)).found
    return one.identity.camera_id.hex()


def test_a_registered_camera_comes_into_policy_and_broker_from_the_stick(
    begun: Workshop, laptop: Workshop
) -> None:
    assert "No camera yet" in tallylight("register", "list", begun.site)
    named = name_installer(begun, laptop)
    assert "Installer One" in named
    assert "Compare these words" in named
    output = tallylight("take", carried(laptop), "--into", begun.site)
    assert "new      Registrations of installer" in output
    camera = the_camera(laptop)
    assert camera[:8] in tallylight("register", "list", begun.site)
    added = tallylight("camera", "add-registered", begun.site, camera, *PLACE, "--training")
    assert camera in added
    site = open_site(begun.site)
    assert [place.place for place in site.policy.places] == ["North gate"]
    (one,) = believed(site)
    issued = site.broker / "clients" / f"{camera}.pem"
    assert issued.read_bytes() == one.acceptance.certificate
    assert "yes" in tallylight("register", "list", begun.site)


def test_a_certificate_that_another_authority_issued_does_not_come_into_the_broker_s_files(
    begun: Workshop, laptop: Workshop
) -> None:
    register(laptop, begun.folder / "camera-2")
    name_installer(begun, laptop)
    tallylight("take", carried(laptop), "--into", begun.site)
    *_, other = believed(open_site(begun.site))
    words = ("camera", "add-registered", begun.site, other.board.serial, *PLACE, "--training")
    assert "is not one that this site's broker issued" in refusal(*words)
    assert open_site(begun.site).policy.places == ()
    assert not (begun.site / "broker" / "clients").exists()


def test_a_manifest_of_an_installer_whom_the_site_does_not_name_stays_on_the_stick(
    begun: Workshop, laptop: Workshop
) -> None:
    refusal("take", carried(laptop), "--into", begun.site)
    assert "0 registered cameras" in refusal(
        "camera", "add-registered", begun.site, the_camera(laptop), *PLACE
    )


def test_after_a_laptop_was_stolen_its_records_are_not_believed(
    begun: Workshop, laptop: Workshop
) -> None:
    name_installer(begun, laptop)
    tallylight("take", carried(laptop), "--into", begun.site)
    said = name_installer(begun, laptop, "--remove")
    assert "replace-key --purpose broker" in said
    assert "0 registered cameras" in refusal(
        "camera", "add-registered", begun.site, the_camera(laptop), *PLACE
    )


def test_a_changed_or_forked_manifest_is_refused_and_the_one_here_stays(
    begun: Workshop, laptop: Workshop
) -> None:
    name_installer(begun, laptop)
    stick = carried(laptop)
    tallylight("take", stick, "--into", begun.site)
    (here,) = (begun.site / "registrations").glob("*.jsonl")
    (there,) = stick.rglob("*.jsonl")
    before = here.read_bytes()
    there.write_bytes(before[:500] + bytes([before[500] ^ 1]) + before[501:])
    assert "stayed on the stick" in refusal("take", stick, "--into", begun.site)
    here_of_the_laptop = next((laptop.site / "registrations").glob("*.jsonl"))
    here_of_the_laptop.unlink()
    register(laptop, begun.folder / "camera-2")
    there.write_bytes(here_of_the_laptop.read_bytes())
    assert "stayed on the stick" in refusal("take", stick, "--into", begun.site)
    assert here.read_bytes() == before


def test_a_camera_that_was_registered_for_training_is_not_added_as_a_real_one(
    begun: Workshop, laptop: Workshop
) -> None:
    name_installer(begun, laptop)
    tallylight("take", carried(laptop), "--into", begun.site)
    camera = the_camera(laptop)
    assert "was registered for training" in refusal(
        "camera", "add-registered", begun.site, camera, *PLACE
    )
    assert open_site(begun.site).policy.places == ()


def test_the_label_is_drawn_and_a_printer_that_refuses_is_told_with_the_file(
    laptop: Workshop,
) -> None:
    site = open_site(laptop.site)
    (one,) = Manifest(site, installer_key(laptop)).found
    LabelPrinter(site).print_label(one)
    (label,) = (laptop.site / "registrations" / "labels").glob("*.pdf")
    assert label.read_bytes().startswith(b"%PDF")
    with pytest.raises(CameraRefused, match=rf"took no label .*: print .*{label.name}"):
        LabelPrinter(site, "no-such-printer").print_label(one)


def test_without_a_broker_or_a_cable_no_camera_is_waited_for(laptop: Workshop) -> None:
    words = ("register", "cameras", laptop.site, "--key", laptop.folder / "installer.key")
    host = ("--host", "192.0.2.10", *laptop.passphrase)
    assert "0 cables were found" in refusal(*words, *host, "--link", "no-such-link")
    assert "run tallylight broker config first" in refusal(*words, *host, "--link", "lo")


def test_a_folder_that_is_no_site_asks_for_the_folder_and_not_for_a_new_site(
    begun: Workshop,
) -> None:
    said = refusal("register", "list", begun.folder)
    assert "name the folder that holds the site's root.json" in " ".join(said.split())
