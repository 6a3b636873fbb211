"""The doctor: what it says of each part; it changes nothing."""

import json
import os
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from firmware import errors
from firmware.assembly import Means, run
from firmware.config import Accelerator, Config
from firmware.doctor import examination, parts, verdict
from firmware.errors import FirmwareError
from firmware.record.ledger import Ledger
from firmware.tests.camera_setup import made_camera, publish
from firmware.tests.command import config_of, make_bundle
from firmware.tests.fakes import Bulb, FakeCamera, PasserBy, eye, guarding
from firmware.tests.test_folder import FOREIGN
from formats.ledger import Happening, Program
from formats.strict_json import dumps, is_printable
from provisioning.inspection.report import read_report

pytestmark = pytest.mark.alone

WALK = [[PasserBy(0, 50.0 + 12 * at)] for at in range(6)]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return made_camera(tmp_path)


def said(config: Config, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Return what the doctor says of each part: its mark and its words."""
    with pytest.raises(FirmwareError, match="parts are missing"):
        examination.examine(config)
    lines = capsys.readouterr().out.split("\n\n")[0].splitlines()
    return {line.split()[1]: line for line in lines}


def test_a_bare_camera_lacks_nearly_everything_and_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = said(config_of(tmp_path), capsys)
    assert "tallylight-camera identity" in lines["keys"]
    assert "register it over its cable" in lines["registration"]
    assert "apt-get install" in lines["camera"]
    assert "systemctl start tallylight-lampguard" in lines["lamp"]
    assert "publish one" in lines["list"]
    assert all(lines[part].startswith("MISSING") for part in ("keys", "nets", "camera", "lamp"))


def test_the_doctor_changes_nothing(
    tmp_path: Path, config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    said(config, capsys)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_keys_and_nets_that_are_there_are_named(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    make_bundle(config)
    lines = said(config, capsys)
    assert (config.state.courier / "camera-id").read_text() in lines["keys"]
    assert lines["nets"].startswith("ok")


def test_an_edge_tpu_that_is_not_plugged_in_is_missing(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    edge = replace(config, accelerator=Accelerator.EDGE_TPU)
    assert said(edge, capsys)["accelerator"].startswith("MISSING")


def test_silence_is_explained_stage_by_stage(
    tmp_path: Path, config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(config)
    with guarding(tmp_path):
        run(config, Means(lambda: FakeCamera(WALK), lambda _: eye(WALK)), lambda: True)
        with pytest.raises(FirmwareError):
            examination.examine(config)
    told = capsys.readouterr().out
    assert "        6  frames looked at" in told
    assert "        0  too small" in told
    assert "        1  events sealed" in told
    assert "version 1, accepted" in told


def test_a_lamp_in_fault_is_named_with_its_reason(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = config.state.lampguard
    with guarding(folder, bulb=Bulb(wire_cut=True)):
        line = said(replace(config, lamp_socket=folder / "lamp.sock"), capsys)["lamp"]
    assert line.startswith("MISSING")
    assert "no light in the test" in line


def test_a_kernel_that_does_not_bound_memory_is_named(
    tmp_path: Path,
    config: Config,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    controllers = tmp_path / "cgroup.controllers"
    monkeypatch.setattr(parts, "CONTROLLERS", controllers)
    controllers.write_text("cpuset cpu io pids\n")
    assert "cgroup_enable=memory" in said(config, capsys)["memory"]
    controllers.write_text("cpuset cpu io memory pids\n")
    assert said(config, capsys)["memory"].startswith("ok")


def test_a_kernel_that_does_not_protect_hard_links_is_named(
    tmp_path: Path,
    config: Config,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    protected = tmp_path / "protected_hardlinks"
    monkeypatch.setattr(parts, "HARD_LINKS", protected)
    protected.write_text("0\n")
    assert "fs.protected_hardlinks = 1" in said(config, capsys)["hardlinks"]
    protected.write_text("1\n")
    assert said(config, capsys)["hardlinks"].startswith("ok")


def test_a_refused_list_is_named(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = Ledger(config.state.watch, Program.WATCH)
    ledger.append(Happening.LIST_REFUSED, {"code": "expired"})
    assert "expired" in said(config, capsys)["list"]


def test_the_last_fault_is_told_even_while_a_line_is_being_written(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger(config.state.watch, Program.WATCH)
    ledger.append(Happening.FAULT, {"code": "PictureGrey"})
    with (config.state.watch / "ledger.jsonl").open("ab") as file:
        file.write(b'{"body":')
    with pytest.raises(FirmwareError):
        examination.examine(config)
    told = capsys.readouterr().out
    assert f"The last fault of watch, {datetime.now(UTC):%Y-%m-%d}" in told
    assert told.strip().endswith("PictureGrey")


@pytest.mark.parametrize("what", FOREIGN)
def test_root_reads_no_ledger_that_a_program_replaced(
    config: Config, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    FOREIGN[what][0](config.state.watch / "ledger.jsonl")
    line = said(config, capsys)["list"]
    assert line.startswith("MISSING")
    assert "ledger.jsonl is" in line


def test_the_last_line_is_the_first_thing_to_do(config: Config) -> None:
    with pytest.raises(
        FirmwareError, match=r"^Not armed: .* parts are missing. First: (clock|nets): "
    ):
        examination.examine(config)


@pytest.fixture
def whole(config: Config, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Return the settings of a camera of which no part is missing."""
    monkeypatch.setattr(examination, "parts", lambda _config: {"keys": lambda: "all there"})
    Ledger(config.state.watch, Program.WATCH).append(Happening.LIST_ACCEPTED, {"version": 7})
    return config


def test_a_camera_whose_lamp_is_lit_is_armed(
    whole: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger(whole.state.lampguard, Program.LAMPGUARD)
    ledger.append(Happening.LAMP, {"from": "arming", "to": "on", "reason": "lit"})
    examination.examine(whole)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("Armed: the lamp is lit")
    assert "version 7" in last


@pytest.mark.parametrize("code", ["OutsideHours", "LampDark", "WL_EXPIRED"])
def test_a_dark_camera_says_why_and_what_to_do(whole: Config, code: str) -> None:
    with pytest.raises(FirmwareError, match="systemctl start tallylight-watch"):
        examination.examine(whole)
    Ledger(whole.state.watch, Program.WATCH).append(Happening.FAULT, {"code": code})
    with pytest.raises(FirmwareError, match=rf"^Not armed: watch stays dark .*{code}\). First: "):
        examination.examine(whole)


def test_one_missing_part_is_told_in_the_singular(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> str:
        raise FirmwareError("No key: make one.")

    checks = {"keys": missing, "space": lambda: "free"}
    monkeypatch.setattr(examination, "parts", lambda _config: checks)
    with pytest.raises(FirmwareError, match=r"^Not armed: 1 of 2 parts is missing. First: keys: "):
        examination.examine(config)


def test_a_camera_that_has_just_blinked_to_be_found_says_so_for_two_minutes(
    whole: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(whole.state.lampguard, Program.LAMPGUARD)
    ledger.append(Happening.LAMP, {"from": "locating", "to": "off", "reason": "to be located"})
    with pytest.raises(FirmwareError, match=r"just blinked .* wait two minutes"):
        examination.examine(whole)
    monkeypatch.setattr(verdict, "BLINKED_S", 0.0)
    with pytest.raises(FirmwareError, match="systemctl start tallylight-watch"):
        examination.examine(whole)


def test_each_fault_that_has_a_first_thing_to_do_exists() -> None:
    assert all(issubclass(getattr(errors, code), FirmwareError) for code in verdict.REASONS)


@pytest.mark.timeout(20)
def test_root_reads_no_certificate_that_the_courier_replaced(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("tls.crt", "tls.key"):
        (config.state.courier / name).unlink(missing_ok=True)
        os.mkfifo(config.state.courier / name)
    lines = said(config, capsys)
    for part in ("certificate", "broker"):
        assert lines[part].startswith("MISSING")
        assert "tls.crt is" in lines[part]


def test_a_certificate_that_ends_is_told_with_its_days(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=x"]
    paths = {name: config.state.courier / f"tls.{name}" for name in ("crt", "key")}
    out = ["-out", str(paths["crt"]), "-keyout", str(paths["key"]), "-days", "40"]
    subprocess.run([*words, *out], check=True, capture_output=True)
    assert said(config, capsys)["certificate"].endswith("39 days")


def test_machines_get_what_people_get(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(config, capsys)
    with pytest.raises(FirmwareError) as refused:
        examination.examine(config, json=True)
    printed = capsys.readouterr().out
    assert read_report(printed.encode()).verdict == str(refused.value)
    found = json.loads(printed)
    assert {each["name"]: each["there"] for each in found["parts"]} == {
        part: line.startswith("ok") for part, line in lines.items()
    }
    assert (found["armed"], found["verdict"], found["period"]) == (False, str(refused.value), None)


HOSTILE: list[tuple[str, dict[str, int | str]]] = [
    ("list_refused", {"code": "\x1b[2J\u202e" + "A" * 3000}),
    ("fault", {"code": "\x1b]0;x\x07"}),
    ("period_end", {"faces": "many\x1b[2J", "frames": -5}),
]
"""Records that only a program that was taken over writes."""


def test_what_a_program_that_was_taken_over_wrote_moves_no_cursor_and_hides_no_line(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger(config.state.watch, Program.WATCH)
    for word, body in HOSTILE:
        ledger.append(Happening(word), body)
    path = config.state.watch / "ledger.jsonl"
    *_, last = path.read_bytes().splitlines()
    far = json.loads(last) | {"utc_ms": 2**62, "event": "fault", "body": {}}
    with path.open("ab") as file:
        file.write(dumps(far) + b"\n")
    with pytest.raises(FirmwareError) as refused:
        examination.examine(config)
    printed = capsys.readouterr().out
    assert all(is_printable(line) for line in [*printed.splitlines(), str(refused.value)])
    assert "        0  faces found" in printed
    with pytest.raises(FirmwareError):
        examination.examine(config, json=True)
    assert not read_report(capsys.readouterr().out.encode()).armed
