"""What can go wrong on the estate's side, named after what happened.

EstateError
├── ConfigRefused     the receiver's settings cannot be used
├── KeyRefused        a key file is missing or not what it claims to be
├── StoreRefused      the store cannot be opened
└── BrokerRefused     the broker cannot be reached or refuses the receiver
"""


class EstateError(Exception):
    """Base of all: the message is one sentence that says what to do next."""


class ConfigRefused(EstateError):
    """The receiver's settings are missing or out of bounds."""


class KeyRefused(EstateError):
    """A key file is missing or is not what it claims to be."""


class StoreRefused(EstateError):
    """The store of sealed events cannot be opened."""


class BrokerRefused(EstateError):
    """The broker cannot be reached or refuses the receiver."""
