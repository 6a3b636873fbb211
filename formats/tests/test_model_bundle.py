"""The signature of a model bundle: one trusted key, one manifest, one spelling."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from formats.errors import Forged, FormatError, Malformed, TooLarge
from formats.model_bundle import (
    MANIFEST_LIMIT,
    BundleRefused,
    VerifiedBundle,
    sign_manifest,
    verify_bundle,
)
from formats.strict_json import dumps

KEY, STRANGER = SigningKey(bytes([1]) * 32), SigningKey(bytes([2]) * 32)
MANIFEST = b'format = "tallylight-models/1"\n'


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write(tmp_path, MANIFEST, sign_manifest(MANIFEST, KEY))


def write(folder: Path, manifest: bytes, signature: bytes) -> Path:
    (folder / "manifest.toml").write_bytes(manifest)
    (folder / "manifest.sig").write_bytes(signature)
    return folder


def verify(folder: Path) -> VerifiedBundle:
    return verify_bundle(folder, KEY.verify_key)


def test_a_bundle_verifies_and_hands_on_what_was_signed(bundle: Path) -> None:
    verified = verify(bundle)
    assert (verified.manifest, verified.folder) == (MANIFEST, bundle)
    assert verified.signer == KEY.verify_key


def test_the_signature_of_a_fixed_key_is_always_the_same() -> None:
    # The vector of docs/formats/model-bundle.md: other programs sign and verify by it.
    assert sign_manifest(MANIFEST, KEY) == dumps({"key": VECTOR_KEY, "signature": VECTOR})


VECTOR_KEY = "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"
VECTOR = (
    "a6608ed1537e4da3595b077579ad8fa88ed5f83a6ddab216cb35017e9fed656d"
    "9973c504e517d6439b016f60694d63aca3d171f90bacb9564b116b3c75c55408"
)


def test_a_key_that_is_not_trusted_is_refused(bundle: Path) -> None:
    write(bundle, MANIFEST, sign_manifest(MANIFEST, STRANGER))
    with pytest.raises(Forged, match="but only 8a88e3dd7409f195 is trusted here"):
        verify(bundle)


def test_a_stranger_who_names_the_trusted_key_is_refused(bundle: Path) -> None:
    signature = STRANGER.sign(MANIFEST).signature.hex()
    named = dumps({"key": bytes(KEY.verify_key).hex(), "signature": signature})
    with pytest.raises(Forged, match="not the one that was signed"):
        verify(write(bundle, MANIFEST, named))


def test_a_manifest_with_one_byte_more_is_refused(bundle: Path) -> None:
    (bundle / "manifest.toml").write_bytes(MANIFEST + b"\n")
    with pytest.raises(Forged, match="not the one that was signed"):
        verify(bundle)


@given(st.integers(0, len(MANIFEST) - 1), st.integers(1, 255))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_flipped_byte_of_the_manifest_is_refused(bundle: Path, place: int, flip: int) -> None:
    content = bytearray(MANIFEST)
    content[place] ^= flip
    (bundle / "manifest.toml").write_bytes(content)
    with pytest.raises(Forged):
        verify(bundle)


@given(st.integers(0, len(sign_manifest(MANIFEST, KEY)) - 1), st.integers(1, 255))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_flipped_byte_of_the_signature_is_refused(bundle: Path, place: int, flip: int) -> None:
    content = bytearray(sign_manifest(MANIFEST, KEY))
    content[place] ^= flip
    (bundle / "manifest.sig").write_bytes(content)
    with pytest.raises(FormatError):
        verify(bundle)


@pytest.mark.parametrize("name", ["manifest.toml", "manifest.sig"])
def test_a_bundle_without_one_of_its_files_is_refused(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    with pytest.raises(BundleRefused, match=f"no model bundle: {name} cannot be read"):
        verify(bundle)


@pytest.mark.parametrize("statement", [b"", b"{}", b"signed", b'{"key":"00"}'])
def test_a_signature_file_that_is_none_is_refused(bundle: Path, statement: bytes) -> None:
    (bundle / "manifest.sig").write_bytes(statement)
    with pytest.raises(Malformed):
        verify(bundle)


def test_a_second_spelling_of_the_signature_is_refused(bundle: Path) -> None:
    (bundle / "manifest.sig").write_bytes(sign_manifest(MANIFEST, KEY) + b"\n")
    with pytest.raises(Malformed, match="canonical spelling"):
        verify(bundle)


def test_an_endless_manifest_is_refused(bundle: Path) -> None:
    (bundle / "manifest.toml").write_bytes(bytes(MANIFEST_LIMIT + 1))
    with pytest.raises(TooLarge):
        verify(bundle)


def test_an_endless_manifest_is_not_signed() -> None:
    with pytest.raises(TooLarge):
        sign_manifest(bytes(MANIFEST_LIMIT + 1), KEY)


def test_a_verified_bundle_does_not_show_its_content(bundle: Path) -> None:
    assert "format" not in repr(verify(bundle))
