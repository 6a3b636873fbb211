"""Public keys: a private key has one public key, and no other spelling is read anywhere."""

import ast
import json
from pathlib import Path

import pytest
from nacl.public import PrivateKey
from nacl.signing import SigningKey

from formats.errors import Malformed, UnusableKey
from formats.public_keys import recipient_key, signing_key

VECTORS = json.loads((Path(__file__).parent / "vectors" / "keys.json").read_text())
PRODUCT = ("formats", "recognition", "wire", "firmware", "provisioning", "estate")
ROOT = Path(__file__).parents[2]
OUTSIDERS = ROOT / "estate" / "accounts" / "verify.py"
"""One file that outsiders run alone: it imports nothing of this project."""
READERS = {"fromhex": "formats/hexadecimal.py", "VerifyKey": "formats/public_keys.py"}
READERS["PublicKey"] = READERS["VerifyKey"]


@pytest.mark.parametrize("name", VECTORS["x25519"]["refused"])
def test_a_recipient_key_that_no_one_generates_is_refused(name: str) -> None:
    with pytest.raises(UnusableKey, match="recipient's key"):
        recipient_key(bytes.fromhex(VECTORS["x25519"]["refused"][name]))


@pytest.mark.parametrize("name", VECTORS["ed25519"]["refused"])
def test_a_signing_key_that_no_one_generates_is_refused(name: str) -> None:
    with pytest.raises(UnusableKey, match="signing key"):
        signing_key(bytes.fromhex(VECTORS["ed25519"]["refused"][name]))


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_key_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(Malformed):
        recipient_key(bytes(size))
    with pytest.raises(Malformed):
        signing_key(bytes(size))


@pytest.mark.parametrize("seed", range(8))
def test_a_generated_key_is_taken(seed: int) -> None:
    secret = bytes([seed]) * 32
    assert recipient_key(bytes(PrivateKey(secret).public_key)) == PrivateKey(secret).public_key
    assert signing_key(bytes(SigningKey(secret).verify_key)) == SigningKey(secret).verify_key


def test_the_sound_keys_of_the_vectors_are_taken() -> None:
    for text in VECTORS["x25519"]["sound"]:
        assert bytes(recipient_key(bytes.fromhex(text))).hex() == text
    for text in VECTORS["ed25519"]["sound"]:
        assert bytes(signing_key(bytes.fromhex(text))).hex() == text


@pytest.mark.parametrize("call", READERS)
def test_keys_and_hexadecimal_text_are_read_in_one_place(call: str) -> None:
    assert _files_that_call(call) == {READERS[call]}


def _files_that_call(name: str) -> set[str]:
    """Return the product's files that call `name` on anything but a constant."""
    return {
        str(path.relative_to(ROOT))
        for package in PRODUCT
        for path in (ROOT / package).rglob("*.py")
        if "tests" not in path.parts and path != OUTSIDERS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and name == getattr(node.func, "attr", getattr(node.func, "id", ""))
        and not isinstance(node.args[0], ast.Constant)
    }
