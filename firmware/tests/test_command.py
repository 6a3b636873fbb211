"""`tallylight-camera` as its users meet it: exit codes, one sentence, and nothing half done."""

import subprocess
import sys
from pathlib import Path

import pytest

from firmware.__main__ import main
from firmware.tests.command import config_file, config_of, make_bundle


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "firmware", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def refused(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one sentence on standard error."""
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_an_unknown_program_is_wrong_usage() -> None:
    done = run("dance")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_no_program_is_wrong_usage() -> None:
    assert run().returncode == 2


def test_help_names_every_program() -> None:
    done = run("--help")
    assert done.returncode == 0
    programs = ("identity", "lampguard", "watch", "courier", "doctor", "dark", "ended")
    assert all(name in done.stdout for name in programs)


@pytest.mark.parametrize("program", ["identity", "lampguard", "watch", "courier"])
def test_without_settings_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], program: str
) -> None:
    assert main(["--config", str(tmp_path / "camera.toml"), program]) == 1
    assert "camera.toml" in refused(capsys)
    assert list(tmp_path.iterdir()) == []


def test_identity_prints_the_cameras_id(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = config_file(config_of(tmp_path), tmp_path / "camera.toml")
    assert main(["--config", str(path), "identity"]) == 0
    printed = capsys.readouterr().out.strip()
    assert printed == (tmp_path / "state" / "courier" / "camera-id").read_text()


def test_another_net_than_the_manifests_is_refused(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    make_bundle(config)
    embedder = config.models / "embedder.int8.tflite"
    embedder.write_bytes(embedder.read_bytes()[:-1] + b"\0")
    path = config_file(config, tmp_path / "camera.toml")
    done = subprocess.run(
        [sys.executable, "-c", OPEN_EYE, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "embedder.int8.tflite is not the file the manifest names" in done.stderr
    assert len(done.stderr.splitlines()) == 1


OPEN_EYE = """
import sys
from pathlib import Path
from firmware.__main__ import exit_code
from firmware.config import Config
from firmware.nets import open_eye
from formats.settings import read_settings
from recognition.interpreter import Accelerator
sys.exit(exit_code(lambda: open_eye(read_settings(Path(sys.argv[1]), Config), Accelerator.CPU)))
"""


def test_watch_without_keys_says_how_to_make_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config_file(config_of(tmp_path), tmp_path / "camera.toml")
    assert main(["--config", str(path), "watch"]) == 1
    assert "tallylight-camera identity" in refused(capsys)


def test_courier_without_an_identity_says_how_to_make_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config_file(config_of(tmp_path), tmp_path / "camera.toml")
    assert main(["--config", str(path), "courier"]) == 1
    assert "tallylight-camera identity" in refused(capsys)


def test_courier_without_a_certificate_says_where_it_belongs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config_file(config_of(tmp_path), tmp_path / "camera.toml")
    main(["--config", str(path), "identity"])
    capsys.readouterr()
    assert main(["--config", str(path), "courier"]) == 1
    assert "tls.crt" in refused(capsys)


def test_lampguard_for_a_user_that_does_not_exist_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config_file(config_of(tmp_path), tmp_path / "camera.toml")
    assert main(["--config", str(path), "lampguard", "--holder", "no-such-user"]) == 1
    assert "no-such-user" in refused(capsys)


def test_a_folder_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "state").write_text("A file where the folder belongs.")
    path = config_file(config_of(tmp_path), tmp_path / "camera.toml")
    assert main(["--config", str(path), "identity"]) == 1
    assert str(tmp_path / "state") in refused(capsys)
