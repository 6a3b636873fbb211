"""A power cut at any write to the disk: that write does not happen, nor does any later one."""

import os
import sys
from collections.abc import Callable
from itertools import count

TOUCHES_THE_DISK = ("open", "os.rename", "os.remove", "os.truncate")


def cut(step: int, action: Callable[[], object]) -> bool:
    """Do `action` in a process that dies just before its `step`th touch of the disk, from 1.

    Returns:
        Whether it died; else the action was done before that many steps.
    """
    child = os.fork()
    if child == 0:
        touches = count(1)

        def watch(event: str, _: object) -> None:
            if event in TOUCHES_THE_DISK and next(touches) == step:
                os._exit(1)

        sys.addaudithook(watch)
        try:
            action()
            os._exit(0)
        finally:
            os._exit(2)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code != 2, "It failed before the power did."
    return code == 1
