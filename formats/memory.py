"""Process memory: forbid core dumps and debuggers, so that no face or key leaves it.

Every command of the project calls this before it reads its settings, and so before it has a key.
No other process of the same user can then read this one's memory. Linux only. The camera's units
and image forbid swap. docs/threat-model.md says what Python itself cannot promise.
"""

import ctypes
import os
import resource
from typing import Final

from formats.errors import Refused

PR_GET_DUMPABLE: Final = 3
PR_SET_DUMPABLE: Final = 4
"""prctl(2)."""


class MemoryOpen(Refused):
    """This process cannot be closed to debuggers."""


def close_memory() -> None:
    """Forbid core dumps and debuggers for this process.

    Raises:
        MemoryOpen: the kernel refuses.
    """
    if resource.getrlimit(resource.RLIMIT_CORE) != (0, 0):  # A unit has set it already.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if _prctl(PR_SET_DUMPABLE, 0) or _prctl(PR_GET_DUMPABLE, 0):
        raise MemoryOpen(
            f"This process cannot be closed to debuggers ({os.strerror(ctypes.get_errno())}): "
            "nothing is done."
        )


def _prctl(option: int, value: int) -> int:
    return int(ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0))
