"""A receipt that comes while the camera's disk is full still reaches `watch`, which makes room."""

import os
from collections.abc import Iterator
from contextlib import suppress
from errno import ENOSPC
from pathlib import Path

import pytest

from firmware.delivery.receipts import RESERVE, Receipts
from hil_tests.long.chaos.testbed import is_small, small_disk

CONTENT = bytes(range(256)) * 5


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    with small_disk(folder):
        if not is_small(folder):
            pytest.skip("It fills a small file system, which only root can mount.")
        yield folder


def fill(disk: Path) -> None:
    with suppress(OSError), (disk / "filler").open("ab", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def test_the_receipt_is_written_into_the_reserve(disk: Path) -> None:
    receipts = Receipts(disk / "receipts")
    receipts.reserve()
    fill(disk)
    receipts.put("000000000001", CONTENT)
    assert receipts.names() == ["000000000001"]
    assert receipts.read("000000000001") == CONTENT


def test_a_second_one_has_to_wait_until_there_is_room(disk: Path) -> None:
    receipts = Receipts(disk / "receipts")
    receipts.reserve()
    fill(disk)
    receipts.put("000000000001", CONTENT)
    fill(disk)
    with pytest.raises(OSError, match="space") as refusal:
        receipts.put("000000000002", CONTENT)
    assert refusal.value.errno == ENOSPC
    (disk / "filler").unlink()
    receipts.put("000000000002", CONTENT)
    assert receipts.names() == ["000000000001", "000000000002"]
    assert RESERVE in os.listdir(disk / "receipts")  # noqa: PTH208  # Names alone.
