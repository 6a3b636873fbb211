"""Merge signatures: add those of a second copy of the same metadata that are valid, and no others.

Nothing here reads or writes a disk, and nothing here decides how many signatures are enough.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from tuf.api.metadata import (  # type: ignore[attr-defined]  # It re-exports without saying so.
    Metadata,
    Root,
    Targets,
)

from formats.counts import counted
from provisioning.stick.part import Part, Result

AnyRole = TypeVar("AnyRole", Root, Targets)


@dataclass(frozen=True, slots=True)
class Merged(Generic[AnyRole]):
    """Metadata with the valid signatures of two copies."""

    metadata: Metadata[AnyRole]
    new: int
    """How many signatures the second copy added."""
    refused: int
    """How many of its signatures are of no holder of the role, or over other content."""

    def parts(self, what: str, store: Callable[[], None]) -> Iterator[Part]:
        """Yield what the second copy brought, and what of it is refused."""
        if self.new:
            yield Part(Result.NEW, f"{what}: {_signatures(self.new)} came.", store)
        else:
            yield Part(Result.KNOWN, f"{what}: nothing new.")
        if self.refused:
            reason = "of no holder of this role, or over other content"
            yield Part(Result.REFUSED, f"{what}: {_signatures(self.refused)} {reason}.")


def valid_signers(
    role: str, metadata: Metadata[AnyRole], delegators: Sequence[Root | Targets]
) -> frozenset[str]:
    """Return the key ids of all holders of a role that have validly signed `metadata`."""
    content, signatures = metadata.signed_bytes, metadata.signatures
    return frozenset(
        keyid
        for delegator in delegators
        for keyid in delegator.get_verification_result(role, content, signatures).signed
    )


def merge_signatures(
    ours: Metadata[AnyRole] | None, theirs: Metadata[AnyRole], valid: frozenset[str]
) -> Merged[AnyRole]:
    """Return the metadata with our signatures and the valid ones of the other copy.

    Args:
        ours: this side's copy; None if it has none.
        theirs: the other copy; it signs the same content.
        valid: key ids of its valid signatures.
    """
    have = dict(ours.signatures) if ours else {}
    added = {keyid: theirs.signatures[keyid] for keyid in valid - have.keys()}
    refused = theirs.signatures.keys() - valid - have.keys()
    return Merged(Metadata(theirs.signed, have | added), len(added), len(refused))


def _signatures(count: int) -> str:
    return counted(count, "signature")
