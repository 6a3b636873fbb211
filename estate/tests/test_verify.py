"""The outsiders' verifier as a program, over the exported ledgers of an office."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from estate.__main__ import app
from estate.accounts.books import ORIGIN, next_checkpoint, write_checkpoint
from estate.errors import BooksRefused
from estate.store.ledger import ledger_head
from estate.tests.books import LEDGER_KEYS, Office
from estate.tests.command_line import done
from estate.tests.handed_over import CAMERAS, PROGRAM, books, outsider, rewritten
from firmware.record.ledger import Signer
from firmware.tests import desk as authority
from formats import VERSION
from formats.ledger import Checkpoint, Happening, Program


def test_the_program_is_one_short_file_that_needs_nothing_of_the_site() -> None:
    source = PROGRAM.read_text("utf-8")
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(source))
        for name in (
            [each.name for each in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= sys.stdlib_module_names | {"nacl"}
    assert len(source.splitlines()) <= 980


def test_it_says_the_version_of_the_other_programs() -> None:
    command = [sys.executable, str(PROGRAM), "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.endswith(
        f" {VERSION}\n"
    )


def test_an_outsider_rebuilds_what_happened_from_the_books_alone(office: Office) -> None:
    handed = books(office)
    said = outsider(handed, "--json")
    assert said.returncode == 0, said.stdout + said.stderr
    (event,) = json.loads(said.stdout)
    site = office.site()
    assert event["list"] == {"version": 1, "digest": site.digest.hex()}
    assert event["list_is_the_periods"] is True
    assert None not in event["period"].values()
    assert event["led_to_it"]["policy"] == site.policy_digest.hex()
    assert {each["organisation"] for each in event["verified_by"]} == {"police", "estate"}
    assert event["outcome"] == "confirmed"


def test_the_program_says_that_the_books_hold_and_how_much_is_signed(office: Office) -> None:
    said = outsider(books(office))
    assert "records verified" in said.stdout
    assert "Every record holds. Records: 12. Events: 1." in said.stdout
    assert "Records after the newest checkpoints: 1." in said.stdout


@pytest.mark.parametrize("program", CAMERAS)
@pytest.mark.parametrize("kept", [None, 0, 1])
def test_the_end_of_every_programs_ledger_is_missed_by_an_outsider(
    office: Office, program: Program, kept: int | None
) -> None:
    handed = books(office)
    path = handed / f"{authority.CAMERA.camera_id.hex()}_{program}.jsonl"
    whole = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(whole[: kept or 0]))
    if kept is None:
        path.unlink()
    said = outsider(handed)
    assert said.returncode == 1
    assert f"{path.name}, record {kept or 0}:" in said.stdout
    assert f"signed records: {len(whole)}" in said.stdout


def test_a_ledger_signed_by_another_program_of_the_same_camera_is_refused(office: Office) -> None:
    book = office.camera_book(Program.LAMPGUARD)
    book.append(Happening.START, {"version": "0"})
    book.sign_with(Signer(authority.CAMERA.camera_id, LEDGER_KEYS[Program.COURIER]))
    result = office.take_in(Program.LAMPGUARD)
    assert (result.exit_code, "another camera or program" in result.stderr) == (1, True)


def change_line(path: Path, number: int, old: bytes, new: bytes) -> None:
    lines = path.read_bytes().splitlines()
    assert old in lines[number]
    lines[number] = lines[number].replace(old, new)
    path.write_bytes(b"\n".join(lines) + b"\n")


def test_a_changed_verdict_is_named(office: Office) -> None:
    handed = books(office)
    change_line(handed / "estate.jsonl", 2, b'"match"', b'"cannot_tell"')
    said = outsider(handed)
    assert said.returncode == 1
    assert "estate.jsonl, record 2:" in said.stdout


@pytest.mark.parametrize(
    ("number", "old", "new", "why"),
    [
        (2, b'"match"', b'"cannot_tell"', "signature does not hold"),
        (4, b'"confirmed"', b'"not_a_match"', "does not follow"),
    ],
)
def test_a_chain_written_anew_does_not_hide_a_change(
    office: Office, number: int, old: bytes, new: bytes, why: str
) -> None:
    handed = books(office)
    rewritten(handed / "estate.jsonl", number, old, new)
    (handed / "estate.checkpoint").unlink()
    said = outsider(handed)
    assert (said.returncode, f"record {number}:" in said.stdout, why in said.stdout) == (
        1,
        True,
        True,
    )


def test_a_checkpoint_that_was_kept_outside_shows_a_chain_written_anew(office: Office) -> None:
    handed = books(office)
    kept = office.folder / "kept"
    kept.mkdir()
    for name in ("estate.checkpoint", "keys.json"):
        (kept / name).write_bytes((handed / name).read_bytes())
    rewritten(handed / "estate.jsonl", 0, b'"sequence":1', b'"sequence":2')
    (handed / "estate.checkpoint").unlink()
    said = outsider(handed, "--kept", kept)
    assert (said.returncode, "not the record that was signed" in said.stdout) == (1, True)


def test_a_camera_cannot_take_back_what_it_said(office: Office) -> None:
    books(office)
    for file in (office.folder / "stick" / "watch").iterdir():
        file.unlink()
    again = office.camera_book()
    again.append(Happening.START, {"version": "0"})
    again.sign()
    result = office.take_in()
    assert (result.exit_code, "contradicts" in result.stderr) == (1, True)


def test_a_ledger_that_its_camera_did_not_sign_is_not_taken_in(office: Office) -> None:
    office.camera_book().append(Happening.START, {"version": "0"})
    office.camera_book()  # Signs what is there.
    change_line(office.folder / "stick/watch/ledger.jsonl", 0, b'"watch"', b'"courier"')
    result = office.take_in()
    assert (result.exit_code, result.stderr.startswith("Refused: ")) == (1, True)


def test_a_second_checkpoint_is_not_signed_over_a_ledger_that_was_changed(office: Office) -> None:
    books(office)
    with office.store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM ledger WHERE seq > 1")
    words = ["ledger", "checkpoint", "--config", str(office.settings), *office.passphrase, "--yes"]
    result = CliRunner().invoke(app, words)
    assert (result.exit_code, "has been changed" in result.stderr) == (1, True)


def test_a_checkpoint_over_a_changed_ledger_is_neither_shown_nor_signed(office: Office) -> None:
    books(office)
    with office.store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM ledger WHERE seq > 1")
    folder, key = office.folder / "books", office.ledger_key
    with pytest.raises(BooksRefused, match="has been changed"):
        next_checkpoint(office.store, key.verify_key, folder)
    with office.store.reading() as connection:
        shown = Checkpoint(ORIGIN, ledger_head(connection))
    with pytest.raises(BooksRefused, match="has been changed"):
        write_checkpoint(office.store, key, folder, shown)


def test_an_export_without_a_checkpoint_says_what_to_do_first(office: Office) -> None:
    office.arrive()
    said = done("ledger", "export", str(office.folder / "to"), "--config", str(office.settings))
    assert "run tallylight-estate ledger checkpoint first" in said
