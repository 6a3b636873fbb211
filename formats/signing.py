"""Something that signs with one Ed25519 key, wherever that key lies.

`nacl.signing.SigningKey` is one: its key lies in memory. A key that lies on a token, which signs
itself and gives nothing out, is another (`provisioning.keys.token`). Code that signs asks for
this type.
"""

from typing import Protocol

from nacl.signing import VerifyKey


class Signed(Protocol):
    """What comes back from signing."""

    @property
    def signature(self) -> bytes:
        """(64,) the signature alone."""
        ...


class Signing(Protocol):
    """Signs with one key."""

    @property
    def verify_key(self) -> VerifyKey:
        """The public half."""
        ...

    def sign(self, message: bytes, /) -> Signed:
        """The key's Ed25519 signature over `message`."""
        ...
