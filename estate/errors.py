"""What can go wrong on the estate's side, named after what happened.

EstateError
├── NoCamera          no camera is enrolled, or an enrolment is broken
├── StoreRefused      the store cannot be opened or written
├── SiteRefused       the site's signed repository does not verify
├── VerdictRefused    a verdict may not be given: twice, by a stranger, too late
├── NotConfirmed      something may be done with confirmed matches alone
├── HoldRefused       an event may not be held or released like this
└── BooksRefused      books, checkpoints or back-ups cannot be read or do not agree
"""

from formats.errors import Refused


class EstateError(Refused):
    """Base of all: the message is one sentence that says what to do next."""


class NoCamera(EstateError):
    """No camera is enrolled, or the enrolment of one is broken."""


class StoreRefused(EstateError):
    """The store of sealed events cannot be opened or written."""


class SiteRefused(EstateError):
    """The site's signed repository does not verify."""


class VerdictRefused(EstateError):
    """A verdict may not be given: twice, by a stranger, too late."""


class NotConfirmed(EstateError):
    """Something may be done with confirmed matches alone."""


class HoldRefused(EstateError):
    """An event may not be held or released like this."""


class BooksRefused(EstateError):
    """Books, checkpoints or back-ups cannot be read or do not agree."""
