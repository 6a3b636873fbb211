"""TUF keys are Ed25519 only. `firmware` tests what `verify_repository` refuses."""

import pytest
from nacl.signing import SigningKey
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import (  # type: ignore[attr-defined]  # Re-exports without saying so.
    KEY_FOR_TYPE_AND_SCHEME,
    Key,
    Signature,
)

from formats.errors import Malformed, UnusableKey
from formats.site_keys import SiteKey, SiteSigner

SECRET = SigningKey(bytes([1]) * 32)
KEY = SiteKey.of(SECRET.verify_key)


def test_no_other_kind_of_key_is_known() -> None:
    assert {("ed25519", "ed25519"): SiteKey} == KEY_FOR_TYPE_AND_SCHEME


def test_a_signature_verifies() -> None:
    KEY.verify_signature(SiteSigner(SECRET).sign(b"text"), b"text")


def test_a_signature_over_something_else_is_refused() -> None:
    with pytest.raises(UnverifiedSignatureError):
        KEY.verify_signature(SiteSigner(SECRET).sign(b"text"), b"test")


SIGNED = SiteSigner(SECRET).sign(b"text").signature


@pytest.mark.parametrize("text", [SIGNED.upper(), SIGNED + " ", " ".join(SIGNED), f"0x{SIGNED}"])
def test_a_signature_in_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(UnverifiedSignatureError):
        KEY.verify_signature(Signature(KEY.keyid, text), b"text")


@pytest.mark.parametrize("text", ["", "00", "zz" * 64, "00" * 64, "00" * 65])
def test_a_broken_signature_is_refused(text: str) -> None:
    with pytest.raises(UnverifiedSignatureError):
        KEY.verify_signature(Signature(KEY.keyid, text), b"text")


def test_a_key_reads_as_it_was_written() -> None:
    assert Key.from_dict(KEY.keyid, KEY.to_dict()) == KEY


def test_a_key_under_another_name_is_refused() -> None:
    with pytest.raises(ValueError, match="own name"):
        Key.from_dict("0" * 64, KEY.to_dict())


def test_a_key_with_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValueError, match="own name"):
        Key.from_dict(KEY.keyid, KEY.to_dict() | {"surprise": 1})


def test_a_key_with_a_further_member_of_its_value_is_refused() -> None:
    value = {"public": KEY.keyval["public"], "comment": ""}
    with pytest.raises(ValueError, match="own name"):
        Key.from_dict(KEY.keyid, KEY.to_dict() | {"keyval": value})


@pytest.mark.parametrize("public", [KEY.keyval["public"].upper(), KEY.keyval["public"] + " "])
def test_a_key_in_another_spelling_is_refused(public: str) -> None:
    with pytest.raises(Malformed):
        Key.from_dict(KEY.keyid, KEY.to_dict() | {"keyval": {"public": public}})


def test_a_key_that_no_one_generates_is_refused() -> None:
    with pytest.raises(UnusableKey):
        Key.from_dict(KEY.keyid, KEY.to_dict() | {"keyval": {"public": "ee" + "ff" * 30 + "7f"}})


def test_a_key_of_another_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="Unsupported"):
        Key.from_dict(KEY.keyid, KEY.to_dict() | {"scheme": "rsassa-pss-sha256"})


def test_no_key_comes_from_an_address() -> None:
    with pytest.raises(NotImplementedError):
        SiteSigner.from_priv_key_uri("file:key", KEY)
