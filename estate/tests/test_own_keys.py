"""The estate's own keys are compared with the site's at each start; a wrong one is one sentence."""

import json
import shutil

import pytest
from typer.testing import CliRunner, Result

from estate.__main__ import app
from estate.tests.books import CHEAP, PASSPHRASE, Office
from formats.keyfile import Purpose, make_key, write_key
from wire.tests.broker import Broker

NEEDS_KEY = {
    "retain": ("retain",),
    "checkpoint": ("ledger", "checkpoint", "--yes"),
    "budget": ("budget", "--yes", "--sign", "signed"),
    "restore": ("restore",),
}


def run(office: Office, *words: str) -> Result:
    words = tuple(str(office.folder / word) if word == "signed" else word for word in words)
    return CliRunner().invoke(app, [*words, "--config", str(office.settings), *office.passphrase])


def other_key(office: Office, purpose: Purpose) -> str:
    """Make another key of this purpose; return the path of its file."""
    path = office.folder / "other.key"
    write_key(path, make_key(purpose, "other", PASSPHRASE, CHEAP))
    return str(path)


@pytest.mark.parametrize("command", NEEDS_KEY)
def test_a_ledger_key_that_the_site_does_not_name_signs_nothing(
    office: Office, command: str
) -> None:
    office.arrive()
    office.write_settings(ledger_key=other_key(office, Purpose.LEDGER))
    done = run(office, *NEEDS_KEY[command])
    assert (done.exit_code, "is not the one that the site" in done.output) == (1, True)
    assert not (office.folder / "books").exists()
    assert not (office.folder / "signed").exists()


@pytest.mark.parametrize("command", NEEDS_KEY)
def test_a_reviewers_machine_needs_no_ledger_key_until_it_signs(
    office: Office, command: str
) -> None:
    office.write_settings()
    lines = office.settings.read_text().splitlines()
    office.settings.write_text("\n".join(line for line in lines if "ledger_key" not in line))
    words = ["health", "--config", str(office.settings), "--json"]
    assert CliRunner().invoke(app, words).exit_code == 0
    done = run(office, *NEEDS_KEY[command])
    assert (done.exit_code, "set `ledger_key`" in done.output) == (1, True)


def test_a_receipt_key_that_the_site_does_not_name_receives_nothing(office: Office) -> None:
    office.folder.joinpath("cameras").mkdir()
    camera = office.folder / "cameras"
    settings = {
        "store": office.url,
        "cameras": str(camera),
        "receipt_key": other_key(office, Purpose.RECEIPT),
        "broker_host": "localhost",
        "broker_port": 8883,
        "broker_ca": "none.pem",
        "certificate": "none.pem",
        "certificate_key": "none.key",
        "name": "receiver",
        "group": "receivers",
        "site": str(office.folder / "published"),
        "trusted_root": str(office.folder / "root.json"),
    }
    file = office.folder / "receiver.toml"
    file.write_text("\n".join(f"{key} = {json.dumps(value)}" for key, value in settings.items()))
    shutil.copy(Broker(office.folder / "broker").state.root / "enrolment.json", camera)
    words = ["receive", "--config", str(file), *office.passphrase]
    done = CliRunner().invoke(app, words)
    assert (done.exit_code, "The receipt key in the settings is not" in done.output) == (1, True)
