"""`tallylight-estate open` and `cameras` as their users meet them."""

import json
from pathlib import Path

import pytest
from nacl.public import PrivateKey
from nacl.signing import SigningKey

from estate.store.envelopes import Store
from estate.store.ledger import append_record
from estate.tests.command_line import refusal, run
from estate.tests.events import EVENT
from estate.tests.receiver_folder import ReceiverFolder
from estate.verdicts.hand_overs import UNCHECKED
from formats.ledger import Happening


@pytest.fixture
def folder(tmp_path: Path) -> ReceiverFolder:
    return ReceiverFolder(tmp_path)


def test_an_event_is_opened_for_people(folder: ReceiverFolder) -> None:
    folder.keep(1)
    done = folder.opens()
    assert done.exit_code == 0
    assert "two people decide" in done.stdout
    assert EVENT.entry.hex() in done.stdout
    assert "0.812" in done.stdout


def test_an_event_is_opened_for_machines(folder: ReceiverFolder) -> None:
    folder.keep(1, 2)
    done = folder.opens("--json")
    opened = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["sequence"] for one in opened] == [1, 2]
    assert (opened[0]["kind"], opened[0]["entry"]) == ("candidate", EVENT.entry.hex())
    assert "crop_jpeg" not in opened[0]


def test_no_face_is_saved_unless_a_folder_is_named(
    folder: ReceiverFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.keep(1)
    monkeypatch.chdir(folder.folder)
    before = sorted(folder.folder.rglob("*.jpg"))
    (opened,) = map(json.loads, folder.opens("--json", crops=None).stdout.splitlines())
    assert (opened["crop"], sorted(folder.folder.rglob("*.jpg"))) == (None, before)
    assert "not saved" in folder.opens(crops=None).stdout


def test_the_digest_of_an_event_is_shown(folder: ReceiverFolder) -> None:
    folder.keep(1)
    (opened,) = map(json.loads, folder.opens("--json").stdout.splitlines())
    assert opened["envelope"][:16] in folder.opens().stdout


def test_an_opened_event_names_its_hand_overs(folder: ReceiverFolder) -> None:
    folder.keep(1)
    store = Store(f"sqlite:///{folder.folder / 'store.db'}")
    body = {"envelope": store.digests()[0].hex(), "recipient": "age1x", "to": "The police"}
    with store.writing() as connection:
        append_record(connection, Happening.EXPORTED, body | {"first_signature": "00"})
    store.close()
    (opened,) = map(json.loads, folder.opens("--json").stdout.splitlines())
    (told,) = opened["handed_over"]
    assert (told["to"], told["note"]) == ("The police", UNCHECKED)
    assert "to The police" in folder.opens().stdout


def test_a_crop_is_for_its_reviewer_alone(folder: ReceiverFolder) -> None:
    folder.keep(1)
    (opened,) = map(json.loads, folder.opens("--json").stdout.splitlines())
    crop = Path(opened["crop"])
    assert crop.read_bytes() == EVENT.crop_jpeg
    assert (crop.stat().st_mode & 0o777, crop.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_an_empty_store_opens_to_nothing(folder: ReceiverFolder) -> None:
    done = folder.opens("--json")
    assert (done.exit_code, done.stdout) == (0, "")


def test_an_event_for_other_reviewers_does_not_hide_the_next(folder: ReceiverFolder) -> None:
    folder.keep(1, reviewers_key=False)
    folder.keep(2)
    done = folder.opens("--json")
    assert [json.loads(line)["sequence"] for line in done.stdout.splitlines()] == [2]
    assert "Event 1" in done.stderr
    assert done.exit_code == 0


def test_an_event_of_a_camera_that_is_not_enrolled_is_not_opened(folder: ReceiverFolder) -> None:
    folder.camera_key = SigningKey(bytes([9]) * 32)
    folder.keep(1)
    done = folder.opens("--json")
    assert done.stdout == ""
    assert "no camera of this site" in done.stderr


def test_a_wrong_passphrase_opens_nothing(folder: ReceiverFolder) -> None:
    folder.keep(1)
    words = refusal(folder.opens(passphrase=Path("wrong")))
    assert "does not open the key of Mill reviewer" in words


def test_a_key_of_another_purpose_opens_nothing(folder: ReceiverFolder) -> None:
    words = refusal(folder.opens(key="receipt.key"))
    assert "is a key for receipt; one for reviewer is needed" in words


@pytest.mark.parametrize("name", ["reviewer.key", "passphrase", "estate.toml"])
def test_a_missing_file_is_named(folder: ReceiverFolder, name: str) -> None:
    (folder.folder / name).unlink()
    assert name in refusal(folder.opens())


def test_without_an_enrolled_camera_nothing_is_opened(folder: ReceiverFolder) -> None:
    folder.write_settings(cameras=str(folder.folder / "nowhere"))
    assert "register a camera first" in refusal(folder.opens())


def test_a_store_that_cannot_be_opened_is_one_sentence(folder: ReceiverFolder) -> None:
    folder.write_settings(store="nonsense")
    assert "The store cannot be opened" in refusal(folder.opens())


def test_a_store_without_its_folder_is_named(folder: ReceiverFolder) -> None:
    missing = folder.folder / "no" / "events.db"
    folder.write_settings(store=f"sqlite:///{missing}")
    assert f"There is no folder {missing.parent} for the store" in refusal(folder.opens())


def test_a_server_is_named_without_its_password(folder: ReceiverFolder) -> None:
    folder.write_settings(store="postgresql://estate:geheim@127.0.0.1:1/tallylight")
    said = refusal(folder.opens())
    assert "on the server 127.0.0.1 cannot be opened" in said
    assert "geheim" not in said


def test_what_came_from_each_camera_is_told(folder: ReceiverFolder) -> None:
    folder.keep(1)
    done = run("cameras", "--config", str(folder.settings), "--json")
    (told,) = map(json.loads, done.stdout.splitlines())
    assert (told["events"], told["gaps"], told["copies"]) == (1, [], 0)
    table = run("cameras", "--config", str(folder.settings))
    assert (table.exit_code, "none" in table.stdout) == (0, True)


def test_an_unknown_setting_is_named(folder: ReceiverFolder) -> None:
    folder.write_settings(colour="red")
    assert "colour" in refusal(folder.opens())


def test_an_unknown_command_is_wrong_usage() -> None:
    assert run("dance").exit_code == 2


def test_an_event_for_a_stranger_as_well_is_not_opened(folder: ReceiverFolder) -> None:
    folder.meet_recipients()
    folder.keep(1, also=[PrivateKey(bytes([99]) * 32)])
    folder.keep(2)
    opened = folder.opens("--json")
    assert [json.loads(line)["sequence"] for line in opened.stdout.splitlines()] == [2]
    assert "Event 1 of camera" in opened.stderr
    assert "sealed to strangers" in opened.stderr


def test_open_says_when_the_recipients_of_an_event_are_not_checked(folder: ReceiverFolder) -> None:
    folder.keep(1)
    opened = folder.opens("--json")
    assert json.loads(opened.stdout)["sequence"] == 1
    assert "its recipients are not checked" in opened.stderr
