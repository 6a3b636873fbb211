"""A camera is registered over its cable: both sides' own code, a simulated lamp."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from firmware.errors import NotRegistered
from firmware.identity import make_identity
from firmware.registration.kept import check_registration, record_path
from firmware.registration.session import FAIL_SAFE_S, SESSION_FILE
from formats.board import BoardKey
from formats.errors import BrokenChain, FormatError, Malformed, Refused
from formats.registration import write_look
from formats.registration_cable import RefusedByCamera, raise_refusal
from formats.registration_record import read_manifest, read_registration
from formats.site_network import SiteNetwork
from hil_tests.tests.registration_pair import (
    ROOT,
    STEPS,
    TERMS,
    Camera,
    Laptop,
    changed,
    register,
)
from provisioning.errors import CameraRefused
from provisioning.registration.addresses import AddressBook
from provisioning.registration.code_reader import SensedCode, TypedCode
from provisioning.registration.open_file import TRIES


@pytest.fixture
def camera(tmp_path: Path) -> Camera:
    return Camera(tmp_path, "c1")


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    return Laptop(tmp_path / "site")


def test_a_camera_that_was_registered_has_a_lamp_record_that_holds(
    camera: Camera, laptop: Laptop
) -> None:
    register(laptop.exchange("c1"), camera.ask)
    kept = check_registration(camera.state)
    assert kept.identity == make_identity(camera.state)
    assert kept.lamp.lit_samples == kept.lamp.lit_sensed > 0
    assert laptop.manifest().found == [kept]
    assert (camera.state.courier / "tls.crt").read_bytes() == kept.acceptance.certificate


def test_a_camera_without_a_registration_says_in_one_sentence_what_to_do(camera: Camera) -> None:
    with pytest.raises(NotRegistered, match=r"no lamp record: register it .* tallylight register"):
        check_registration(camera.state)


@pytest.mark.parametrize("at", [0.02, 0.5, 0.98])
@pytest.mark.parametrize("way", ["message", "answer"])
@pytest.mark.parametrize("step", STEPS)
def test_one_flipped_bit_is_refused_and_the_next_try_succeeds(
    camera: Camera, laptop: Laptop, step: str, way: str, at: float
) -> None:
    def flip(message: bytes) -> bytes:
        where = int(at * len(message))
        return message[:where] + bytes([message[where] ^ 1]) + message[where + 1 :]

    number = STEPS.index(step)
    with pytest.raises(Refused):
        register(laptop.exchange("c1"), changed(camera.ask, number, flip, answer=way == "answer"))
    assert camera.session.ended is ((step, way) == ("record", "answer"))
    register(laptop.exchange("c1"), camera.ask)
    assert [one.board.serial for one in laptop.manifest().found] == ["c1"]
    assert check_registration(camera.state) == laptop.manifest().found[0]


@pytest.mark.parametrize("at", [0.1, 0.5, 0.9])
def test_a_changed_record_is_neither_kept_nor_listed(
    camera: Camera, laptop: Laptop, at: float
) -> None:
    register(laptop.exchange("c1"), camera.ask)
    path = laptop.manifest().path
    for content, read in (
        (bytearray(path.read_bytes()), read_manifest),
        (bytearray(record_path(camera.state).read_bytes()), read_registration),
    ):
        content[int(at * len(content))] ^= 1
        with pytest.raises(FormatError):
            read(bytes(content))


def test_a_record_that_is_left_out_of_a_manifest_is_noticed(tmp_path: Path, laptop: Laptop) -> None:
    for serial in ("c1", "c2", "c3"):
        register(laptop.exchange(serial), Camera(tmp_path, serial).ask)
    one, _, three = laptop.manifest().path.read_bytes().splitlines(keepends=True)
    with pytest.raises(BrokenChain, match="does not follow"):
        read_manifest(one + three)


def test_a_device_in_the_middle_shows_another_code(tmp_path: Path, laptop: Laptop) -> None:
    true, false = Camera(tmp_path, "c1"), Camera(tmp_path / "middle", "c1")
    middle = Laptop(tmp_path / "middle", key=SigningKey.generate()).exchange("c1")
    ours = laptop.exchange("c1")
    middle.greet(true.ask)
    ours.greet(false.ask)
    middle.show(true.ask)
    with pytest.raises(CameraRefused, match="not the code of camera c1"):
        ours.check_code(middle.code)  # What a person sees on the true camera.
    assert laptop.manifest().found == []


def test_a_nonce_that_the_laptop_did_not_commit_to_lets_no_lamp_blink(
    camera: Camera, laptop: Laptop
) -> None:
    laptop.exchange("c1").greet(camera.ask)
    with pytest.raises(RefusedByCamera, match="not the one that it committed to"):
        raise_refusal(camera.ask(write_look(bytes(32))))
    assert camera.lamp.changes == []


def test_three_wrong_codes_end_the_tries_also_of_a_laptop_that_is_started_again(
    camera: Camera, laptop: Laptop
) -> None:
    codes = set()
    for _ in range(TRIES):
        exchange = laptop.exchange("c1")
        exchange.greet(camera.ask)
        codes.add(exchange.code)
        with pytest.raises(CameraRefused, match=f"of {TRIES}"):
            exchange.check_code((0, 0, 0, 0, 0))
    assert len(codes) == TRIES
    with pytest.raises(CameraRefused, match="look at what hangs on its cable"):
        laptop.exchange("c1").greet(camera.ask)


@pytest.mark.parametrize("fault", ["wire_cut", "tied_high"])
def test_a_lamp_that_does_not_follow_gets_no_record(
    camera: Camera, laptop: Laptop, fault: str
) -> None:
    setattr(camera.lamp, fault, True)
    with pytest.raises(RefusedByCamera, match="check the"):
        register(laptop.exchange("c1"), camera.ask)
    assert "lamp_record" not in laptop.exchange("c1").kept


@pytest.mark.parametrize("key", [BoardKey.HOST, BoardKey.NONE])
def test_a_board_that_keeps_no_key_is_registered_for_training_only(
    tmp_path: Path, key: BoardKey
) -> None:
    camera, real = Camera(tmp_path, "c1", key), replace(TERMS, training=False)
    with pytest.raises(FormatError, match="for training, register with --training"):
        register(Laptop(tmp_path / "site", real).exchange("c1"), camera.ask)
    kept = Camera(tmp_path, "c2", BoardKey.OTP)
    register(Laptop(tmp_path / "site", real).exchange("c2"), kept.ask)
    assert not check_registration(kept.state).acceptance.training


def test_a_laptop_of_another_site_is_refused_by_the_camera(tmp_path: Path, camera: Camera) -> None:
    other = Laptop(tmp_path / "site", replace(TERMS, root=ROOT + b" of another site"))
    with pytest.raises(RefusedByCamera, match="another site than this camera's image"):
        register(other.exchange("c1"), camera.ask)


def test_a_serial_number_that_was_registered_before_is_refused(
    tmp_path: Path, camera: Camera, laptop: Laptop
) -> None:
    register(laptop.exchange("c1"), camera.ask)
    twin = Camera(tmp_path / "twin", "c1")
    with pytest.raises(CameraRefused, match="serial number of camera c1 was registered before"):
        laptop.exchange("c1").greet(twin.ask)


def test_a_card_that_was_copied_is_refused(tmp_path: Path, camera: Camera, laptop: Laptop) -> None:
    register(laptop.exchange("c1"), camera.ask)
    record_path(camera.state).unlink()
    camera.state.root.rename(tmp_path / "c2")
    with pytest.raises(CameraRefused, match="key of camera c2 was registered before"):
        laptop.exchange("c2").greet(Camera(tmp_path, "c2").ask)


def test_a_camera_of_which_the_cable_said_another_serial_number_is_refused(
    camera: Camera, laptop: Laptop
) -> None:
    with pytest.raises(CameraRefused, match="two cameras hang on one link"):
        laptop.exchange("c2").greet(camera.ask)


def test_a_board_that_nobody_read_is_refused(tmp_path: Path, camera: Camera) -> None:
    read = Laptop(tmp_path / "site", replace(TERMS, boards=frozenset({"c7"})))
    with pytest.raises(CameraRefused, match="look at the board"):
        read.exchange("c1").greet(camera.ask)


def test_half_a_registration_is_forgotten_after_ten_minutes_and_the_keys_stay(
    camera: Camera, laptop: Laptop
) -> None:
    keys = make_identity(camera.state)
    with pytest.raises(Refused):
        register(laptop.exchange("c1"), changed(camera.ask, 3, lambda _: b"{}", answer=False))
    assert (camera.state.root / SESSION_FILE).exists()
    camera.now_s += FAIL_SAFE_S + 1
    camera.session.forget_if_late()
    assert not (camera.state.root / SESSION_FILE).exists()
    assert not (camera.state.courier / "tls.crt").exists()
    assert make_identity(camera.state) == keys
    with pytest.raises(CameraRefused, match="has begun anew"):
        register(laptop.exchange("c1"), camera.ask)
    register(laptop.exchange("c1"), camera.ask)
    assert check_registration(camera.state) == laptop.manifest().found[-1]


def test_a_registered_camera_answers_no_other_laptop(
    tmp_path: Path, camera: Camera, laptop: Laptop
) -> None:
    register(laptop.exchange("c1"), camera.ask)
    with pytest.raises(RefusedByCamera, match="wipe it to register it again"):
        Laptop(tmp_path / "other").exchange("c1").greet(camera.ask)


def test_the_image_s_settings_get_the_broker_and_keep_their_other_lines(
    camera: Camera, laptop: Laptop
) -> None:
    settings = camera.state.root / "settings" / "camera.toml"
    settings.parent.mkdir()
    settings.write_text('lamp_socket = "/run/lamp"\nbroker_host = "localhost"\nbroker_port = 1\n')
    laptop.terms = replace(TERMS, broker_host="192.0.2.7", broker_port=8884)
    register(laptop.exchange("c1"), camera.ask)
    assert tomllib.loads(settings.read_text()) == {
        "lamp_socket": "/run/lamp",
        "broker_host": "192.0.2.7",
        "broker_port": 8884,
        "broker_ca": str(camera.state.courier / "broker-ca.pem"),
    }


def test_a_camera_of_the_image_gets_its_address_its_time_servers_and_a_door_to_the_broker(
    camera: Camera, laptop: Laptop
) -> None:
    settings = camera.state.root / "settings"
    settings.mkdir()
    (settings / "camera.toml").write_text("broker_port = 1\n")
    network = SiteNetwork("192.0.2.21/24", "192.0.2.1", ("192.0.2.5", "2001:db8::5"))
    laptop.terms = replace(TERMS, broker_host="192.0.2.7", network=lambda: network)
    register(laptop.exchange("c1"), camera.ask)
    wire = (settings / "site.network").read_text()
    assert "Address=192.0.2.21/24\nGateway=192.0.2.1\n" in wire
    assert "DHCP=no" in wire
    sources = (settings / "site.sources").read_text()
    assert sources == "server 192.0.2.5 iburst\nserver 2001:db8::5 iburst\n"
    assert "IPAddressAllow=localhost 192.0.2.7\n" in (settings / "courier.conf").read_text()


def test_each_camera_of_a_bench_gets_the_next_address(tmp_path: Path, laptop: Laptop) -> None:
    first = SiteNetwork("192.0.2.253/24")
    for serial in ("c1", "c2"):
        book = AddressBook(first, laptop.manifest())  # A new one each time, as after a restart.
        laptop.terms = replace(TERMS, network=book.next_network)
        register(laptop.exchange(serial), Camera(tmp_path, serial).ask)
    given = [one.acceptance.network.address for one in laptop.manifest().found]
    assert given == ["192.0.2.253/24", "192.0.2.254/24"]
    with pytest.raises(Malformed, match="no address after"):
        AddressBook(first, laptop.manifest()).next_network()


def test_a_broker_whose_name_would_be_a_line_of_the_settings_is_refused(
    camera: Camera, laptop: Laptop
) -> None:
    laptop.terms = replace(TERMS, broker_host='x"#y')
    with pytest.raises(RefusedByCamera, match="no name and no address"):
        register(laptop.exchange("c1"), camera.ask)
    assert laptop.manifest().found == []


@dataclass
class Sensor:
    """A photodiode that saw what a simulated lamp did."""

    changes: list[tuple[int, bool]]

    def samples(self) -> Iterator[tuple[int, bool]]:
        yield from self.changes

    def stop(self) -> None:
        """Nothing is left to end."""


def test_a_photodiode_reads_what_the_lamp_blinks(camera: Camera, laptop: Laptop) -> None:
    exchange = laptop.exchange("c1")
    exchange.greet(camera.ask)
    exchange.show(camera.ask)
    sensed = SensedCode(Sensor(camera.lamp.changes))
    assert sensed.read("bench", "c1", lambda: None) == exchange.code


def test_a_person_types_until_five_numbers_are_there() -> None:
    typed = iter(["", "1 2 3", "1 2 3 4 17", "1, 2 3 4 16"])
    order: list[str] = []

    def ask(_: str) -> str:
        order.append("asked")
        return next(typed)

    reader = TypedCode(ask, order.append)
    seen = reader.read("port 1", "c1", lambda: order.append("blinked"))
    assert seen == (1, 2, 3, 4, 16)
    look = "Look at port 1, camera c1: it blinks in five groups now."
    assert order == [look, "blinked", "asked"] * 4  # The person is told before the lamp blinks.
