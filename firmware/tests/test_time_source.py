"""Who vouches for the clock: marks of chrony and timesyncd, and what chrony's answers mean."""

import os
import time
from pathlib import Path

import pytest

from firmware.errors import FirmwareError
from firmware.time_check import check_time, judge
from firmware.trust.time_source import KEPT_S, time_quality, write_mark
from formats.envelope import TimeQuality

FIRST, SECOND = "192.0.2.1", "192.0.2.2"


def source(address: str, *, mode: str = "^", state: str = "*") -> str:
    """Return a line as chrony 4.3 of Debian 12 prints it for `chronyc -c -n sources`."""
    return f"{mode},{state},{address},3,0,377,1,0.000000244,0.000000447,0.000003527\n"


def proven(address: str) -> str:
    """Return a line of `chronyc -c -n authdata` for a server with NTS, from the same chrony."""
    return f"{address},NTS,1,15,256,13,0,0,8,100\n"


def unproven(address: str) -> str:
    return f"{address},-,0,0,0,4294967295,0,0,0,0\n"


def chronyc(folder: Path, *, sources: str, authdata: str) -> list[str]:
    """Write a chronyc that answers these; the real one takes the same arguments."""
    (folder / "sources").write_text(sources)
    (folder / "authdata").write_text(authdata)
    program = folder / "chronyc"
    program.write_text(f'#!/bin/sh\n[ "$1 $2" = "-c -n" ] && exec cat "{folder}/$3"\n')
    program.chmod(0o755)
    return [str(program), "-c", "-n"]


@pytest.mark.parametrize(
    ("sources", "authdata", "quality"),
    [
        (source(FIRST), proven(FIRST), TimeQuality.AUTHENTICATED),
        (source(FIRST), unproven(FIRST), TimeQuality.SYNCHRONISED),
        (source(FIRST), proven(SECOND), TimeQuality.SYNCHRONISED),
        (
            source(FIRST) + source(SECOND, state="+"),
            proven(FIRST) + proven(SECOND),
            TimeQuality.AUTHENTICATED,
        ),
        (
            source(FIRST) + source(SECOND, state="+"),
            proven(FIRST) + unproven(SECOND),
            TimeQuality.SYNCHRONISED,
        ),
        (
            source(FIRST) + source(SECOND, state="-"),
            proven(FIRST) + unproven(SECOND),
            TimeQuality.AUTHENTICATED,
        ),
        (source("PPS0", mode="#"), "", TimeQuality.SYNCHRONISED),
        (source(FIRST, state="?"), proven(FIRST), None),
        ("", "", None),
    ],
)
def test_time_is_authenticated_if_each_server_in_use_proves_its_identity(
    sources: str, authdata: str, quality: TimeQuality | None
) -> None:
    assert judge(sources, authdata) is quality


def test_an_answer_of_an_unknown_form_is_refused() -> None:
    with pytest.raises(FirmwareError, match="unknown form"):
        judge("506 Cannot talk to daemon\n", "")


def test_the_answer_is_marked_for_watch(tmp_path: Path) -> None:
    mark, absent = tmp_path / "checked", tmp_path / "synchronized"
    assert time_quality(mark, absent) is TimeQuality.UNSYNCHRONISED
    check_time(chronyc(tmp_path, sources=source(FIRST), authdata=unproven(FIRST)), mark)
    assert time_quality(mark, absent) is TimeQuality.SYNCHRONISED
    check_time(chronyc(tmp_path, sources=source(FIRST), authdata=proven(FIRST)), mark)
    assert time_quality(mark, absent) is TimeQuality.AUTHENTICATED
    check_time(chronyc(tmp_path, sources="", authdata=""), mark)
    assert time_quality(mark, absent) is TimeQuality.AUTHENTICATED


def test_plain_ntp_beside_chrony_counts_as_plain_ntp(tmp_path: Path) -> None:
    mark, timesyncd = tmp_path / "checked", tmp_path / "synchronized"
    write_mark(mark, TimeQuality.AUTHENTICATED)
    timesyncd.touch()
    assert time_quality(mark, timesyncd) is TimeQuality.SYNCHRONISED


@pytest.mark.parametrize(
    "content",
    [
        f"authenticated {int(time.clock_gettime(time.CLOCK_BOOTTIME)) - KEPT_S - 60}\n",
        f"authenticated {10**12}\n",
        "authenticated\n",
        "proven 5\n",
        "",
        "authenticated 5\n" * 99,
        "\xff",
    ],
    ids=["old", "later", "no time", "unknown word", "empty", "too long", "no text"],
)
def test_a_mark_that_is_old_or_broken_vouches_for_nothing(tmp_path: Path, content: str) -> None:
    mark = tmp_path / "checked"
    mark.write_bytes(content.encode("latin-1"))
    assert time_quality(mark, tmp_path / "synchronized") is TimeQuality.UNSYNCHRONISED


def test_a_mark_that_is_a_fifo_vouches_for_nothing_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "checked")
    assert (
        time_quality(tmp_path / "checked", tmp_path / "synchronized") is TimeQuality.UNSYNCHRONISED
    )


def test_without_chrony_the_check_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FirmwareError, match="install chrony"):
        check_time([str(tmp_path / "chronyc")], tmp_path / "checked")
    with pytest.raises(FirmwareError, match="systemctl start chrony"):
        check_time(["false"], tmp_path / "checked")
