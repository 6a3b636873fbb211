"""What a board says of itself, and what a camera answers to bytes of any kind."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware.registration.board import Places, read_board
from formats.board import BoardKey
from formats.registration_cable import kind_of
from hil_tests.tests.registration_pair import Camera


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A board on which no fact is there."""
    return Places(
        serials=(tmp_path / "serial-number", tmp_path / "product_serial"),
        links=tmp_path / "net",
        key_level=tmp_path / "board-key-level",
        image=tmp_path / "image.json",
        root_hash=tmp_path / "root-hash",
        boot_loader=tmp_path / "build-timestamp",
    )


def test_each_fact_of_a_board_is_read(places: Places, tmp_path: Path) -> None:
    places.serials[0].write_bytes(b"10000000abcdef01\0")
    (places.links / "eth0").mkdir(parents=True)
    (places.links / "eth0" / "address").write_text("02:00:00:00:00:01\n")
    places.key_level.write_text("otp\n")
    digest = "ab" * 32
    places.image.write_text('{"board": "pi5", "version": "1.2"}')
    places.root_hash.write_text(f"{digest}\n")
    places.boot_loader.write_bytes((1_767_225_600).to_bytes(4, "big"))
    (tmp_path / "manifest.toml").write_text("nets")
    board = read_board(tmp_path, "eth0", places)
    assert (board.serial, board.mac.hex(":")) == ("10000000abcdef01", "02:00:00:00:00:01")
    assert (board.kind, board.image, board.key) == ("pi5", "1.2", BoardKey.OTP)
    assert (board.image_digest.hex(), board.boot_loader_utc_s) == (digest, 1_767_225_600)
    assert board.nets_digest != bytes(32)


def test_a_board_without_any_fact_keeps_no_key(places: Places, tmp_path: Path) -> None:
    board = read_board(tmp_path, "", places)
    assert (board.serial, board.key, board.mac) == ("unknown", BoardKey.NONE, bytes(6))


@pytest.mark.parametrize("words", ["otp and more", "\x1b[2J", "x" * 100, "[1, 2]"])
def test_a_fact_that_is_no_fact_is_as_good_as_none(
    places: Places, tmp_path: Path, words: str
) -> None:
    places.key_level.write_text(words)
    places.image.write_text(words)
    board = read_board(tmp_path, "", places)
    assert (board.key, board.kind) == (BoardKey.NONE, "desk")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | st.sampled_from([b"{}", b'{"kind":"registration"}', b"[]"]))
def test_any_message_is_answered_with_a_refusal_and_ends_nothing(
    tmp_path: Path, message: bytes
) -> None:
    camera = Camera(tmp_path, "c1")
    assert kind_of(camera.ask(message)) == "registration-refusal"
    assert not camera.session.ended
