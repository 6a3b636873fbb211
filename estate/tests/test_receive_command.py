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


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path / "broker")
    broker.start()
    yield broker
    broker.kill()


@pytest.mark.broker
def test_receive_prints_each_event_for_the_reviewers_and_ends_when_told_to(
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
        *("--open-with", str(folder.folder / "reviewer.key")),
        *("--passphrase-file", str(folder.folder / "passphrase")),
        *("--crops", str(folder.folder / "crops")),
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
            assert json.loads(program.stdout.readline())["sequence"] == 5
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
