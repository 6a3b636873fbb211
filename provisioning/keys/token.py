"""Keys that live on a PKCS#11 token: made there, used there, never taken out.

A token is a smart card, a USB key or a network HSM. Which ones this machine knows is for its own
registry to say, p11-kit's: no path of a library stands in a key file, because a file that somebody
brings must not decide what code runs here. Every signature opens a session with the PIN and closes
it again, and is checked against the public half that the key file names before anybody sees it.
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

REGISTRY: Final = "libp11-kit.so.0"
"""One library that speaks for every token library that the machine's owner has registered."""
_ED25519: Final = encode_named_curve_parameters("1.3.101.112")  # RFC 8410.
_TRIAL: Final = b"tallylight: does this token hold the key that its file names?"


@dataclass(frozen=True, slots=True)
class Signature:
    """What a token gives out."""

    signature: bytes
    """(64,) Ed25519."""


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A key that signs on its token. Made by `token_key`, which has tried it."""

    file: KeyFile
    _rest: OnToken
    _pin: str = field(repr=False)

    @property
    def verify_key(self) -> VerifyKey:
        """The public half."""
        return VerifyKey(self.file.public)

    def sign(self, message: bytes, /) -> Signature:
        """The key's signature over `message`, made on the token.

        Raises:
            KeyRefused: the token is gone, its PIN has changed, or it holds another key.
        """
        token = look_for(self._rest.label, self._rest.serial)
        with _session(token, self._pin) as session:
            key = _private(session, self.file, self._rest)
            signature = key.sign(message, mechanism=Mechanism.EDDSA)
        try:
            self.verify_key.verify(message, signature)
        except (BadSignatureError, ValueError) as error:
            raise KeyRefused(
                f"The token {self._rest.label} signs with another key than the file of "
                f"{self.file.holder} names: use the file that was made with the key."
            ) from error
        return Signature(signature)


def make_on_token(purpose: Purpose, holder: str, label: str, pin: str) -> KeyFile:
    """A new key, made on the token named `label`; what comes back says where it is.

    Raises:
        KeyRefused: there is no such token, it makes no such keys, the PIN is wrong, or the purpose
            is to open what is sealed.
    """
    if purpose in OPENING:
        raise KeyRefused(f"A {purpose} key opens and does not sign: make it without --token.")
    token = look_for(label)
    key_id = token_bytes(KEY_ID_BYTES)
    with _session(token, pin, writing=True) as session:
        public, private = _generate(session, purpose, key_id)
        point = _point(public)
        if private[Attribute.EXTRACTABLE] or not private[Attribute.SENSITIVE]:
            public.destroy()
            private.destroy()
            raise KeyRefused(f"The token {label} would give its keys out: use another one.")
    rest = OnToken(token.label, token.serial.decode(errors="replace").strip(), key_id)
    made = KeyFile(purpose, holder, point, rest)
    token_key(made, pin)
    return made


def token_key(file: KeyFile, pin: str) -> TokenKey:
    """The key that a file names, once its token has signed with it.

    Raises:
        KeyRefused: the file names no token, or the token or the key is not here, or the PIN is
            wrong.
    """
    if not isinstance(file.rest, OnToken):
        raise KeyRefused(f"The key of {file.holder} rests in its file, not on a token.")
    key = TokenKey(file, file.rest, pin)
    key.sign(_TRIAL)
    return key


def look_for(label: str, serial: str | None = None) -> Token:
    """The one token of this name, and of this serial number if one is given.

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
    """A session that knows the PIN, and ends with the block."""
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


def _private(session: Session, file: KeyFile, rest: OnToken) -> SignMixin:
    try:
        # The purpose stands in the label: a file that claims another one finds nothing.
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


def _generate(session: Session, purpose: Purpose, key_id: bytes) -> tuple[PublicKey, PrivateKey]:
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


def _point(public: PublicKey) -> bytes:
    """The 32 bytes, which tokens wrap in an OCTET STRING or give as they are."""
    return bytes(public[Attribute.EC_POINT])[-KEY_BYTES:]


def _label(purpose: Purpose) -> str:
    return f"tallylight {purpose}"
