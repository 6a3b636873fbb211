"""Every way in which `watch` can be killed has a code in its ledger."""

from dataclasses import replace
from pathlib import Path

import pytest

from firmware.__main__ import main
from firmware.config import Accelerator
from firmware.exit_record import fault_code, record_exit
from firmware.tests.command import config_file, config_of
from firmware.tests.observations import records
from formats.ledger import Happening

EDGE_TPU, CPU = Accelerator.EDGE_TPU, Accelerator.CPU


@pytest.mark.parametrize(
    ("result", "status", "accelerator", "code"),
    [
        ("signal", "ABRT", EDGE_TPU, "AcceleratorAborted"),
        ("core-dump", "ABRT", EDGE_TPU, "AcceleratorAborted"),
        ("signal", "ABRT", CPU, "Aborted"),
        ("watchdog", "ABRT", EDGE_TPU, "Hung"),
        ("oom-kill", "KILL", CPU, "OutOfMemory"),
        ("signal", "KILL", CPU, "Killed"),
        ("timeout", "TERM", CPU, "Killed"),
        ("signal", "SEGV", EDGE_TPU, "Crashed"),
    ],
)
def test_every_ending_has_its_name(
    result: str, status: str, accelerator: Accelerator, code: str
) -> None:
    assert fault_code(result, status, accelerator) == code


def test_an_abort_is_in_the_ledger(tmp_path: Path) -> None:
    config = replace(config_of(tmp_path), accelerator=EDGE_TPU)
    record_exit(config, "signal", "ABRT")
    assert records(config.state.watch, Happening.FAULT) == [{"code": "AcceleratorAborted"}]


@pytest.mark.parametrize("result", ["success", "exit-code"])
def test_a_program_that_ended_by_itself_has_said_why(tmp_path: Path, result: str) -> None:
    record_exit(config_of(tmp_path), result, "1")
    assert not (tmp_path / "state" / "watch").exists()


def test_the_supervisor_says_it_on_the_command_line(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    path = config_file(config, tmp_path / "camera.toml")
    said = ["ended", "--result", "watchdog", "--status", "ABRT"]
    assert main(["--config", str(path), *said]) == 0
    assert records(config.state.watch, Happening.FAULT) == [{"code": "Hung"}]
