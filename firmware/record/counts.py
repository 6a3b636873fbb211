"""What one period of looking came to, in numbers that name nobody."""

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Counts:
    """So that silence is explained: how many, at each stage, and why no further."""

    frames: int = 0
    faces: int = 0
    """Faces found, in all frames."""
    small: int = 0
    blurred: int = 0
    turned: int = 0
    dark: int = 0
    bright: int = 0
    searched: int = 0
    """Faces compared with the list."""
    resembled: int = 0
    """Comparisons that passed the threshold."""
    events: int = 0
    """Passers-by of whom an event was made."""
    suppressed: int = 0
    """Passers-by of whom none was made because the same entry had one just before."""

    def refuse(self, fault: str) -> None:
        """Count a face that was not good enough, by its fault."""
        setattr(self, fault, getattr(self, fault) + 1)

    def to_body(self) -> dict[str, int | str]:
        """Return the numbers for the ledger."""
        return asdict(self)
