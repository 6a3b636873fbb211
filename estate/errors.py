"""The estate's exceptions, each named after what happened.

EstateError
├── NoCamera          no camera is registered, or a registration request is broken
├── StoreRefused      the store cannot be opened or written
│   ├── RowExists     a row that must be new is there already
│   └── RowRefused    a row says more than what is signed
├── SiteRefused       the site's signed repository does not verify
├── NoEvent           no event, or more than one, has the digits that were named
├── NotMet            an event's recipients are of a version that this office has not met
├── VerdictRefused    a verdict is refused: a second one, an unknown reviewer, too late
├── NotConfirmed      an export needs a confirmed match, and this is none
├── SeatLocked        the review console is locked
├── HoldRefused       a hold or release breaks a rule
└── BooksRefused      ledgers, checkpoints or backups cannot be read or do not agree
"""

from formats.errors import Refused


class EstateError(Refused):
    """Base of the estate's exceptions. The message is one sentence that says what to do next."""


class NoCamera(EstateError):
    """No camera is registered, or a registration request is broken."""


class StoreRefused(EstateError):
    """The store of sealed events cannot be opened or written."""


class RowExists(StoreRefused):
    """A row that must be new is there already; nothing was written."""


class RowRefused(StoreRefused):
    """A row of the store says more than what is signed: it was changed from outside."""

    def __init__(self, event: bytes, why: str) -> None:
        super().__init__(
            f"Event {event.hex()[:16]} is refused: {why}. Keep the database as evidence, and find "
            "out who can write it."
        )
        self.event = event


class SiteRefused(EstateError):
    """The site's signed repository does not verify."""


class NoEvent(EstateError):
    """No event of the store, or more than one, has the digits that were named."""


class NotMet(EstateError):
    """An event's recipients are of a version that this office has not met."""


class VerdictRefused(EstateError):
    """A verdict is refused: a second one, an unknown reviewer, too late."""


class NotConfirmed(EstateError):
    """An export needs a confirmed match, and this is none."""


class SeatLocked(EstateError):
    """The review console is locked, or is not unlocked."""


class HoldRefused(EstateError):
    """A hold or a release breaks a rule."""


class BooksRefused(EstateError):
    """Ledgers, checkpoints or backups cannot be read or do not agree."""
