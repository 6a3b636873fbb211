"""Errors of the camera, named after what happened; a FAULT in the ledger has the class's name.

FirmwareError
├── AlreadyRunning     another process of this program runs on the same folder or socket
├── IdentityRefused    a key of this camera is missing or broken
├── NotRegistered      the camera has no registration with a lamp record
├── RegistrationRefused a message of a registration cannot be accepted now
├── LampDark           light cannot be proven: the lease ended, the guard refused or went away
│   └── NoLease        the guard granted no lease when it was asked for light
├── LampFault          a line of the lamp is not what it must be
├── DiskStalled        the disk has not taken a record in time, so nothing more may be looked at
├── CameraStalled      no frame came in time, or there is no camera
├── NoCameraDriver     the image that runs has no camera driver
├── PictureGrey        the camera sees no colour, as at night: the nets were not made for that
├── AcceleratorMissing the accelerator is not plugged in, or did not come back
├── ProcessorRefused   the policy does not let the nets run on the camera's own processor
├── TooHot             the camera or its accelerator is over its limit
├── LedgerBroken       the ledger on disk does not verify
├── ForeignFile        a file in the state folder is a link, a FIFO, too large, or of another kind
│   └── FileUnreadable the card no longer gives a file back
├── FolderShared       another user can write in a folder that only this program may write
├── FloorsBroken       the rollback floors can no longer be read
├── ClockUntrusted     the clock stands before a time that has passed, or no time server vouches
├── NetsNotJudged      the policy demands another evaluation of the nets than they have
├── NobodyListed       the list has no live entry, so there is nothing to look for
├── OutsideHours       the policy's schedule does not let recognition run now
├── NotReady           the version that has just booted could not arm in time
├── UpdateRefused      an update may not be installed, or there is no image to update
├── BundleNotFetched   an update bundle could not be downloaded now, or its bytes are wrong
├── OutboxFull         there is no room for another event: nothing more may be recognised
├── ListRefused        firmware.trust: the list may not be used, with its code
└── EntryLapsed        firmware.trust: an entry is no longer live, so it is not searched for
"""

from pathlib import Path

from formats.errors import Refused


class FirmwareError(Refused):
    """Base of the camera's errors; the message is one sentence that says what to do next."""


class IdentityRefused(FirmwareError):
    """A key file of this camera is missing or is not what it claims to be."""


class NotRegistered(FirmwareError):
    """The camera has no registration record, or one without a lamp record that holds."""


class RegistrationRefused(FirmwareError):
    """A message of a registration cannot be accepted now."""


class ForeignFile(FirmwareError):
    """A file in the state folder is a link, a FIFO, too large, or of another kind.

    Attributes:
        path: where it is.
        found: what it is, as words: "a FIFO".
    """

    def __init__(self, path: Path, found: str, wanted: str) -> None:
        super().__init__(
            f"{path} is {found}, not {wanted}: find out which program put it there, and remove it."
        )
        self.path = path
        self.found = found


class FileUnreadable(ForeignFile):
    """The card no longer gives a file back, or does not take it: other files go on."""

    def __init__(self, path: Path) -> None:
        FirmwareError.__init__(self, f"{path} cannot be read from the card: replace the card.")
        self.path = path
        self.found = "unreadable"


class AlreadyRunning(FirmwareError):
    """Another process of the same program runs on the same folder or socket."""


class FolderShared(FirmwareError):
    """Another user can write in a folder that only this program may write."""


class FloorsBroken(FirmwareError):
    """Both copies of the rollback floors are broken: a rollback cannot be noticed."""


class ClockUntrusted(FirmwareError):
    """The clock stands before a time that has passed, or no time server vouches for it."""


class NetsNotJudged(FirmwareError):
    """The policy demands another evaluation of the nets than they have."""


class LampDark(FirmwareError):
    """Light cannot be proven, so nothing may be looked at."""


class NoLease(LampDark):
    """The guard granted no lease when it was asked for light."""


class DiskStalled(FirmwareError):
    """The disk has not taken a record in time: what is not recorded may not be looked at."""


class LampFault(FirmwareError):
    """The lamp's lines cannot be used at all."""


class CameraStalled(FirmwareError):
    """No frame came within the time that a working camera needs."""


class NoCameraDriver(FirmwareError):
    """The image that runs has no camera driver, so this camera cannot arm."""


class PictureGrey(FirmwareError):
    """The pictures have no colour: the nets were not calibrated for infrared."""


class AcceleratorMissing(FirmwareError):
    """The accelerator is not plugged in, or did not come back with its firmware."""


class ProcessorRefused(FirmwareError):
    """The policy does not let the nets run on the camera's own processor."""


class TooHot(FirmwareError):
    """The camera or its accelerator is hotter than it may be."""


class LedgerBroken(FirmwareError):
    """The chain of the ledger on disk does not verify."""


class NobodyListed(FirmwareError):
    """The list has no live entry, so no face is looked at."""


class OutsideHours(FirmwareError):
    """The policy's schedule does not let recognition run now."""


class BundleNotFetched(FirmwareError):
    """An update bundle could not be downloaded now, or its bytes are not the offered ones."""


class OutboxFull(FirmwareError):
    """The outbox has no room. No event may be lost, so none may be made."""


class NotReady(FirmwareError):
    """The version that has just booted could not arm within the time that it has."""


class UpdateRefused(FirmwareError):
    """An update may not be installed: offer, bundle, version or image is not what it must be."""
