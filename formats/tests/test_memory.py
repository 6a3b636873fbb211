"""A process that closed its memory leaves no core dump, also if its limits allowed one."""

import os
import subprocess
import sys

ABORTED = """
import ctypes, os, resource
from formats.memory import close_memory
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
close_memory()
print(ctypes.CDLL(None).prctl(3), *resource.getrlimit(resource.RLIMIT_CORE), flush=True)
os.abort()
"""


def test_a_closed_process_is_not_dumpable_and_leaves_no_core() -> None:
    with subprocess.Popen([sys.executable, "-c", ABORTED], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = process.stdout.read().split()
        _, status, _ = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert said == [b"0", b"0", b"0"]
    assert process.returncode == -6
    assert not os.WCOREDUMP(status)
