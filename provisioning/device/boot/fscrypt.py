"""Encryption of a folder by the file system (fscrypt), for the container form of the camera.

Where the kernel has no device-mapper there is no LUKS. The container form then keeps a camera's
state in an ext4 folder that is encrypted with the same 32 bytes of the board. Without the key the
kernel shows scrambled names and opens no file. Unlike LUKS it hides neither how many files there
are nor how long they are. A camera on a board uses LUKS.
"""

import fcntl
import os
import struct
from pathlib import Path
from typing import Final

_SET_POLICY: Final = 0x800C6613
_ADD_KEY: Final = 0xC0506617
_REMOVE_KEY: Final = 0xC0406618
"""FS_IOC_SET_ENCRYPTION_POLICY, _ADD_ENCRYPTION_KEY, _REMOVE_ENCRYPTION_KEY of linux/fscrypt.h."""
_BY_IDENTIFIER: Final = 2
_POLICY_V2: Final = 2
_AES_256_XTS: Final = 1
_AES_256_CTS: Final = 4
_PAD_32: Final = 3
_SPECIFIER: Final = struct.Struct("=II16s16x")
_IDENTIFIER: Final = slice(8, 24)
KEY_BYTES: Final = 32


def unlock(mount: Path, key: bytes) -> bytes:
    """Give the file system at `mount` the key; return the key's identifier.

    Raises:
        OSError: the file system has no encryption (`mke2fs -O encrypt`), or this is not root.
    """
    argument = bytearray(_SPECIFIER.pack(_BY_IDENTIFIER, 0, bytes(16)))
    argument += struct.pack("=II32x", KEY_BYTES, 0) + key[:KEY_BYTES]
    _control(mount, _ADD_KEY, argument)
    return bytes(argument[_IDENTIFIER])


def encrypt_folder(folder: Path, identifier: bytes) -> None:
    """Encrypt an empty folder, and all that will be in it, with a key that was given before.

    Raises:
        OSError: the folder is not empty, or the key was not given.
    """
    head = (_POLICY_V2, _AES_256_XTS, _AES_256_CTS, _PAD_32)
    _control(folder, _SET_POLICY, bytearray(struct.pack("=4B4x16s", *head, identifier)))


def lock(mount: Path, identifier: bytes) -> None:
    """Take the key from the file system at `mount`.

    Raises:
        OSError: the file system does not have the key.
    """
    argument = bytearray(_SPECIFIER.pack(_BY_IDENTIFIER, 0, identifier) + bytes(24))
    _control(mount, _REMOVE_KEY, argument)


def _control(path: Path, request: int, argument: bytearray) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.ioctl(descriptor, request, argument)
    finally:
        os.close(descriptor)
