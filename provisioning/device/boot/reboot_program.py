"""Write `ask-other-slot`: a static ELF program that reboots with the argument `0 tryboot`.

With this argument a Pi's boot ROM boots the other slot once (tryboot). The initial RAM disk asks
for it when the committed slot rots; busybox knows no argument, and a camera has no compiler. The
program is three system calls: sync, reboot(RESTART2, "0 tryboot"), exit 1 if that was refused. It
is written here byte by byte, for each processor, so that no cross compiler is needed and two builds
agree.
"""

import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MAGIC1: Final = 0xFEE1DEAD
_MAGIC2: Final = 672274793
_RESTART2: Final = 0xA1B2C3D4
"""The three constants of reboot(2)."""
_ARGUMENT: Final = b"0 tryboot\0"
_BASE: Final = 0x400000
_HEADERS: Final = 64 + 56
"""Bytes of the ELF header and of one program header."""


@dataclass(frozen=True, slots=True)
class Processor:
    """What differs between processors."""

    machine: int
    """e_machine of elf(5)."""
    code: bytes
    """The instructions; the address of the argument follows them as 8 bytes, then the argument."""


def _x86_64() -> bytes:
    return b"".join(
        (
            b"\xb8" + struct.pack("<I", 162) + b"\x0f\x05",  # mov eax, 162 (sync); syscall
            b"\xbf" + struct.pack("<I", _MAGIC1),  # mov edi, magic1
            b"\xbe" + struct.pack("<I", _MAGIC2),  # mov esi, magic2
            b"\xba" + struct.pack("<I", _RESTART2),  # mov edx, RESTART2
            b"\x4c\x8b\x15" + struct.pack("<i", 19),  # mov r10, [rip + 19]: the argument's address
            b"\xb8" + struct.pack("<I", 169) + b"\x0f\x05",  # mov eax, 169 (reboot); syscall
            b"\xb8" + struct.pack("<I", 60),  # mov eax, 60 (exit)
            b"\xbf" + struct.pack("<I", 1) + b"\x0f\x05",  # mov edi, 1; syscall
        )
    )


def _aarch64() -> bytes:
    svc = 0xD4000001
    words = (
        *(_mov(8, 81), svc),  # sync
        *(_movz(0, _MAGIC1), _movk(0, _MAGIC1)),
        *(_movz(1, _MAGIC2), _movk(1, _MAGIC2)),
        *(_movz(2, _RESTART2), _movk(2, _RESTART2)),
        0x58000000 | (6 << 5) | 3,  # ldr x3, [pc + 24]: the argument's address
        *(_mov(8, 142), svc),  # reboot
        *(_mov(8, 93), _mov(0, 1), svc),  # exit
    )
    return struct.pack(f"<{len(words)}I", *words)


def _mov(register: int, value: int) -> int:
    """Return `movz x<register>, #value` for a value of 16 bits."""
    return 0xD2800000 | (value << 5) | register


def _movz(register: int, value: int) -> int:
    return _mov(register, value & 0xFFFF)


def _movk(register: int, value: int) -> int:
    """Return `movk x<register>, #<upper half>, lsl #16`."""
    return 0xF2A00000 | ((value >> 16) << 5) | register


PROCESSORS: Final = {"amd64": Processor(62, _x86_64()), "arm64": Processor(183, _aarch64())}
"""By Debian's names."""


def reboot_program(architecture: str) -> bytes:
    """Return the program for one of `PROCESSORS`."""
    processor = PROCESSORS[architecture]
    entry = _BASE + _HEADERS
    address = entry + len(processor.code) + 8
    body = processor.code + struct.pack("<Q", address) + _ARGUMENT
    size = _HEADERS + len(body)
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")  # 64 bits, little-endian
    header = ident + struct.pack(
        "<HHIQQQIHHHHHH", 2, processor.machine, 1, entry, 64, 0, 0, 64, 56, 1, 0, 0, 0
    )
    readable, executable = 4, 1
    segment = struct.pack("<IIQQQQQQ", 1, readable | executable, 0, _BASE, _BASE, size, size, 4096)
    return header + segment + body


if __name__ == "__main__":
    _, architecture, out = sys.argv
    Path(out).write_bytes(reboot_program(architecture))
    Path(out).chmod(0o755)
