"""Errors of `tallylight`: why a command was refused, in one sentence that says what to do next.

ProvisioningError
├── PlanRefused        the plan of a site cannot be used
├── SiteRefused        the folder is no site, already one, or not ready for this step
├── PolicyRefused      an edited policy cannot be used
├── CameraRefused      a camera cannot be registered
├── EntryRefused       a person cannot be put on the list, or taken off it
├── ModelsRefused      nets cannot be imported, signed or adopted
├── ListNotIssued      a list cannot be built, signed or published
├── BrokerRefused      the broker's files cannot be made
├── UpdateRefused      an update bundle cannot be built, signed or offered
├── BootRefused        a card cannot be booted by the virtual board
├── FlashRefused       a card cannot be written, or was not written whole
├── FileRefused        a file that another person put there is no plain file, or too large
└── StickRefused       a memory stick cannot be taken in or written

A key file or its passphrase is refused with `formats.keyfile.KeyRefused`, nets and pictures with
`recognition.errors.RecognitionError`.
"""

from formats.errors import Refused


class ProvisioningError(Refused):
    """Base of all: the command was refused and changed nothing."""


class PlanRefused(ProvisioningError):
    """The plan of a site cannot be used."""


class SiteRefused(ProvisioningError):
    """The folder is no site, is one already, or is not ready for this step."""


class PolicyRefused(ProvisioningError):
    """An edited policy cannot be used."""


class CameraRefused(ProvisioningError):
    """A camera cannot be registered."""


class EntryRefused(ProvisioningError):
    """A person cannot be put on the list, or taken off it."""


class ModelsRefused(ProvisioningError):
    """Nets cannot be imported, signed or adopted."""


class ListNotIssued(ProvisioningError):
    """A list cannot be built, signed or published."""


class BrokerRefused(ProvisioningError):
    """The broker's files cannot be made."""


class UpdateRefused(ProvisioningError):
    """An update bundle cannot be built, signed or offered."""


class BootRefused(ProvisioningError):
    """A card cannot be booted: it names no partition, or the partition has no kernel."""


class FlashRefused(ProvisioningError):
    """A memory card cannot be written, or it does not hold what was written."""


class FileRefused(ProvisioningError):
    """A file that another person put there is no plain file, or it is too large."""


class PaperRefused(ProvisioningError):
    """A label, sign or page is not drawn, or not written to this file."""


class StickRefused(ProvisioningError):
    """A memory stick cannot be taken in or written."""
