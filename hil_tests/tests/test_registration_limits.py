"""What a device in the middle cannot repeat, and which addresses a bench does not give."""

from dataclasses import replace
from pathlib import Path

import pytest

from firmware.registration.session import HELLO_S
from formats.registration_cable import RefusedByCamera, kind_of
from formats.site_network import SiteNetwork
from hil_tests.tests.registration_pair import TERMS, Camera, Laptop, register
from provisioning.errors import CameraRefused
from provisioning.registration.addresses import AddressBook
from provisioning.registration.open_file import LOOKS, TRIES


@pytest.fixture
def camera(tmp_path: Path) -> Camera:
    return Camera(tmp_path, "c1")


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    return Laptop(tmp_path / "site")


def test_a_device_in_the_middle_cannot_say_hello_until_a_code_fits(
    tmp_path: Path, camera: Camera
) -> None:
    first, second = (Laptop(tmp_path / name).exchange("c1") for name in ("one", "two"))
    request = first.greet(camera.session.answer)
    camera.now_s += HELLO_S - 1
    for _ in range(2):
        with pytest.raises(RefusedByCamera, match="one in 30 s"):
            second.greet(camera.session.answer)
        camera.start()  # A power cut gains nothing.
    assert first.greet(camera.session.answer) == request
    camera.now_s += HELLO_S
    second.greet(camera.session.answer)


def test_a_camera_that_begins_anew_after_each_look_uses_up_the_tries(
    tmp_path: Path, camera: Camera, laptop: Laptop
) -> None:
    for number in range(TRIES):
        exchange = laptop.exchange("c1")
        exchange.greet(camera.ask)
        exchange.show(camera.ask)
        Laptop(tmp_path / f"other{number}").exchange("c1").greet(camera.ask)
        with pytest.raises(CameraRefused, match="begun anew"):
            laptop.exchange("c1").greet(camera.ask)
    with pytest.raises(CameraRefused, match="look at what hangs on its cable"):
        laptop.exchange("c1").greet(camera.ask)


def test_the_look_of_one_nonce_is_not_repeated_without_end(camera: Camera, laptop: Laptop) -> None:
    looks = 0

    def silent(message: bytes) -> bytes:
        nonlocal looks
        if kind_of(message) != "registration-look":
            return camera.ask(message)
        looks += 1
        raise TimeoutError(110, "timed out")

    for _ in range(TRIES * (LOOKS + 1)):
        exchange = laptop.exchange("c1")  # A laptop that is started again gains nothing.
        exchange.greet(silent)
        with pytest.raises((TimeoutError, CameraRefused)):
            exchange.show(silent)
    assert looks == TRIES * LOOKS
    with pytest.raises(CameraRefused, match="has used up its 3 tries"):
        laptop.exchange("c1").greet(silent)


@pytest.mark.parametrize("authority", [b"none", b"\xff"], ids=["text", "bytes"])
def test_an_authority_that_no_broker_can_have_is_refused_before_the_camera_is_registered(
    camera: Camera, laptop: Laptop, authority: bytes
) -> None:
    laptop.terms = replace(TERMS, authority=authority)
    with pytest.raises(RefusedByCamera, match="authority"):
        register(laptop.exchange("c1"), camera.ask)
    assert laptop.manifest().found == []


def test_a_camera_whose_registration_was_cut_off_keeps_its_address(
    tmp_path: Path, camera: Camera, laptop: Laptop
) -> None:
    first = SiteNetwork("192.0.2.7/24")
    laptop.terms = replace(TERMS, network=AddressBook(first, laptop.manifest()).next_network)
    exchange = laptop.exchange("c1")
    exchange.greet(camera.ask)
    exchange.show(camera.ask)
    exchange.check_code(exchange.code)  # The laptop is switched off before the record.
    laptop.terms = replace(TERMS, network=AddressBook(first, laptop.manifest()).next_network)
    register(laptop.exchange("c2"), Camera(tmp_path, "c2").ask)
    register(laptop.exchange("c1"), camera.ask)
    given = {one.acceptance.network.address for one in laptop.manifest().found}
    assert given == {"192.0.2.7/24", "192.0.2.8/24"}


def test_no_camera_of_a_bench_gets_the_broker_s_address(laptop: Laptop) -> None:
    book = AddressBook(SiteNetwork("192.0.2.7/24"), laptop.manifest(), "192.0.2.8")
    assert [book.next_network().host for _ in range(2)] == ["192.0.2.7", "192.0.2.9"]
