"""The program with which the initial RAM disk asks the boot ROM for the other slot."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from provisioning.device.boot.reboot_program import PROCESSORS, reboot_program


@pytest.mark.parametrize("architecture", sorted(PROCESSORS))
def test_it_is_a_static_program_with_the_argument_of_tryboot(
    architecture: str, tmp_path: Path
) -> None:
    (tmp_path / "ask").write_bytes(reboot_program(architecture))
    found = subprocess.run(
        ["readelf", "-hlW", tmp_path / "ask"], capture_output=True, text=True, check=True
    )
    machine = {"amd64": "X86-64", "arm64": "AArch64"}[architecture]
    assert machine in found.stdout
    assert "INTERP" not in found.stdout
    assert reboot_program(architecture).endswith(b"0 tryboot\0")


@pytest.mark.skipif(os.geteuid() != 0 or os.uname().machine != "x86_64", reason="as root on amd64")
def test_it_restarts_the_machine_that_it_runs_in(tmp_path: Path) -> None:
    program = tmp_path / "ask"
    program.write_bytes(reboot_program("amd64"))
    program.chmod(0o755)
    # In a PID namespace of its own, a restart ends the namespace with SIGHUP (reboot(2)).
    inside = ["unshare", "--pid", "--fork", "sh", "-c", f"{program}; echo still running"]
    found = subprocess.run(inside, capture_output=True, check=False)
    assert found.stdout == b""
    assert found.returncode != 0


@pytest.mark.skipif(shutil.which("objdump") is None, reason="binutils are not installed")
def test_its_calls_are_sync_reboot_and_exit(tmp_path: Path) -> None:
    (tmp_path / "ask").write_bytes(reboot_program("amd64"))
    command = ["objdump", "-D", "-b", "binary", "-m", "i386:x86-64", "--start-address=120"]
    found = subprocess.run(
        [*command, tmp_path / "ask"], capture_output=True, text=True, check=True
    ).stdout
    numbers = [line.split("$")[1].split(",")[0] for line in found.splitlines() if ",%eax" in line]
    assert numbers[:3] == ["0xa2", "0xa9", "0x3c"]
    assert found.count("syscall") == 3
