"""The search for secrets in an image finds a planted key of each kind that the project makes."""

import shutil
import subprocess
from pathlib import Path

import pyrage
import pytest
from nacl.signing import SigningKey

from firmware.config import State
from firmware.identity import make_identity
from formats.keyfile import Cost, Purpose, make_key, write_key
from hil_tests.tests.secret_search import secrets_in

LEAST: Cost = Cost(1, 8192)
"""The cheapest lock."""


def openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)


@pytest.mark.parametrize("purpose", Purpose)
def test_a_locked_key_file_is_found_under_any_name(tmp_path: Path, purpose: Purpose) -> None:
    write_key(tmp_path / "x.key", make_key(purpose, "a holder", "a long passphrase", LEAST))
    (tmp_path / "x.key").rename(tmp_path / "notes")
    assert secrets_in(tmp_path) == {"notes": "a key file of this project"}


def test_each_key_that_a_camera_makes_is_found_by_its_name_and_by_its_bytes(tmp_path: Path) -> None:
    state = State(tmp_path / "camera")
    make_identity(state)
    keys = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.key")}
    assert len(keys) == 6
    assert set(secrets_in(tmp_path)) == keys
    for number, key in enumerate(sorted(tmp_path.rglob("*.key"))):
        key.rename(tmp_path / f"renamed{number}")
    assert len(secrets_in(tmp_path)) == 6


@pytest.mark.parametrize("form", ["PEM", "DER"])
@pytest.mark.parametrize(
    "kind", [("EC", "ec_paramgen_curve:P-256"), ("ED25519", ""), ("X25519", "")]
)
def test_a_key_of_a_certificate_is_found(tmp_path: Path, kind: tuple[str, str], form: str) -> None:
    option = ("-pkeyopt", kind[1]) if kind[1] else ()
    made = ("-outform", form, "-out", tmp_path / "library.so")
    openssl("genpkey", "-algorithm", kind[0], *option, *made)
    assert set(secrets_in(tmp_path)) == {"library.so"}


def test_an_encrypted_key_of_a_certificate_is_found(tmp_path: Path) -> None:
    words = ("-aes-256-cbc", "-pass", "pass:x", "-out", tmp_path / "maker")
    openssl("genpkey", "-algorithm", "ED25519", *words)
    assert set(secrets_in(tmp_path)) == {"maker"}


def test_an_age_identity_is_found(tmp_path: Path) -> None:
    (tmp_path / "x").write_text(f"# mine\n{pyrage.x25519.Identity.generate()}\n")
    assert secrets_in(tmp_path) == {"x": "an age identity"}


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
def test_a_key_of_ssh_is_found(tmp_path: Path) -> None:
    made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "x")]
    subprocess.run(made, check=True)
    assert set(secrets_in(tmp_path)) == {"x"}


def test_a_raw_key_is_found_by_its_size(tmp_path: Path) -> None:
    (tmp_path / "board").write_bytes(bytes(range(200, 232)))
    (tmp_path / "seed").write_bytes(bytes(SigningKey(bytes(32)))[:31] + b"\xff")
    assert set(secrets_in(tmp_path)) == {"board", "seed"}


def test_a_password_that_could_match_is_found(tmp_path: Path) -> None:
    (tmp_path / "shadow").write_text("daemon:!*:1::::::\nroot:$y$j9T$abc$def:1::::::\n")
    assert secrets_in(tmp_path) == {"shadow": "a password hash"}


def test_public_halves_and_mere_headers_are_no_secret(tmp_path: Path) -> None:
    openssl("genpkey", "-algorithm", "ED25519", "-out", tmp_path / "x.key")
    openssl("pkey", "-in", tmp_path / "x.key", "-pubout", "-out", tmp_path / "x.pem")
    (tmp_path / "x.key").unlink()
    (tmp_path / "library.so").write_bytes(b"-----BEGIN %s-----\0-----END\0" % b"PRIVATE KEY")
    (tmp_path / "models.pub").write_bytes(b"ab" * 32 + b"\n")
    assert secrets_in(tmp_path) == {}
