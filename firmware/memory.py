"""What this process may leave behind in memory's name: nothing on a disk, nothing to a debugger.

No core dump, and no other process of the same user can read this one's memory. Swap is the unit's
and the image's to forbid. What Python itself cannot promise stands in docs/threat-model.md.
"""

import ctypes
import os
import resource
from typing import Final

from firmware.errors import MemoryOpen

PR_GET_DUMPABLE: Final = 3
PR_SET_DUMPABLE: Final = 4
"""prctl(2)."""


def close_memory() -> None:
    """Forbid core dumps and debuggers for this process.

    Raises:
        MemoryOpen: the kernel refuses.
    """
    if resource.getrlimit(resource.RLIMIT_CORE) != (0, 0):  # In a unit it is, and stays, closed.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if _prctl(PR_SET_DUMPABLE, 0) or _prctl(PR_GET_DUMPABLE, 0):
        raise MemoryOpen(
            f"This process cannot be closed to debuggers ({os.strerror(ctypes.get_errno())}): "
            "nothing is looked at."
        )


def _prctl(option: int, value: int) -> int:
    return int(ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0))
