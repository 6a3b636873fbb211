"""The exit record: write to the ledger why `watch` was killed, when it could not do so itself.

libedgetpu aborts the whole process on a USB error, and a watchdog or the kernel kills without
asking. systemd says how the program ended; this module turns that into a FAULT with a name.
"""

from typing import Final

from firmware.config import Accelerator, Config
from firmware.program_lock import only_one
from firmware.record.ledger import Ledger
from formats.ledger import Happening, Program

ENDED_BY_ITSELF: Final = frozenset({"success", "exit-code"})
"""Results after which the program has written the reason itself."""


def record_exit(config: Config, result: str, status: str) -> None:
    """Write one FAULT, unless the program ended by itself.

    Args:
        config: of this camera.
        result: systemd's $SERVICE_RESULT: "success", "exit-code", "signal", "core-dump",
            "watchdog", "timeout" or "oom-kill", among others.
        status: systemd's $EXIT_STATUS: a signal's name without SIG, e.g. "ABRT".

    Raises:
        AlreadyRunning: `watch` runs.
    """
    if result not in ENDED_BY_ITSELF:
        code = fault_code(result, status, config.accelerator)
        with only_one(config.state.watch, Program.WATCH):
            Ledger(config.state.watch, Program.WATCH).append(Happening.FAULT, {"code": code})


def fault_code(result: str, status: str, accelerator: Accelerator) -> str:
    """Return the ledger's code for this kind of exit."""
    if result == "watchdog":
        return "Hung"
    if result == "oom-kill":
        return "OutOfMemory"
    if status == "ABRT":
        return "AcceleratorAborted" if accelerator is Accelerator.EDGE_TPU else "Aborted"
    return "Killed" if status in {"KILL", "TERM"} else "Crashed"
