"""TUF keys: python-tuf is limited to Ed25519, checked by libsodium.

Importing this module removes every other kind of key from python-tuf in that process.
"""

from hashlib import sha256
from typing import Any, Final

from nacl.bindings import crypto_sign_BYTES
from nacl.exceptions import CryptoError
from nacl.signing import VerifyKey
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import (  # type: ignore[attr-defined]  # Re-exports without saying so.
    KEY_FOR_TYPE_AND_SCHEME,
    Key,
    SecretsHandler,
    Signature,
    Signer,
)

from formats.errors import FormatError
from formats.hexadecimal import read_hex
from formats.public_keys import PUBLIC_KEY_BYTES, signing_key
from formats.signer import Ed25519Signer
from formats.strict_json import dumps

_KIND: Final = "ed25519"


class SiteKey(Key):
    """An Ed25519 public key: the one kind that this project's TUF knows."""

    @classmethod
    def of(cls, key: VerifyKey) -> "SiteKey":
        """Return `key` under the only key id it may have."""
        value = {"public": bytes(key).hex()}
        return cls(_name(value), _KIND, _KIND, value)

    @classmethod
    def from_dict(cls, keyid: str, key_dict: dict[str, Any]) -> "SiteKey":
        """Return the key in a role's metadata.

        Raises:
            ValueError: another type, a broken key, or a key id that is not this key's own.
        """
        key = cls.of(_read_key(key_dict["keyval"]["public"]))
        # With two key ids, one key could count as two signatures.
        if key.keyid != keyid or key.to_dict() != key_dict:
            raise ValueError("A key of the repository is not an Ed25519 key under its own name.")
        return key

    def to_dict(self) -> dict[str, Any]:
        """Return the key as role metadata spell it."""
        return self._to_dict()

    @property
    def verify_key(self) -> VerifyKey:
        """The key itself."""
        return _read_key(self.keyval["public"])

    def verify_signature(self, signature: Signature, data: bytes) -> None:
        """Verify that `signature` over `data` is this key's.

        Raises:
            UnverifiedSignatureError: it is not.
        """
        try:
            self.verify_key.verify(data, read_hex(signature.signature, crypto_sign_BYTES))
        except (CryptoError, FormatError) as error:
            raise UnverifiedSignatureError(f"Key {self.keyid[:8]} did not sign this.") from error


# Without this, securesystemslib falls back to an Ed25519 in pure Python, a hundred times slower,
# and every other scheme it knows would be a way in.
KEY_FOR_TYPE_AND_SCHEME.clear()
KEY_FOR_TYPE_AND_SCHEME[_KIND, _KIND] = SiteKey


class SiteSigner(Signer):
    """Signs role metadata with a key at hand."""

    def __init__(self, key: Ed25519Signer) -> None:
        self._key = key
        self._public_key = SiteKey.of(key.verify_key)

    @property
    def public_key(self) -> Key:
        """The public half, as role metadata name it."""
        return self._public_key

    def sign(self, payload: bytes) -> Signature:
        """Return this key's signature over `payload`."""
        return Signature(self._public_key.keyid, self._key.sign(payload).signature.hex())

    @classmethod
    def from_priv_key_uri(
        cls, priv_key_uri: str, public_key: Key, secrets_handler: SecretsHandler | None = None
    ) -> Signer:
        """Refuse: a key comes from a key file and its passphrase, never from an address."""
        raise NotImplementedError


def _read_key(text: str) -> VerifyKey:
    return signing_key(read_hex(text, PUBLIC_KEY_BYTES))


def _name(value: dict[str, str]) -> str:
    return sha256(dumps({"keytype": _KIND, "keyval": value, "scheme": _KIND})).hexdigest()
