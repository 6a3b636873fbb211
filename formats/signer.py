"""The Ed25519 signer: a key in memory, or a key on a PKCS#11 token.

`nacl.signing.SigningKey` is one: its key lies in memory. A key on a token, which signs and does not
export it, is another (`provisioning.keys.token`). Code that signs asks for this type.
"""

from typing import Protocol

from nacl.signing import VerifyKey


class SignedMessage(Protocol):
    """The result of signing."""

    @property
    def signature(self) -> bytes:
        """(64,) the signature alone."""
        ...


class Ed25519Signer(Protocol):
    """A key that signs."""

    @property
    def verify_key(self) -> VerifyKey:
        """The public half."""
        ...

    def sign(self, message: bytes, /) -> SignedMessage:
        """Return the key's Ed25519 signature over `message`."""
        ...
