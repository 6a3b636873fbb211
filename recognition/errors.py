"""Errors of recognition: each message is one sentence that says what to do. None holds a pixel.

RecognitionError
├── ModelRefused      a net, its manifest or its calibration is missing, altered or wrong
├── NetFailed         a net that ran before failed
├── PictureRefused    a picture cannot be read, or cannot be enrolled
└── ListNotServed     a list is too long for the false alarms that policy accepts
"""

from formats.errors import Refused


class RecognitionError(Refused):
    """The base of every error of this library."""


class ModelRefused(RecognitionError):
    """A net, its manifest or its calibration is missing, altered or wrong."""


class NetFailed(RecognitionError):
    """A net that ran before failed: the accelerator or its runtime is at fault."""


class PictureRefused(RecognitionError):
    """A picture cannot be read, or cannot be enrolled."""


class ListNotServed(RecognitionError):
    """No calibrated threshold keeps a list of this length within its budget of false alarms."""
