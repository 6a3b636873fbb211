"""The certificate of a wiped card has one spelling, and holds by its installer's signature."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import Forged, FormatError
from formats.tests.make_vectors import FOLDER
from formats.tests.registration_vectors import INSTALLER
from formats.wipe_certificate import read_wipe_certificate, write_wipe_certificate

VECTORS = json.loads((FOLDER / "wipe.json").read_text())
GOOD = VECTORS["good"].encode()


def test_the_published_certificate_is_read_and_has_one_spelling() -> None:
    assert write_wipe_certificate(read_wipe_certificate(GOOD), INSTALLER) == GOOD


def test_a_certificate_of_another_camera_is_forged() -> None:
    with pytest.raises(Forged):
        read_wipe_certificate(VECTORS["forged"].encode())


@pytest.mark.parametrize("name", VECTORS["broken"])
def test_a_broken_certificate_is_refused(name: str) -> None:
    with pytest.raises(FormatError):
        read_wipe_certificate(VECTORS["broken"][name].encode())


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused(place: int, change: int) -> None:
    changed = bytearray(GOOD)
    changed[place] ^= change
    with pytest.raises(FormatError):
        read_wipe_certificate(bytes(changed))
