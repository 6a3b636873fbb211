"""A queue before the disk: order, failures, a full queue, and a disk that hangs."""

import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.disk_writer import END_S, LEAVE_S, QUEUE_LIMIT, DiskWriter
from firmware.errors import DiskStalled
from firmware.hardware.lamp import LIGHT_UP_S


@pytest.fixture
def disk() -> Iterator[threading.Event]:
    """Set: the disk takes what it is given."""
    disk = threading.Event()
    yield disk
    disk.set()


def refuse() -> None:
    raise OSError(5, "Input/output error")


def test_what_is_handed_over_is_written_in_order_and_elsewhere() -> None:
    written: list[tuple[int, int]] = []
    with DiskWriter() as writer:
        for number in range(50):
            writer.submit(
                lambda number=number: written.append((number, threading.get_ident()))  # type: ignore[misc]
            )
        writer.flush()
    assert [number for number, _ in written] == list(range(50))
    assert {thread for _, thread in written} != {threading.get_ident()}


def test_handing_over_does_not_wait_for_the_disk(disk: threading.Event) -> None:
    with DiskWriter() as writer:
        began_s = time.monotonic()
        writer.submit(lambda: disk.wait(30))
        for _ in range(10):
            writer.submit(lambda: None)
            writer.check()
        assert time.monotonic() - began_s < 0.2
        assert writer.pending
        disk.set()
        writer.flush()
        assert not writer.pending


def test_a_disk_that_hangs_is_named_and_may_come_back(disk: threading.Event) -> None:
    with DiskWriter(stalled_s=0.1) as writer:
        writer.submit(lambda: disk.wait(30))
        writer.check()
        time.sleep(0.15)
        assert writer.stalled
        with pytest.raises(DiskStalled, match=r"not taken a record for 0\.\d s.*check the card"):
            writer.check()
        disk.set()
        writer.flush()
        writer.check()
        assert not writer.stalled


def test_writes_that_pile_up_on_a_slow_disk_are_late_too() -> None:
    with DiskWriter(stalled_s=0.1) as writer:
        for _ in range(6):
            writer.submit(lambda: time.sleep(0.04))
        with pytest.raises(DiskStalled):
            writer.flush()


def test_waiting_for_the_disk_goes_on_with_something_else(disk: threading.Event) -> None:
    beats: list[float] = []

    def beat() -> bool:
        beats.append(time.monotonic())
        if len(beats) == 5:
            disk.set()
        return True

    with DiskWriter() as writer:
        writer.submit(lambda: disk.wait(30))
        writer.flush(meanwhile=beat)
    assert len(beats) >= 5


def test_a_program_that_is_told_to_stop_need_not_wait_for_the_disk(disk: threading.Event) -> None:
    with DiskWriter() as writer:
        writer.submit(lambda: disk.wait(30))
        assert not writer.flush(meanwhile=lambda: False)
        disk.set()
        assert writer.flush()


def test_a_full_queue_takes_no_more(disk: threading.Event) -> None:
    with DiskWriter() as writer:
        for _ in range(QUEUE_LIMIT):
            writer.submit(lambda: disk.wait(30))
        with pytest.raises(DiskStalled):
            writer.submit(lambda: None)
        disk.set()
        writer.flush()


def test_a_failure_comes_back_once_and_nothing_behind_it_is_written(disk: threading.Event) -> None:
    written: list[str] = []
    with DiskWriter() as writer:
        writer.submit(lambda: disk.wait(30))
        writer.submit(refuse)
        writer.submit(lambda: written.append("behind"))
        writer.submit(lambda: written.append("regardless"), regardless=True)
        disk.set()
        while writer.pending:
            time.sleep(0.001)
        with pytest.raises(OSError, match="Input/output"):
            writer.submit(lambda: written.append("refused"))
        writer.submit(lambda: written.append("afterwards"))
        writer.flush()
    assert written == ["regardless", "afterwards"]


class FailsInBetween(DiskWriter):
    """Its disk fails right after a submission has asked whether one of its writes failed."""

    def __init__(self) -> None:
        super().__init__()
        self.fail = threading.Event()

    def raise_failure(self) -> None:
        super().raise_failure()
        self.fail.set()
        until_s = time.monotonic() + 0.2
        while self.pending and time.monotonic() < until_s:
            time.sleep(0.001)


def test_a_write_that_is_handed_over_while_one_fails_is_not_written() -> None:
    written: list[str] = []
    with FailsInBetween() as writer:

        def fail() -> None:
            writer.fail.wait(30)
            refuse()

        writer.submit(fail, regardless=True)
        writer.submit(lambda: written.append("behind"))
        with pytest.raises(OSError, match="Input/output"):
            writer.flush()
    assert written == []


@pytest.mark.parametrize("wait", [DiskWriter.check, DiskWriter.flush])
def test_a_failure_is_raised_by_each_question(wait: object) -> None:
    assert callable(wait)
    with DiskWriter() as writer:
        writer.submit(refuse)
        while writer.pending:
            time.sleep(0.001)
        with pytest.raises(OSError, match="Input/output"):
            wait(writer)
        writer.check()


def test_a_program_ends_while_its_disk_hangs(disk: threading.Event) -> None:
    began_s = time.monotonic()
    with DiskWriter() as writer:
        writer.submit(lambda: disk.wait(30))
        with pytest.raises(DiskStalled):
            writer.flush(within_s=END_S)
    assert time.monotonic() - began_s < 2.0
    assert LIGHT_UP_S + END_S + LEAVE_S < 2.0


@given(st.lists(st.sampled_from(["write", "fail", "pause", "check"]), max_size=30))
def test_the_disk_holds_a_beginning_of_what_was_handed_over(steps: list[str]) -> None:
    """Up to each failure that the loop was told of; nothing is written twice or out of order."""
    written: list[int] = []
    stretches: list[list[int]] = [[]]
    with DiskWriter() as writer:
        for number, step in enumerate(steps):
            try:
                if step == "write":
                    writer.submit(partial(written.append, number))
                    stretches[-1].append(number)
                elif step == "fail":
                    writer.submit(refuse)
                elif step == "check":
                    writer.check()
                else:
                    time.sleep(0.0005)
            except OSError:
                stretches.append([])
        try:
            writer.flush()
        except OSError:
            stretches.append([])
    for stretch in stretches:
        done = [number for number in written if number in stretch]
        assert done == stretch[: len(done)]
    assert written == sorted(set(written))
