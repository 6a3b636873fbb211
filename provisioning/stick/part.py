"""What was found on a memory stick: one part of the site, and what it means here."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Result(StrEnum):
    """What a part on the stick is to this site."""

    NEW = "new"
    """A newer version, or further signatures."""
    KNOWN = "known"
    """The same as here."""
    OLDER = "older"
    """What is here is newer and stays."""
    REFUSED = "refused"


def _nothing() -> None:
    """Store nothing: for parts that are not new."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a site as a stick holds it."""

    result: Result
    sentence: str
    """For people: what it is, and why it is refused."""
    store: Callable[[], None] = field(default=_nothing, repr=False, compare=False)
    """Writes it into the site's folder; it was verified before."""
