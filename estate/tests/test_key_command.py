"""`tallylight-estate key`: keys of reviewers, receipts and ledger."""

from pathlib import Path

import pytest

from estate.tests.command_line import refusal, run
from estate.tests.receiver_folder import PASSPHRASE, ReceiverFolder
from formats.keyfile import read_key, unlock_opening
from terminal import questions


@pytest.fixture
def folder(tmp_path: Path) -> ReceiverFolder:
    return ReceiverFolder(tmp_path)


@pytest.mark.parametrize("purpose", ["reviewer", "receipt"])
def test_a_key_is_made_for_its_holder(folder: ReceiverFolder, purpose: str) -> None:
    file = folder.folder / "new.key"
    passphrase = str(folder.folder / "passphrase")
    done = run("key", purpose, str(file), "--holder", "Desk 7", "--passphrase-file", passphrase)
    assert done.exit_code == 0
    assert (read_key(file).purpose, read_key(file).holder) == (purpose, "Desk 7")


def test_a_key_is_asked_for_its_passphrase_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([PASSPHRASE, PASSPHRASE])
    monkeypatch.setattr(questions, "getpass", lambda _: next(answers))
    done = run("key", "reviewer", str(tmp_path / "a.key"), "--holder", "Desk 7")
    assert done.exit_code == 0
    assert not list(answers)
    assert PASSPHRASE not in done.output
    unlock_opening(read_key(tmp_path / "a.key"), PASSPHRASE)


def test_a_key_for_another_purpose_is_not_made(folder: ReceiverFolder) -> None:
    file = folder.folder / "new.key"
    assert "reviewer, receipt or ledger" in refusal(
        run("key", "root", str(file), "--holder", "Desk 7")
    )
    assert not file.exists()


def test_a_key_is_never_overwritten(folder: ReceiverFolder) -> None:
    before = (folder.folder / "reviewer.key").read_bytes()
    file = str(folder.folder / "reviewer.key")
    assert "never overwritten" in refusal(run("key", "reviewer", file, "--holder", "Desk 7"))
    assert (folder.folder / "reviewer.key").read_bytes() == before


def test_a_short_passphrase_makes_no_key(folder: ReceiverFolder) -> None:
    short, file = folder.write("short", "short\n"), folder.folder / "new.key"
    done = run("key", "reviewer", str(file), "--holder", "Desk 7", "--passphrase-file", str(short))
    assert "12 characters" in refusal(done)
    assert not file.exists()
