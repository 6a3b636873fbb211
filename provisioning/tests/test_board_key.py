"""The key that a board makes for its data partition, and the identity level, by the real script.

`rpi-fw-crypto` is a fake with the options and answers of the real one (raspberrypi/utils); a TPM is
imitated by swtpm where it is installed.
"""

import hashlib
import hmac
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from provisioning.tests.boot_card import SCRIPTS

OTP_KEY = bytes(range(32))
FIRMWARE = f"""#!{sys.executable}
import hashlib, hmac, sys
from pathlib import Path
command, locked, blank = sys.argv[1], Path("locked"), Path("blank")
if command == "set-key-status":
    assert sys.argv[2:] == ["1", "LOCKED"]
    locked.touch()
elif command == "hmac" and not blank.exists():
    assert locked.exists()
    assert sys.argv[sys.argv.index("--key-id") + 1] == "1"
    message = Path(sys.argv[sys.argv.index("--in") + 1]).read_bytes()
    sys.stdout.buffer.write(hmac.digest(bytes(range(32)), message, "sha256"))
else:
    sys.exit(255)
"""


@pytest.fixture
def board(tmp_path: Path) -> Path:
    shutil.copytree(SCRIPTS, tmp_path / "usr/lib/tallylight")
    (tmp_path / "dev").mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/rpi-fw-crypto").write_text(FIRMWARE, encoding="ascii")
    (tmp_path / "bin/rpi-fw-crypto").chmod(0o755)
    return tmp_path


def ask(board: Path, **more: str) -> subprocess.CompletedProcess[bytes]:
    path = f"{board / 'bin'}:{os.environ['PATH']}"
    return subprocess.run(
        [board / "usr/lib/tallylight/board-key"],
        capture_output=True,
        check=False,
        cwd=board,
        env=os.environ | {"PATH": path} | more,
    )


def level(board: Path) -> str:
    return (board / "run/tallylight/board-key-level").read_text(encoding="ascii").strip()


def signed_boot(board: Path, bits: int) -> None:
    told = board / "proc/device-tree/chosen/bootloader"
    told.mkdir(parents=True)
    (told / "signed").write_bytes(bits.to_bytes(4, "big"))


def test_a_pi_derives_the_key_from_its_otp(board: Path) -> None:
    (board / "dev/vcio").touch()
    expected = hmac.digest(OTP_KEY, b"tallylight-data-1", hashlib.sha256)
    assert ask(board).stdout == expected
    assert level(board) == "otp"


@pytest.mark.parametrize(
    ("bits", "expected"),
    [(0, "otp"), (1, "otp"), (8, "otp"), (9, "otp+signed-boot"), (13, "otp+signed-boot")],
)
def test_signed_boot_counts_only_with_the_key_burned_in(
    board: Path, bits: int, expected: str
) -> None:
    (board / "dev/vcio").touch()
    signed_boot(board, bits)
    ask(board)
    assert level(board) == expected


def test_a_pi_without_an_otp_key_gets_no_key_and_no_level(board: Path) -> None:
    (board / "dev/vcio").touch()
    (board / "blank").touch()
    found = ask(board)
    assert (found.returncode, found.stdout) == (1, b"")
    assert b"no key in its OTP memory" in found.stderr
    assert not (board / "run/tallylight/board-key-level").exists()


def test_a_virtual_board_reads_what_its_host_holds(board: Path) -> None:
    disk = board / "dev/disk/by-id/virtio-boardkey"
    disk.parent.mkdir(parents=True)
    disk.write_bytes(b"k" * 32 + bytes(480))
    assert ask(board).stdout == b"k" * 32
    assert level(board) == "host"


def test_a_short_key_is_refused(board: Path) -> None:
    disk = board / "dev/disk/by-id/virtio-boardkey"
    disk.parent.mkdir(parents=True)
    disk.write_bytes(b"k" * 31)
    assert (ask(board).returncode, ask(board).stdout) == (1, b"")


def test_a_board_with_nothing_of_its_own_is_refused(board: Path) -> None:
    found = ask(board)
    assert (found.returncode, found.stdout) == (1, b"")
    assert found.stderr == b"board-key: this board has no key of its own: no OTP key and no TPM.\n"


def test_nothing_of_the_key_stays_in_run(board: Path) -> None:
    (board / "dev/vcio").touch()
    ask(board)
    assert [path.name for path in (board / "run/tallylight").iterdir()] == ["board-key-level"]


@pytest.mark.skipif(
    not (shutil.which("swtpm") and shutil.which("tpm2_hmac")), reason="swtpm is not installed"
)
def test_a_tpm_makes_the_same_key_after_a_reset_and_another_tpm_another(board: Path) -> None:
    (board / "dev/tpmrm0").touch()
    first = _ask_tpm(board, board / "tpm1")
    assert len(first) == 32
    assert _ask_tpm(board, board / "tpm1") == first
    assert _ask_tpm(board, board / "tpm2") != first
    assert level(board) == "tpm"


def _ask_tpm(board: Path, state: Path) -> bytes:
    """Power a TPM in software on, ask the board for its key, and power it off."""
    state.mkdir(exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={state}"]
    command += ["--flags", "not-need-init,startup-clear"]
    command += ["--server", f"type=tcp,port={port}", "--ctrl", f"type=tcp,port={port + 1}"]
    with subprocess.Popen(command) as tpm:
        try:
            for _ in range(50):
                found = ask(board, TPM2TOOLS_TCTI=f"swtpm:host=127.0.0.1,port={port}")
                if found.returncode == 0:
                    return found.stdout
                time.sleep(0.1)
            raise AssertionError("the TPM does not answer")
        finally:
            tpm.terminate()
