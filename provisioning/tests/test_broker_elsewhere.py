"""The broker's files on another machine: the tar, its install script, and no path of the desk."""

import subprocess
from getpass import getuser
from pathlib import Path

import pytest

from provisioning.tests.test_broker import MOSQUITTO, await_port, free_port, publishes
from provisioning.tests.workshop import Workshop, contents, refusal, tallylight


def config(workshop: Workshop, *words: str | Path) -> str:
    return tallylight("broker", "config", workshop.site, *workshop.passphrase, *words)


def unpack(workshop: Workshop, to: Path) -> Path:
    """Unpack the tar as the broker's keeper does; return the folder that it makes."""
    to.mkdir()
    archive = workshop.site / "broker" / "broker.tar"
    subprocess.run(["tar", "-xf", str(archive), "-C", str(to)], check=True)
    return to / "tallylight"


def test_no_file_for_the_broker_names_a_path_of_the_desk(prepared: Workshop) -> None:
    config(prepared)
    written = contents(prepared.site / "broker")
    desk = str(prepared.folder).encode()
    named = [name for name, text in written.items() if desk in text]
    assert "broker.tar" in written
    assert named == []


def test_the_tar_holds_no_clients_key(prepared: Workshop, tmp_path: Path) -> None:
    config(prepared)
    unpacked = contents(unpack(prepared, tmp_path / "there"))
    assert {name for name in unpacked if name.endswith(".key")} == {"server.key"}


@pytest.mark.broker
def test_a_broker_starts_from_the_unpacked_tar(prepared: Workshop, tmp_path: Path) -> None:
    port, at, state = free_port(), tmp_path / "there" / "tallylight", tmp_path / "state"
    state.mkdir()
    words = ("--at", at, "--state", state, "--user", getuser(), "--port", str(port))
    config(prepared, *words)
    assert unpack(prepared, tmp_path / "there") == at
    command = [MOSQUITTO, "-c", str(at / "mosquitto.conf")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as broker:
        try:
            await_port(port)
            receipts = f"tallylight/v1/{'0' * 32}/receipt"
            assert publishes(prepared, port, "receiver", receipts)
            assert not publishes(prepared, port, "auditor", receipts)
        finally:
            broker.terminate()


def test_the_install_script_puts_each_file_into_its_place(
    prepared: Workshop, tmp_path: Path
) -> None:
    config(prepared, "--at", "/srv/the broker")
    script, root = unpack(prepared, tmp_path / "there") / "install", tmp_path / "root"
    subprocess.run([str(script)], env={"DESTDIR": str(root), "PATH": "/usr/bin:/bin"}, check=True)
    installed = contents(root / "srv" / "the broker")
    assert set(installed) == {
        *("acl", "ca.pem", "crl.pem", "mosquitto.conf", "server.key", "server.pem"),
    }
    (drop_in,) = (root / "etc/systemd/system/mosquitto.service.d").iterdir()
    assert '-c "/srv/the broker/mosquitto.conf"' in drop_in.read_text()


def test_the_install_script_changes_nothing_without_root(
    prepared: Workshop, tmp_path: Path
) -> None:
    at, programs = tmp_path / "installed", tmp_path / "programs"
    config(prepared, "--at", at)
    script = unpack(prepared, tmp_path / "there") / "install"
    programs.mkdir()
    (programs / "id").write_text("#!/bin/sh\necho 1000\n")
    (programs / "id").chmod(0o755)
    done = subprocess.run(
        [str(script)],
        env={"PATH": f"{programs}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Run this as root" in done.stderr
    assert not at.exists()


def test_a_folder_that_would_be_a_further_line_is_refused(prepared: Workshop) -> None:
    words = ("broker", "config", prepared.site, *prepared.passphrase)
    assert "is no folder" in refusal(*words, "--at", "/etc/x\nallow_anonymous true")
    assert not (prepared.site / "broker").exists()
