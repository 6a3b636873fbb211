"""The boot ROM of the virtual board, with a fake QEMU that says what a guest would say."""

import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.device.boot.boot_rom import FILES, BootRom, Ended, Reset, chosen_partition
from provisioning.errors import BootRefused
from provisioning.tests.boot_card import flash_card

GUEST = """#!{python}
import sys, time
words = sys.argv[sys.argv.index("-append") + 1]
print("guest:", words, flush=True)
if "tl.partition=2" in words:
    print("[    1.0] reboot: Restarting system with command '0 tryboot'", flush=True)
elif "tl.tryboot=1" in words:
    time.sleep(60)
"""


@pytest.fixture
def board(tmp_path: Path) -> BootRom:
    qemu = tmp_path / "qemu"
    qemu.write_text(GUEST.format(python=sys.executable), encoding="ascii")
    qemu.chmod(0o755)
    return BootRom(flash_card(tmp_path / "card.img", FILES), qemu=str(qemu))


def test_a_reboot_that_asks_for_the_other_slot_boots_it_once(board: BootRom) -> None:
    lines: list[str] = []

    def heard(line: str) -> bool:
        lines.append(line)
        return False

    assert board.boot(heard, 30) is Ended.RESET
    assert lines[0] == "guest: slot a tl.partition=2 tl.tryboot=0 tl.reset=power"
    assert (board.tryboot, board.reset) == (True, Reset.WARM)
    board.boot(lambda line: heard(line) or "guest" in line, 30)
    assert lines[2] == "guest: slot b tl.partition=3 tl.tryboot=1 tl.reset=warm"
    assert not board.tryboot


def test_a_power_cut_forgets_the_flag(board: BootRom) -> None:
    assert board.boot(lambda line: "tryboot'" in line, 30) is Ended.CUT
    assert (board.tryboot, board.reset) == (False, Reset.POWER)


def test_a_guest_that_hangs_is_cut_at_the_limit(board: BootRom) -> None:
    board.tryboot = True
    assert board.boot(lambda _: False, 1.5) is Ended.LATE


def test_a_file_that_is_no_card_is_refused(tmp_path: Path) -> None:
    (tmp_path / "card.img").write_bytes(b"no card")
    with pytest.raises(BootRefused, match="no partition table"):
        BootRom(tmp_path / "card.img").boot(lambda _: False, 1)


def test_a_partition_without_a_kernel_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BootRefused, match="has no cmdline"):
        BootRom(flash_card(tmp_path / "card.img", FILES[:2])).boot(lambda _: False, 1)


@given(st.binary(max_size=600), st.booleans())
def test_any_autoboot_is_read_or_refused(content: bytes, tryboot: bool) -> None:  # noqa: FBT001
    with suppress(BootRefused):
        assert chosen_partition(content, tryboot=tryboot) >= 0
