"""The estate's own keys are compared with the site's at each start; a wrong one is one sentence."""

import json
import shutil

import pytest
from typer.testing import CliRunner, Result

from estate.__main__ import app
from estate.tests.books import CHEAP, PASSPHRASE, Office
from firmware.tests.command import NO_BROKER
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
        "broker_port": NO_BROKER,
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


REVIEWER: dict[str, tuple[str, ...]] = {
    "review": ("review",),
    "hold": ("hold", "00" * 32, "--reason", "Why."),
    "release": ("release", "00" * 32, "--reason", "Why."),
    "export": ("export", "00" * 32),
}


@pytest.mark.parametrize("command", REVIEWER)
def test_a_reviewer_whom_the_site_does_not_name_is_told_before_a_passphrase_is_asked_for(
    office: Office, command: str
) -> None:
    purposes = {"stranger.key": Purpose.REVIEWER, "stranger.verdict.key": Purpose.VERDICT}
    for name, purpose in purposes.items():
        key = make_key(purpose, "stranger", PASSPHRASE, CHEAP)
        write_key(office.folder / name, key)
    mine = "stranger.verdict.key" if command in {"hold", "release"} else "stranger.key"
    office.write_settings()
    words = [*REVIEWER[command], "--config", str(office.settings)]
    words += ["--key", str(office.folder / mine), "--passphrase-file", "/no/such/file"]
    done = CliRunner().invoke(app, words)
    assert (done.exit_code, "do not name this reviewer" in done.output) == (1, True)


def test_a_wrong_ledger_key_is_told_before_a_passphrase_is_asked_for(office: Office) -> None:
    office.write_settings(ledger_key=other_key(office, Purpose.LEDGER))
    words = ["retain", "--config", str(office.settings), "--passphrase-file", "/no/such/file"]
    assert "is not the one that the site" in CliRunner().invoke(app, words).output


def test_a_ledger_key_that_cannot_be_compared_is_said(office: Office) -> None:
    office.arrive()
    office.write_settings()
    (office.folder / "published" / "metadata" / "timestamp.json").write_bytes(b"{}")
    done = run(office, "ledger", "checkpoint", "--yes")
    assert "The ledger key is not compared with the site's" in done.stderr


def test_health_shows_whether_the_ledger_key_is_the_sites(office: Office) -> None:
    for key, named in ((None, True), (other_key(office, Purpose.LEDGER), False)):
        office.write_settings(**({"ledger_key": key} if key else {}))
        words = ["health", "--config", str(office.settings)]
        assert (
            json.loads(CliRunner().invoke(app, [*words, "--json"]).output)["ledger_key_is_named"]
            == named
        )
        shown = " ".join(CliRunner().invoke(app, words).output.split())
        assert ("not the one that the site names" in shown) != named
