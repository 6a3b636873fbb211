"""What recognition refuses, each in one sentence that says what to do. No error holds a pixel.

RecognitionError
├── ModelRefused      a net, its manifest or its calibration is not what it must be
├── NetFailed         a net that ran before cannot be run any more
├── PictureRefused    a picture cannot be read, or cannot be enrolled
└── ListNotServed     a list is too long for the false alarms that policy accepts
"""

from formats.errors import Refused


class RecognitionError(Refused):
    """Anything this library refuses."""


class ModelRefused(RecognitionError):
    """A net, its manifest or its calibration is not what it must be."""


class NetFailed(RecognitionError):
    """A net that ran before cannot be run any more: the accelerator or its runtime failed."""


class PictureRefused(RecognitionError):
    """A picture cannot be read, or cannot be enrolled."""


class ListNotServed(RecognitionError):
    """No calibrated threshold keeps a list of this length within its budget of false alarms."""
