"""Ask chrony whether the time servers in use prove their identity by NTS; mark the answer.

A timer runs this each minute as chrony's own user (`tallylight-time.timer`). It is the only program
of the camera that asks chrony; `watch` reads the mark (`firmware.trust.time_source`). The mark says
*authenticated* if each time server that chrony follows is authenticated by NTS (RFC 8915), else
*synchronised*. While chrony follows none, the old mark stays and grows old.

It sets no clock, has no network, and does not judge the time itself.
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from firmware.errors import FirmwareError
from firmware.trust.time_source import CHECKED, write_mark
from formats.envelope_header import TimeQuality

CHRONYC: Final = ("/usr/bin/chronyc", "-c", "-n")
"""Comma-separated values, addresses as numbers (chronyc(1))."""
PATIENCE_S: Final = 10.0
_FOLLOWED: Final = frozenset("*+")
"""States of a source that chrony takes the time from: selected, or combined with the selected."""
_SERVER: Final = "^"
"""The mode of a source that is a server; others are peers and clocks at this machine."""


def check_time(chronyc: Sequence[str] = CHRONYC, mark: Path = CHECKED) -> None:
    """Mark how chrony's time servers prove their identity.

    Raises:
        FirmwareError: chrony is not installed, does not run or answers in an unknown form.
        OSError: the mark cannot be written.
    """
    quality = judge(_ask(chronyc, "sources"), _ask(chronyc, "authdata"))
    if quality is not None:
        write_mark(mark, quality)


def judge(sources: str, authdata: str) -> TimeQuality | None:
    """Return how far the sources that chrony follows can be believed; None if it follows none.

    Args:
        sources: of `chronyc -c -n sources`: mode, state, address, seven figures.
        authdata: of `chronyc -c -n authdata`: address, NTS or another word, eight figures.

    Raises:
        FirmwareError: a line has an unknown form.
    """
    proven = {address for address, word, *_ in _rows(authdata, 10) if word == "NTS"}
    followed = [row for row in _rows(sources, 10) if row[1] in _FOLLOWED]
    if not followed:
        return None
    if all(mode == _SERVER and address in proven for mode, _, address, *_ in followed):
        return TimeQuality.AUTHENTICATED
    return TimeQuality.SYNCHRONISED


def _rows(text: str, columns: int) -> list[list[str]]:
    rows = [line.split(",") for line in text.splitlines()]
    if any(len(row) != columns for row in rows):
        raise FirmwareError("chronyc answers in an unknown form: install the chrony of Debian 12.")
    return rows


def _ask(chronyc: Sequence[str], what: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603  # The program of `CHRONYC`.
            [*chronyc, what], capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise FirmwareError("chronyc does not answer: install chrony, and start it.") from error
    if done.returncode:
        raise FirmwareError("chronyc cannot ask chrony: systemctl start chrony.")
    return done.stdout
