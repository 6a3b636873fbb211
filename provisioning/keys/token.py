"""PKCS#11: make Ed25519 keys on a token, and sign with them there.

A token is a smart card, a USB key or a network HSM. The private key never leaves it. The machine's
own registry, p11-kit, says which token libraries run here: never load code named by a key file.
Every signature opens a session with the PIN and closes it again. It is verified with the public
half in the key file before a caller gets it. Keys that open what is sealed are not made on a token.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from secrets import token_bytes
from typing import Final

import pkcs11
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass, PrivateKey, PublicKey, Session, Token
from pkcs11.types import SignMixin
from pkcs11.util.ec import encode_named_curve_parameters

from formats.keyfile import KEY_BYTES, KEY_ID_BYTES, OPENING, KeyFile, KeyRefused, OnToken, Purpose
from formats.public_keys import signing_key

REGISTRY: Final = "libp11-kit.so.0"
"""p11-kit: one library that reaches every token library that the machine's owner has registered."""
_ED25519: Final = encode_named_curve_parameters("1.3.101.112")  # RFC 8410.
_TRIAL: Final = b"tallylight: does this token hold the key that its file names?"


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that a token made."""

    signature: bytes
    """(64,) Ed25519."""


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A key that signs on its token. Made by `open_token_key`, which has tried it once."""

    file: KeyFile
    _rest: OnToken
    _pin: str = field(repr=False)

    @property
    def verify_key(self) -> VerifyKey:
        """Return the public half."""
        return signing_key(self.file.public)

    def sign(self, message: bytes, /) -> Signature:
        """Return the key's signature over `message`, made on the token.

        Raises:
            KeyRefused: the token is gone, its PIN has changed, or it holds another key.
        """
        token = find_token(self._rest.label, self._rest.serial)
        with _session(token, self._pin) as session:
            key = _find_private_key(session, self.file, self._rest)
            signature = key.sign(message, mechanism=Mechanism.EDDSA)
        try:
            self.verify_key.verify(message, signature)
        except (BadSignatureError, ValueError) as error:
            raise KeyRefused(
                f"The token {self._rest.label} signs with another key than the file of "
                f"{self.file.holder} names: use the file that was made with the key."
            ) from error
        return Signature(signature)


def make_token_key(purpose: Purpose, holder: str, label: str, pin: str) -> KeyFile:
    """Make a key on the token named `label`; return the key file that says where it is.

    Raises:
        KeyRefused: there is no such token, it makes no such keys, the PIN is wrong, or the purpose
            is to open what is sealed.
    """
    if purpose in OPENING:
        raise KeyRefused(f"A {purpose} key opens and does not sign: make it without --token.")
    token = find_token(label)
    key_id = token_bytes(KEY_ID_BYTES)
    with _session(token, pin, writing=True) as session:
        public, private = _generate_pair(session, purpose, key_id)
        public_bytes = _public_bytes(public)
        if private[Attribute.EXTRACTABLE] or not private[Attribute.SENSITIVE]:
            public.destroy()
            private.destroy()
            raise KeyRefused(f"The token {label} would let its keys be copied: use another one.")
    rest = OnToken(token.label, token.serial.decode(errors="replace").strip(), key_id)
    made = KeyFile(purpose, holder, public_bytes, rest)
    open_token_key(made, pin)
    return made


def open_token_key(file: KeyFile, pin: str) -> TokenKey:
    """Return the key that a key file names, after its token has signed with it once.

    Raises:
        KeyRefused: the file names no token, or the token or the key is not here, or the PIN is
            wrong.
    """
    if not isinstance(file.rest, OnToken):
        raise KeyRefused(f"The key of {file.holder} rests in its file, not on a token.")
    key = TokenKey(file, file.rest, pin)
    key.sign(_TRIAL)
    return key


def find_token(label: str, serial: str | None = None) -> Token:
    """Return the one token of this name, and of this serial number if one is given.

    Raises:
        KeyRefused: it is not here, there are two, or it makes no Ed25519 signatures.
    """
    try:
        registry = pkcs11.lib(REGISTRY)
        named = [each for each in registry.get_tokens() if each.label == label]
    except pkcs11.PKCS11Error as error:
        raise KeyRefused(
            "No token can be reached, because this machine has no p11-kit: install libp11-kit0."
        ) from error
    here = [each for each in named if serial in {None, each.serial.decode(errors="replace")}]
    if not here:
        known = f"{label!r}" if serial is None else f"{label!r} with the serial number {serial}"
        raise KeyRefused(
            f"The token {known} is not here: plug it in, or register its PKCS#11 library with "
            "p11-kit (docs/lists.md)."
        )
    fit = [each for each in here if Mechanism.EDDSA in each.slot.get_mechanisms()]
    if not fit:
        raise KeyRefused(f"The token {label!r} makes no Ed25519 signatures: use another one.")
    if len({each.serial for each in fit}) > 1:
        raise KeyRefused(f"Two tokens are named {label!r}: unplug one of them.")
    return fit[0]


@contextmanager
def _session(token: Token, pin: str, *, writing: bool = False) -> Generator[Session]:
    """Yield a session that was opened with the PIN; close it at the end of the block."""
    name = f"The token {token.label!r}"
    try:
        with token.open(rw=writing, user_pin=pin) as session:
            yield session
    except pkcs11.PinLocked as error:
        raise KeyRefused(
            f"{name} is locked after too many wrong PINs: unlock it with its maker's program."
        ) from error
    except (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange) as error:
        raise KeyRefused(
            f"This is not the PIN of {name[0].lower()}{name[1:]}; after a few wrong ones it locks."
        ) from error
    except pkcs11.PKCS11Error as error:
        fault = type(error).__name__
        raise KeyRefused(f"{name} failed ({fault}): plug it in again, then repeat.") from error


def _find_private_key(session: Session, file: KeyFile, rest: OnToken) -> SignMixin:
    try:
        # The label holds the purpose: a file that claims another purpose finds no key.
        found = session.get_key(
            object_class=ObjectClass.PRIVATE_KEY, id=rest.key_id, label=_label(file.purpose)
        )
    except (pkcs11.NoSuchKey, pkcs11.MultipleObjectsReturned) as error:
        raise KeyRefused(
            f"The token {rest.label!r} does not hold the {file.purpose} key of {file.holder}: "
            "plug in the one on which it was made."
        ) from error
    if not isinstance(found, SignMixin):
        raise KeyRefused(f"The token {rest.label!r} holds something else under the key's name.")
    return found


def _generate_pair(
    session: Session, purpose: Purpose, key_id: bytes
) -> tuple[PublicKey, PrivateKey]:
    curve = session.create_domain_parameters(
        KeyType.EC_EDWARDS, {Attribute.EC_PARAMS: _ED25519}, local=True
    )
    return curve.generate_keypair(
        id=key_id,
        label=_label(purpose),
        store=True,
        mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN,
        private_template={
            Attribute.PRIVATE: True,
            Attribute.SENSITIVE: True,
            Attribute.EXTRACTABLE: False,
            Attribute.SIGN: True,
        },
    )


def _public_bytes(public: PublicKey) -> bytes:
    """Return the 32 bytes of a public key; some tokens wrap them in an OCTET STRING."""
    return bytes(public[Attribute.EC_POINT])[-KEY_BYTES:]


def _label(purpose: Purpose) -> str:
    return f"tallylight {purpose}"
