"""Backup, restore and migrations: copies are whole, and destroyed events stay destroyed."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest
from nacl.signing import SigningKey
from sqlalchemy import create_engine, inspect, text
from typer.testing import CliRunner, Result

from estate.__main__ import app
from estate.accounts.verify import verify_books
from estate.store.envelopes import Store
from estate.store.ledger import append_record, ledger_head, ledger_records
from estate.store.migrations import NEWEST
from estate.tests.books import Office
from estate.tests.events import sealed_event
from estate.verdicts.decisions import Outcome
from firmware.tests import desk as authority
from formats.ledger import Happening, Head, sign_restored
from formats.verdict import Judgement

MATCH, NOT = Judgement.MATCH, Judgement.NOT_A_MATCH


def run(office: Office, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--config", str(office.settings)])


def lose_the_store(office: Office) -> None:
    office.store.close()
    for path in office.folder.glob("store.db*"):
        path.unlink()


def test_a_copy_brings_everything_back(office: Office) -> None:
    event = office.arrive().digest
    office.desk(1).judge(event, MATCH)
    with office.store.reading() as connection:
        before = ledger_head(connection)
    assert run(office, "backup", str(office.folder / "copy")).exit_code == 0
    lose_the_store(office)
    done = run(office, "restore", "--from", str(office.folder / "copy"), *office.passphrase)
    assert done.exit_code == 0, done.output
    office.store = Store(office.url)
    with office.store.reading() as connection:
        assert ledger_head(connection) == before
    assert office.desk(2).judge(event, MATCH) is Outcome.CONFIRMED


def test_a_copy_is_for_its_owner_alone(office: Office) -> None:
    run(office, "backup", str(office.folder / "copy"))
    assert (office.folder / "copy").stat().st_mode & 0o777 == 0o600


def test_what_was_destroyed_after_the_copy_is_destroyed_again(office: Office) -> None:
    gone, kept = office.arrive(1).digest, office.arrive(2).digest
    run(office, "backup", str(office.folder / "copy"))
    office.desk(1).judge(gone, NOT)
    office.desk(2).judge(gone, NOT)
    run(office, "retain", *office.passphrase)
    lose_the_store(office)
    done = run(office, "restore", "--from", str(office.folder / "copy"), *office.passphrase)
    assert "1 event destroyed again" in done.output
    store = Store(office.url)
    assert list(store.digests()) == [kept]
    with store.reading() as connection:
        told = [
            e.body["ground"] for e in ledger_records(connection) if e.event is Happening.DESTROYED
        ]
    store.close()
    assert told == ["restored"]


def restored_after_a_checkpoint(office: Office) -> str:
    """Lose records that a checkpoint has signed, restore an older copy; return what was said."""
    office.arrive(1)
    run(office, "ledger", "checkpoint", "--yes", *office.passphrase)
    run(office, "backup", str(office.folder / "copy"))
    office.arrive(2)
    run(office, "ledger", "checkpoint", "--yes", *office.passphrase)
    lose_the_store(office)
    copy = str(office.folder / "copy")
    done = run(office, "restore", "--from", copy, *office.passphrase)
    assert done.exit_code == 0, done.output
    office.store = Store(office.url)
    return done.output


def test_after_an_honest_restore_the_books_go_on(office: Office) -> None:
    said = restored_after_a_checkpoint(office)
    assert "The copy lacks records that 1 checkpoint signed" in said
    office.arrive(3)
    for words in (("retain",), ("ledger", "checkpoint", "--yes"), ("retain",)):
        done = run(office, *words, *office.passphrase)
        assert done.exit_code == 0, done.output
    again = run(office, "restore", *office.passphrase)
    assert "lacks records" not in again.output


def test_an_outsider_is_told_of_the_restore_and_of_nothing_else(office: Office) -> None:
    restored_after_a_checkpoint(office)
    office.arrive(3)
    run(office, "ledger", "checkpoint", "--yes", *office.passphrase)
    books = office.folder / "handed-over"
    done = run(office, "ledger", "export", str(books))
    assert done.exit_code == 0, done.output
    _, _, notes = verify_books(books, None)
    (note,) = [note for note in notes if "older copy" in note]
    assert "restored an older copy of estate" in note


def test_without_the_restore_command_an_older_copy_is_a_changed_ledger(office: Office) -> None:
    office.arrive(1)
    run(office, "backup", str(office.folder / "copy"))
    office.arrive(2)
    run(office, "ledger", "checkpoint", "--yes", *office.passphrase)
    lose_the_store(office)
    (office.folder / "store.db").write_bytes((office.folder / "copy").read_bytes())
    for words in (("retain",), ("ledger", "checkpoint", "--yes")):
        done = run(office, *words, *office.passphrase)
        assert (done.exit_code, "has been changed" in done.output) == (1, True), done.output
    office.store = Store(office.url)


def test_a_record_of_a_restore_that_the_key_did_not_sign_excuses_nothing(office: Office) -> None:
    office.arrive(1)
    run(office, "backup", str(office.folder / "copy"))
    office.arrive(2)
    run(office, "ledger", "checkpoint", "--yes", *office.passphrase)
    lost = json.loads((office.folder / "books" / "estate.checkpoint").read_text())
    lose_the_store(office)
    (office.folder / "store.db").write_bytes((office.folder / "copy").read_bytes())
    office.store = Store(office.url)
    head = Head(lost["size"], bytes.fromhex(lost["digest"]))
    with office.store.writing() as connection:
        append_record(connection, Happening.RESTORED, sign_restored(head, SigningKey(bytes(32))))
    done = run(office, "retain", *office.passphrase)
    assert (done.exit_code, "has been changed" in done.output) == (1, True)


def test_a_copy_never_replaces_a_store_or_another_copy(office: Office) -> None:
    copy = str(office.folder / "copy")
    run(office, "backup", copy)
    assert "exists already" in run(office, "backup", copy).stderr
    done = run(office, "restore", "--from", copy, *office.passphrase)
    assert (done.exit_code, "move it away" in done.stderr) == (1, True)


def test_a_certificate_of_another_key_destroys_nothing(office: Office) -> None:
    event = office.arrive().digest
    office.desk(1).judge(event, NOT)
    office.desk(2).judge(event, NOT)
    run(office, "retain", *office.passphrase)
    (certificate,) = (office.folder / "books" / "certificates").glob("*.json")
    certificate.write_bytes(certificate.read_bytes().replace(b"not_a_match", b"retention"))
    done = run(office, "restore", *office.passphrase)
    assert (done.exit_code, "is refused" in done.stderr) == (1, True)


def test_a_store_from_before_there_were_steps_is_kept_and_brought_up_to_date(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    sealed = sealed_event(authority.signing(51))
    old = create_engine(url)
    with old.begin() as connection:
        connection.execute(
            text(
                "CREATE TABLE envelopes (camera BLOB NOT NULL, boot_id BLOB NOT NULL, sequence "
                "BIGINT NOT NULL, stored_utc_ms BIGINT NOT NULL, digest BLOB NOT NULL, blob BLOB "
                "NOT NULL, UNIQUE (camera, boot_id, sequence, digest))"
            )
        )
        row = {"c": sealed.header.sender, "b": sealed.header.boot_id, "d": sealed.digest}
        connection.execute(
            text("INSERT INTO envelopes VALUES (:c, :b, 1, 1, :d, :e)"), row | {"e": sealed.blob}
        )
    old.dispose()
    store = Store(url)
    assert list(store.envelopes()) == [sealed]
    assert {"ledger", "verdicts", "holds"} <= set(inspect(store.engine).get_table_names())
    store.close()


def test_the_newest_step_is_the_last_of_the_folder() -> None:
    folder = Path(__file__).parents[1] / "store" / "migrations" / "versions"
    assert max(path.name[:4] for path in folder.glob("0*.py")) == NEWEST


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Return the URL of a new PostgreSQL database, if the machine has a server."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found or shutil.which("runuser") is None:
        pytest.skip("PostgreSQL is not installed: install the package postgresql")
    folder = Path(mkdtemp(prefix="tallylight-pg-"))  # A socket's path must be short.
    shutil.chown(folder, "postgres", "postgres")
    programs, data = found[-1].parent, folder / "data"
    as_postgres = ["runuser", "-u", "postgres", "--"]
    initdb = [*as_postgres, str(programs / "initdb"), "-D", str(data), "-A", "trust"]
    subprocess.run(initdb, check=True, capture_output=True, cwd="/")
    options = f"-k {folder} -c listen_addresses=''"
    control = [
        *as_postgres,
        str(programs / "pg_ctl"),
        "-D",
        str(data),
        "-w",
        "-l",
        str(folder / "log"),
    ]
    subprocess.run([*control, "-o", options, "start"], check=True, capture_output=True, cwd="/")
    yield f"postgresql://postgres@/postgres?host={folder}"
    subprocess.run([*control, "-m", "immediate", "stop"], check=True, capture_output=True, cwd="/")
    shutil.rmtree(folder)


@pytest.mark.timeout(120)
def test_two_people_decide_and_it_ends_on_a_server_too(server: str, tmp_path: Path) -> None:
    office = Office(tmp_path / "office")
    office.store.close()
    office.write_settings(store=server)
    office.store = Store(server)
    gone, confirmed = office.arrive(1).digest, office.arrive(2).digest
    for event, second in ((gone, NOT), (confirmed, MATCH)):
        office.desk(1).judge(event, MATCH)
        office.desk(2).judge(event, second)
    assert "1 event destroyed" in run(office, "retain", *office.passphrase).output
    assert list(office.store.digests()) == [confirmed]
    with office.store.reading() as connection:
        assert ledger_head(connection).size == len(ledger_records(connection))
    office.store.close()
