"""Formats: what crosses between the programs. Byte layouts, signatures and strict readers.

The camera, the installers' desk and the estate import this package. It imports none of them.
A reader takes bytes and returns a frozen value, or raises an error from `formats.errors`.
Nothing here opens a socket. Key files, settings, model bundles and TUF metadata are read from disk;
the modules for key files and TUF metadata also write there.
"""

from typing import Final

VERSION: Final = "0.2.0"
"""Of all programs of this project; ledgers name it."""
