"""`tallylight-estate receive` as a real process, with a real broker."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from nacl.public import PrivateKey

from estate.tests.command_line import refusal, run
from estate.tests.events import STRANGER, sealed_event
from estate.tests.receiver_folder import PASSPHRASE, ReceiverFolder
from firmware.identity import watch_keys
from firmware.tests.observations import eventually
from formats.keyfile import unlock_opening
from wire.tests.broker import Broker


@pytest.fixture
def folder(tmp_path: Path) -> ReceiverFolder:
    return ReceiverFolder(tmp_path)


def test_receive_without_a_certificate_says_where_it_belongs(folder: ReceiverFolder) -> None:
    passphrase = str(folder.folder / "passphrase")
    done = run("receive", "--config", str(folder.settings), "--passphrase-file", passphrase)
    assert "receiver.pem" in refusal(done)


@pytest.mark.parametrize("option", ["--open-with", "--crops"])
def test_a_receiver_that_is_told_to_open_events_says_what_does_so_now(
    folder: ReceiverFolder, option: str
) -> None:
    passphrase = str(folder.folder / "passphrase")
    words = ("receive", "--config", str(folder.settings), "--passphrase-file", passphrase)
    said = refusal(run(*words, option, str(folder.folder / "reviewer.key")))
    assert "start it without --open-with and --crops" in said
    assert "tallylight-estate review" in said


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path / "broker")
    broker.start()
    yield broker
    broker.kill()


@pytest.mark.broker
def test_receive_names_each_event_opens_none_and_ends_when_told_to(
    folder: ReceiverFolder, broker: Broker
) -> None:
    certificate = broker.certificate("receiver")
    folder.camera_key = watch_keys(broker.state).sign
    folder.write_settings(
        cameras=str(broker.state.root),
        broker_port=broker.port,
        broker_ca=str(certificate.authority),
        certificate=str(certificate.chain),
        certificate_key=str(certificate.key),
    )
    command = [
        *(sys.executable, "-m", "estate", "receive", "--json"),
        *("--config", str(folder.settings)),
        *("--passphrase-file", str(folder.folder / "passphrase")),
    ]
    folder.meet_recipients()
    mine = [unlock_opening(folder.reviewer, PASSPHRASE), STRANGER]
    others = [*mine, PrivateKey(bytes([99]) * 32)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        try:
            assert program.stdout is not None
            for number, readers in ((4, others), (5, mine)):
                sealed = sealed_event(folder.camera_key, number, reviewers=readers)
                publish_until_taken(broker, sealed.blob)
            told = json.loads(program.stdout.readline())
            assert (told["kind"], told["sequence"]) == ("sealed", 5)
            program.send_signal(signal.SIGTERM)
            _, said = program.communicate(timeout=10)
            assert program.returncode == 0
            assert re.search("Event 4 of camera [0-9a-f]{32} is kept as evidence", said)
        finally:
            program.kill()


def publish_until_taken(broker: Broker, blob: bytes) -> None:
    """Send an event as a camera until a receiver has acknowledged it."""
    camera = broker.camera.camera_id.hex()
    connection = broker.connection(broker.name, f"tallylight/v1/{camera}/receipt")
    answers: list[bool] = []

    def taken() -> bool:
        if connection.connected:
            connection.publish(f"tallylight/v1/{camera}/event", blob)
        connection.run_network(0.05)
        time.sleep(0.05)
        answers.extend(answer.delivered for answer in connection.take_acknowledged())
        return any(answers)

    eventually(taken, within_s=20)
    connection.close()
