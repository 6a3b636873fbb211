"""A camera's image under its own kernel on the virtual board: watchdog, firewall, data partition.

Program 1 is made to hang: systemd catches its own crash and stands still for ever. Then nothing
feeds the board's watchdog, which resets the board. One boot under QEMU; as the tests of updates, it
needs root and `make image BOARD=virtual`. A Pi's watchdog was never tried.
"""

import os
import subprocess
from pathlib import Path

import pytest

from hil_tests.tests.test_vm_update import BOOT_S, HERE, IMAGE, TOP, Board
from provisioning.device.boot.boot_rom import BootRom, Ended

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(2 * BOOT_S),
    pytest.mark.skipif(
        os.geteuid() != 0 or not (IMAGE / "card.img").exists(),
        reason="as root, after make image BOARD=virtual",
    ),
]
CARD_BYTES = 3 << 30
"""Of the card; the image has 2 GiB."""
JOB = """
echo "VM failed=$(systemctl --failed --plain --no-legend | tr -s '\\n' ' ')"
echo "VM data=$(cat /sys/class/block/vda6/size) start=$(cat /sys/class/block/vda6/start)"
echo "VM mapped=$(cat /sys/class/block/dm-1/size)"
systemctl start tallylight-settings  # Returns when it has ended.
rules=$(nft list ruleset)
echo "VM dropping=$(echo "$rules" | grep -c 'policy drop') new=$(echo "$rules" | grep -c 7700)"
echo "VM hash=$(cat /run/tallylight/root-hash)"
echo "VM hangs"
kill -SEGV 1
sleep 3600
"""


@pytest.fixture
def board(tmp_path: Path) -> Board:
    """A card that is larger than its image."""
    (tmp_path / "ca.pem").touch()
    made = str(tmp_path / "made")
    slot = [str(IMAGE), "0.2.0", "ready", str(tmp_path / "ca.pem"), made]
    subprocess.run([str(HERE / "vm_slot"), *slot], check=True)
    subprocess.run([str(TOP / "provisioning/device/image/card"), made], check=True)
    card = tmp_path / "made" / "card.img"
    os.truncate(card, CARD_BYTES)
    (tmp_path / "key").write_bytes(b"\x5a\xa5" * 16 + bytes(480))
    return Board(tmp_path, BootRom(card))


def test_a_board_whose_program_1_hangs_is_reset_by_its_watchdog(board: Board) -> None:
    assert board.boot(JOB) is Ended.RESET
    said = dict(words.removeprefix("VM ").partition("=")[::2] for words in board.said)
    assert "hangs" in said
    assert said["failed"] == ""
    size, _, start = said["data"].partition(" start=")
    assert (int(start) + int(size)) * 512 == CARD_BYTES - (1 << 20)
    assert int(said["mapped"]) > int(size) - 65536  # Behind the header of LUKS2.
    assert said["dropping"] == "3 new=3"
    assert said["hash"] == (board.folder / "made" / "roothash").read_text().strip()
