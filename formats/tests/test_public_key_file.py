"""Public key files say whose key it is and what for; the wrong one is refused in one sentence."""

from pathlib import Path

import pytest

from formats.errors import UnusableKey
from formats.keyfile import Cost, KeyFile, KeyRefused, Purpose, make_key, write_key
from formats.public_key_file import (
    PublicKeyFile,
    read_public_key,
    refuse_strange_site,
    write_public_key,
)

CHEAP = Cost(passes=1, memory_bytes=8192)
PLAIN = b"3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29"
"""The Ed25519 key of 32 zero bytes."""
VECTOR = b'{"holder":"Desk 7","public":"%s","purpose":"receipt","site":"mill-lane"}\n' % PLAIN
"""Docs/formats/key-files.md shows it."""


def made(purpose: Purpose = Purpose.RECEIPT) -> KeyFile:
    return make_key(purpose, "Desk 7", "correct horse battery", CHEAP)


@pytest.mark.parametrize("site", ["", "mill-lane"])
def test_a_public_key_is_read_as_it_was_written(tmp_path: Path, site: str) -> None:
    key, file = made(), tmp_path / "receipt.pub"
    write_public_key(file, key, site)
    found = read_public_key(file, Purpose.RECEIPT, "mill-lane")
    assert found == PublicKeyFile(key.public, Purpose.RECEIPT, "Desk 7", site)
    assert found.said


def test_the_vector_is_read(tmp_path: Path) -> None:
    file = tmp_path / "receipt.pub"
    file.write_bytes(VECTOR)
    found = read_public_key(file, Purpose.RECEIPT)
    assert (found.public.hex().encode(), found.site) == (PLAIN, "mill-lane")


def test_a_public_key_is_never_overwritten(tmp_path: Path) -> None:
    write_public_key(tmp_path / "receipt.pub", made())
    with pytest.raises(FileExistsError):
        write_public_key(tmp_path / "receipt.pub", made())


def test_a_key_of_an_earlier_version_is_read_and_says_nothing(tmp_path: Path) -> None:
    file = tmp_path / "receipt.pub"
    file.write_bytes(PLAIN + b"\n")
    found = read_public_key(file, Purpose.RECEIPT, "mill-lane")
    assert (found.public.hex().encode(), found.said) == (PLAIN, False)


def test_a_key_for_another_purpose_is_refused_by_its_holder(tmp_path: Path) -> None:
    write_public_key(tmp_path / "receipt.pub", made())
    with pytest.raises(KeyRefused, match="the receipt key of Desk 7; a ledger key is needed"):
        read_public_key(tmp_path / "receipt.pub", Purpose.LEDGER)


def test_a_key_for_another_site_is_refused(tmp_path: Path) -> None:
    write_public_key(tmp_path / "receipt.pub", made(), "mill-lane")
    with pytest.raises(KeyRefused, match="for the site mill-lane, and this is other-lane"):
        read_public_key(tmp_path / "receipt.pub", Purpose.RECEIPT, "other-lane")


def test_a_private_key_is_not_taken_for_its_public_half(tmp_path: Path) -> None:
    write_key(tmp_path / "receipt.key", made())
    with pytest.raises(KeyRefused, match="private key's file"):
        read_public_key(tmp_path / "receipt.key", Purpose.RECEIPT)


@pytest.mark.parametrize("purpose", [Purpose.RECEIPT, Purpose.REVIEWER])
@pytest.mark.parametrize("said", [True, False])
def test_a_key_of_low_order_is_refused(
    tmp_path: Path,
    purpose: Purpose,
    said: bool,  # noqa: FBT001  # A parameter of the test.
) -> None:
    content = VECTOR.replace(PLAIN, b"00" * 32).replace(b"receipt", str(purpose).encode())
    (tmp_path / "x.pub").write_bytes(content if said else b"00" * 32)
    with pytest.raises(UnusableKey, match="low order"):
        read_public_key(tmp_path / "x.pub", purpose)


@pytest.mark.parametrize(
    "text",
    [
        *("", "00" * 31, "00" * 33, "AB" * 32, "00" * 32 + "\n00", "ü" * 64, "{}", "x" * 2000),
        VECTOR.decode().replace("Desk 7", ""),
        VECTOR.decode().replace('"site"', '"cite"'),
        VECTOR.decode().replace("receipt", "recipe"),
    ],
)
def test_a_public_key_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "receipt.pub").write_text(text)
    with pytest.raises(KeyRefused, match="is not a public key"):
        read_public_key(tmp_path / "receipt.pub", Purpose.RECEIPT)


def test_a_missing_public_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyRefused, match="cannot be read"):
        read_public_key(tmp_path / "receipt.pub", Purpose.RECEIPT)


@pytest.mark.parametrize("site", ["Mill Lane", "-", "x" * 33])
def test_a_key_is_made_for_no_site_that_cannot_be(site: str) -> None:
    with pytest.raises(KeyRefused, match="lower-case letters"):
        refuse_strange_site(site)
