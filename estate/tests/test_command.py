"""`tallylight-estate` as its users meet it."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from nacl.signing import SigningKey
from typer.testing import CliRunner, Result

from estate.__main__ import app
from estate.store.envelopes import Store
from estate.tests.events import EVENT, REVIEWERS, STRANGER, sealed_event
from firmware.config import State
from firmware.identity import make_identity, watch_keys
from firmware.tests.observing import eventually
from formats.keyfile import Cost, KeyFile, Purpose, make_key, read_key, unlock_opening, write_key
from wire.tests.broker import Broker

PASSPHRASE = "correct horse battery"  # noqa: S105 - of keys that the tests make.
CHEAP = Cost(passes=1, memory_bytes=8192)


@dataclass
class Office:
    """A receiver's folder: settings, keys, one enrolled camera, a store."""

    folder: Path

    def __post_init__(self) -> None:
        state = State(self.folder / "camera")
        make_identity(state)
        self.camera_key: SigningKey = watch_keys(state).sign
        self.write("passphrase", PASSPHRASE + "\n")
        self.write("wrong", "not the passphrase\n")
        self.reviewer = self.key(Purpose.REVIEWER)
        self.key(Purpose.RECEIPT)
        self.write_settings()

    @property
    def settings(self) -> Path:
        return self.folder / "estate.toml"

    def write(self, name: str, content: str) -> Path:
        (self.folder / name).write_text(content)
        return self.folder / name

    def write_settings(self, **changes: str | int) -> None:
        usual: dict[str, str | int] = {
            "store": f"sqlite:///{self.folder / 'store.db'}",
            "cameras": str(self.folder / "camera"),
            "receipt_key": str(self.folder / "receipt.key"),
            "broker_host": "127.0.0.1",
            "broker_port": 8883,
            "broker_ca": str(self.folder / "ca.pem"),
            "certificate": str(self.folder / "receiver.pem"),
            "certificate_key": str(self.folder / "receiver-tls.key"),
            "name": "receiver",
            "group": "receivers",
        }
        lines = [f"{key} = {json.dumps(value)}" for key, value in (usual | changes).items()]
        self.write("estate.toml", "\n".join(lines))

    def key(self, purpose: Purpose) -> KeyFile:
        key = make_key(purpose, f"Mill {purpose}", PASSPHRASE, CHEAP)
        write_key(self.folder / f"{purpose}.key", key)
        return key

    def keep(self, *numbers: int, reviewers_key: bool = True) -> None:
        """Put events into the store, sealed to this office's reviewer or to others."""
        mine = [unlock_opening(self.reviewer, PASSPHRASE), STRANGER]
        store = Store(f"sqlite:///{self.folder / 'store.db'}")
        for number in numbers:
            reviewers = mine if reviewers_key else REVIEWERS
            store.add_envelope(sealed_event(self.camera_key, number, reviewers=reviewers), number)
        store.close()

    def opens(
        self, *more: str, key: str = "reviewer.key", passphrase: Path = Path("passphrase")
    ) -> Result:
        return run(
            "open",
            *("--config", str(self.settings)),
            *("--open-with", str(self.folder / key)),
            *("--passphrase-file", str(self.folder / passphrase)),
            *("--crops", str(self.folder / "crops")),
            *more,
        )


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, arguments, input=stdin)


def sentence(result: Result) -> str:
    """The one sentence of a refusal."""
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("Refused: ")
    assert line.endswith(".")
    return line


@pytest.mark.parametrize("purpose", ["reviewer", "receipt"])
def test_a_key_is_made_for_its_holder(office: Office, purpose: str) -> None:
    file = office.folder / "new.key"
    passphrase = str(office.folder / "passphrase")
    done = run("key", purpose, str(file), "--holder", "Desk 7", "--passphrase-file", passphrase)
    assert done.exit_code == 0
    assert (read_key(file).purpose, read_key(file).holder) == (purpose, "Desk 7")


def test_a_key_is_asked_for_its_passphrase_twice(tmp_path: Path) -> None:
    answers = f"{PASSPHRASE}\n{PASSPHRASE}\n"
    done = run("key", "reviewer", str(tmp_path / "a.key"), "--holder", "Desk 7", stdin=answers)
    assert done.exit_code == 0
    assert PASSPHRASE not in done.output
    unlock_opening(read_key(tmp_path / "a.key"), PASSPHRASE)


def test_a_key_for_another_purpose_is_not_made(office: Office) -> None:
    file = office.folder / "new.key"
    assert "reviewer, receipt or ledger" in sentence(
        run("key", "root", str(file), "--holder", "Desk 7")
    )
    assert not file.exists()


def test_a_key_is_never_overwritten(office: Office) -> None:
    before = (office.folder / "reviewer.key").read_bytes()
    file = str(office.folder / "reviewer.key")
    assert "never overwritten" in sentence(run("key", "reviewer", file, "--holder", "Desk 7"))
    assert (office.folder / "reviewer.key").read_bytes() == before


def test_a_short_passphrase_makes_no_key(office: Office) -> None:
    short, file = office.write("short", "short\n"), office.folder / "new.key"
    done = run("key", "reviewer", str(file), "--holder", "Desk 7", "--passphrase-file", str(short))
    assert "12 characters" in sentence(done)
    assert not file.exists()


def test_an_event_is_opened_for_people(office: Office) -> None:
    office.keep(1)
    done = office.opens()
    assert done.exit_code == 0
    assert "two people decide" in done.stdout
    assert EVENT.entry.hex() in done.stdout
    assert "0.812" in done.stdout


def test_an_event_is_opened_for_machines(office: Office) -> None:
    office.keep(1, 2)
    done = office.opens("--json")
    opened = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["sequence"] for one in opened] == [1, 2]
    assert (opened[0]["kind"], opened[0]["entry"]) == ("candidate", EVENT.entry.hex())
    assert "crop_jpeg" not in opened[0]


def test_a_crop_is_for_its_reviewer_alone(office: Office) -> None:
    office.keep(1)
    (opened,) = map(json.loads, office.opens("--json").stdout.splitlines())
    crop = Path(opened["crop"])
    assert crop.read_bytes() == EVENT.crop_jpeg
    assert (crop.stat().st_mode & 0o777, crop.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_an_empty_store_opens_to_nothing(office: Office) -> None:
    done = office.opens("--json")
    assert (done.exit_code, done.stdout) == (0, "")


def test_an_event_for_other_reviewers_does_not_hide_the_next(office: Office) -> None:
    office.keep(1, reviewers_key=False)
    office.keep(2)
    done = office.opens("--json")
    assert [json.loads(line)["sequence"] for line in done.stdout.splitlines()] == [2]
    assert "Event 1" in done.stderr
    assert done.exit_code == 0


def test_an_event_of_a_camera_that_is_not_enrolled_is_not_opened(office: Office) -> None:
    office.camera_key = SigningKey(bytes([9]) * 32)
    office.keep(1)
    done = office.opens("--json")
    assert done.stdout == ""
    assert "no camera of this site" in done.stderr


def test_a_wrong_passphrase_opens_nothing(office: Office) -> None:
    office.keep(1)
    refusal = sentence(office.opens(passphrase=Path("wrong")))
    assert "does not open the key of Mill reviewer" in refusal


def test_a_key_of_another_purpose_opens_nothing(office: Office) -> None:
    refusal = sentence(office.opens(key="receipt.key"))
    assert "is a key for receipt; one for reviewer is needed" in refusal


@pytest.mark.parametrize("name", ["reviewer.key", "passphrase", "estate.toml"])
def test_a_missing_file_is_named(office: Office, name: str) -> None:
    (office.folder / name).unlink()
    assert name in sentence(office.opens())


def test_without_an_enrolled_camera_nothing_is_opened(office: Office) -> None:
    office.write_settings(cameras=str(office.folder / "nowhere"))
    assert "register a camera first" in sentence(office.opens())


def test_a_store_that_cannot_be_opened_is_one_sentence(office: Office) -> None:
    office.write_settings(store="nonsense")
    assert "The store cannot be opened" in sentence(office.opens())


def test_what_came_from_each_camera_is_told(office: Office) -> None:
    office.keep(1)
    done = run("cameras", "--config", str(office.settings), "--json")
    (told,) = map(json.loads, done.stdout.splitlines())
    assert (told["events"], told["gaps"], told["copies"]) == (1, [], 0)
    table = run("cameras", "--config", str(office.settings))
    assert (table.exit_code, "none" in table.stdout) == (0, True)


def test_an_unknown_setting_is_named(office: Office) -> None:
    office.write_settings(colour="red")
    assert "colour" in sentence(office.opens())


def test_an_unknown_command_is_wrong_usage() -> None:
    assert run("dance").exit_code == 2


def test_receive_without_a_certificate_says_where_it_belongs(office: Office) -> None:
    passphrase = str(office.folder / "passphrase")
    done = run("receive", "--config", str(office.settings), "--passphrase-file", passphrase)
    assert "receiver.pem" in sentence(done)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path / "broker")
    broker.start()
    yield broker
    broker.kill()


@pytest.mark.broker
def test_receive_prints_each_event_and_ends_when_told_to(office: Office, broker: Broker) -> None:
    certificate = broker.certificate("receiver")
    office.camera_key = watch_keys(broker.state).sign
    office.write_settings(
        cameras=str(broker.state.root),
        broker_port=broker.port,
        broker_ca=str(certificate.authority),
        certificate=str(certificate.chain),
        certificate_key=str(certificate.key),
    )
    command = [
        *(sys.executable, "-m", "estate", "receive", "--json"),
        *("--config", str(office.settings)),
        *("--open-with", str(office.folder / "reviewer.key")),
        *("--passphrase-file", str(office.folder / "passphrase")),
        *("--crops", str(office.folder / "crops")),
    ]
    mine = [unlock_opening(office.reviewer, PASSPHRASE), STRANGER]
    sealed = sealed_event(office.camera_key, 5, reviewers=mine)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout is not None
            publish_until_taken(broker, sealed.blob)
            assert json.loads(program.stdout.readline())["sequence"] == 5
            program.send_signal(signal.SIGTERM)
            assert program.wait(timeout=10) == 0
        finally:
            program.kill()


def publish_until_taken(broker: Broker, blob: bytes) -> None:
    """Send an event as a camera until somebody is there to take it."""
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
