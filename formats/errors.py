"""Errors of the readers: malformed, too large, forged, not for this key, broken chain.

A reader in this package returns a value or raises one of these; it does not return a bool. A
message is one clear sentence without secrets, names, scores or pixels, so it may be logged and
shown.

    Refused             root of every error tree of this project
    └── FormatError
        ├── Malformed       the bytes are not what they claim to be
        ├── TooLarge        what is written, or was sent, exceeds its fixed size
        ├── Forged          a signature or an authentication tag does not hold
        ├── NotForThisKey   no slot of the envelope belongs to the key at hand
        ├── Misaddressed    an envelope is sealed to others than it must be
        ├── UnusableKey     a public key that gives no secrecy
        └── BrokenChain     a ledger line that does not continue the line before it
"""


class Refused(Exception):
    """A refusal. The message is one sentence that says what to do next."""


class FormatError(Refused):
    """A refusal of bytes or values."""


class Malformed(FormatError):
    """The bytes are not what they claim to be."""


class TooLarge(FormatError):
    """Something does not fit into the size that is fixed for it."""


class Forged(FormatError):
    """A signature or an authentication tag does not hold."""


class NotForThisKey(FormatError):
    """No slot of the envelope belongs to the key at hand."""


class Misaddressed(FormatError):
    """An envelope is sealed to others than it must be: to a stranger, or not to all reviewers."""


class UnusableKey(FormatError):
    """A public key in another form than key generation yields, or of low order."""


class BrokenChain(FormatError):
    """A ledger line does not continue the line before it.

    Attributes:
        line: number of the first bad line, counted from 0 like the records' `seq`.
    """

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"Record {line}: {reason}")
        self.line = line
