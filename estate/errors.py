"""What can go wrong on the estate's side, named after what happened.

EstateError
├── NoCamera          no camera is enrolled, or an enrolment is broken
└── StoreRefused      the store cannot be opened or written
"""

from formats.errors import Refused


class EstateError(Refused):
    """Base of all: the message is one sentence that says what to do next."""


class NoCamera(EstateError):
    """No camera is enrolled, or the enrolment of one is broken."""


class StoreRefused(EstateError):
    """The store of sealed events cannot be opened or written."""
