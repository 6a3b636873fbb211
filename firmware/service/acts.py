"""What an installer may ask a registered camera for: the doctor's report, and to blink.

Both are done by others, over local sockets: systemd starts `tallylight-camera doctor --json` for
each connection to its socket, and the lamp guard lets the lamp blink, or refuses. Each wait and
each answer is bounded. Nothing here reads a folder of another program.
"""

import socket
from pathlib import Path
from typing import Final

from firmware.errors import FirmwareError
from formats.errors import Malformed
from formats.lease import Reason, Refused, Request, decode_located, encode_request
from formats.registration_cable import FRAME_LIMIT, CableStream

REPORT_SOCKET: Final = Path("/run/tallylight-report/socket")
"""Of tallylight-report.socket: systemd starts the doctor there."""
REPORT_S: Final = 45.0
"""Longest wait for the whole report: its longest checks are the broker, 6 s, and openssl, 10 s."""
GUARD_S: Final = 2.0
"""Longest wait for the guard, which answers within a tick of 10 ms."""
_PACKET_LIMIT: Final = 64

WHY_NOT: Final = {
    Reason.FAULT: "its lamp cannot be proven: check the lamp and its wires",
    Reason.BUSY: "its guard is busy: ask again",
    Reason.NOT_READY: "it has just started, or has blinked within the last minute: ask again in a "
    "minute",
    Reason.LOCATING: "it blinks already, or will within three seconds",
}


def fetch_report(path: Path = REPORT_SOCKET) -> bytes:
    """Return what the doctor prints: one object of strict JSON.

    Raises:
        FirmwareError: the doctor cannot be asked, says nothing, or says too much.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(GUARD_S)
            line.connect(str(path))
            report = CableStream(line, REPORT_S).read(FRAME_LIMIT + 1).strip()
    except OSError as error:
        raise FirmwareError(
            f"This camera's doctor cannot be asked ({error.strerror or error}): restart the camera."
        ) from error
    if not 0 < len(report) <= FRAME_LIMIT:
        raise FirmwareError("This camera's doctor gave no report: restart the camera.")
    return report


def let_it_blink(lamp_socket: Path) -> None:
    """Ask the guard to blink; the light of a look ends first.

    Raises:
        FirmwareError: it refuses, or does not answer.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
            line.settimeout(GUARD_S)
            line.connect(str(lamp_socket))
            line.send(encode_request(Request.LOCATE))
            answer = decode_located(line.recv(_PACKET_LIMIT))
    except (OSError, Malformed) as error:
        raise FirmwareError(
            "This camera's lamp guard does not answer: look at its report, and restart the camera."
        ) from error
    if isinstance(answer, Refused):
        raise FirmwareError(f"This camera does not blink: {WHY_NOT[answer.reason]}.")
