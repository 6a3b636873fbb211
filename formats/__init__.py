"""What crosses between the programs: every byte layout, every signature, every strict reader.

The camera, the installers and the estate import this package and never each other. It opens no
socket, and only key files, settings, model bundles and TUF's metadata touch the disk: bytes go in,
frozen values come out, or an error from `formats.errors` says why not.
"""

from typing import Final

VERSION: Final = "0.1.0"
"""Of all programs of this project; ledgers name it."""
