"""Start of `make demo`: Ctrl-C while the libraries load ends it without a traceback.

The libraries load for seconds, and nothing runs yet that must be stopped in order.
"""

import signal
import sys
from importlib import import_module


def main() -> int:
    """Load the command, then run it; return its exit code."""
    in_order = signal.signal(signal.SIGINT, signal.SIG_DFL)
    command = import_module("hil_tests.demo.command")
    signal.signal(signal.SIGINT, in_order)
    code: int = command.main()
    return code


if __name__ == "__main__":
    sys.exit(main())
