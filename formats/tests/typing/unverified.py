"""What must not type-check. mypy fails on any of these lines that starts to."""

from pathlib import Path

from nacl.public import PrivateKey
from nacl.signing import VerifyKey

from formats.envelope import Kind, Sealed, Verified, open_sealed, read, verify
from formats.message import open_event
from formats.model_bundle import VerifiedBundle


def an_unverified_envelope_is_not_opened(blob: bytes, key: PrivateKey) -> None:
    open_sealed(read(Kind.EVENT, blob), key)  # type: ignore[arg-type]
    open_sealed(blob, key)  # type: ignore[arg-type]
    open_event(read(Kind.EVENT, blob), key)  # type: ignore[arg-type]


def bytes_that_were_not_read_are_not_verified(blob: bytes, sender: VerifyKey) -> None:
    verify(blob, sender)  # type: ignore[arg-type]


def only_the_envelopes_module_makes_the_proofs(sealed: Sealed) -> None:
    Verified(sealed)  # type: ignore[call-arg]
    Sealed(sealed.kind, sealed.header, sealed.blob)  # type: ignore[call-arg]


class Believed(Verified):  # type: ignore[misc]
    """`Verified` is final."""


def only_the_model_bundles_module_makes_a_verified_bundle(folder: Path, key: VerifyKey) -> None:
    VerifiedBundle(folder, b"", key)  # type: ignore[call-arg]
