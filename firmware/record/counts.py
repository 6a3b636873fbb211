"""The counts of one period: frames, faces, searches, candidates and events, without any person."""

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Counts:
    """The counts at each stage; they explain why a camera made no event."""

    frames: int = 0
    early: int = 0
    """Frames exposed before the light was proven: they were not looked at."""
    grey: int = 0
    """Frames without colour: they were not looked at."""
    still: int = 0
    """Frames in which nothing had moved: they have the faces of the frame before."""
    faces: int = 0
    """Faces found, in all frames."""
    refused_small: int = 0
    refused_blurred: int = 0
    refused_turned: int = 0
    refused_dark: int = 0
    refused_bright: int = 0
    put_off: int = 0
    """Looks that were due and for which their frame had no time; the face may be looked at later.
    A camera with many of them has more people in view than it can compare."""
    searched: int = 0
    """Comparisons with the list: several of each passer-by."""
    passers_by: int = 0
    """Passers-by who were compared with the list: tracks with at least one comparison."""
    candidates: int = 0
    """Comparisons that passed the threshold."""
    events: int = 0
    """Passers-by with an event."""
    suppressed: int = 0
    """Passers-by without an event because their entry had one just before, or in a storm."""

    def clear(self) -> None:
        """Count anew, for a new period."""
        for name in asdict(self):
            setattr(self, name, 0)

    def refuse(self, fault: str) -> None:
        """Count a face that was not good enough: small, blurred, turned, dark or bright."""
        name = f"refused_{fault}"
        setattr(self, name, getattr(self, name) + 1)

    def to_line(self) -> str:
        """Return the numbers as one line for people; what did not happen is left out."""
        return ", ".join(
            f"{name.replace('_', ' ')} {count}" for name, count in asdict(self).items() if count
        )

    def to_body(self) -> dict[str, int | str]:
        """Return the numbers for the ledger."""
        return asdict(self)
