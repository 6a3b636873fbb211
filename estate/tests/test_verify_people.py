"""The outsiders' verifier looks every reviewer up in what the site signed, and wants two."""

import json
import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from estate.accounts import verify
from estate.accounts.books import export_books, write_checkpoint
from estate.errors import SiteRefused
from estate.signed_site import SITE_FILES
from estate.tests.books import Office
from estate.tests.handed_over import (
    MATCH,
    appended,
    bodies,
    books,
    outsider,
    verdict_body,
)
from firmware.tests import desk as authority
from formats.ledger import Checkpoint, Happening, Head, sign_checkpoint

STRANGERS = (SigningKey(bytes([201]) * 32), SigningKey(bytes([202]) * 32))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Office, Path]]:
    """Return an office with one confirmed event, and its exported books."""
    office = Office(tmp_path_factory.mktemp("made") / "office")
    yield office, books(office)
    office.store.close()


@pytest.fixture
def office(made: tuple[Office, Path]) -> Office:
    return made[0]


@pytest.fixture
def handed(made: tuple[Office, Path], tmp_path: Path) -> Path:
    """Return a copy of the books for one test to forge."""
    return Path(shutil.copytree(made[1], tmp_path / "handed"))


def refusal(folder: Path, kept: Path | None = None) -> str:
    """Return the sentence with which the books are refused; empty if they hold."""
    try:
        verify.verify_books(folder, kept)
    except verify.NotAsExported as error:
        return str(error)
    return ""


def verdict_of(handed: Path) -> dict[str, int | str]:
    return bodies(handed / "estate.jsonl", Happening.VERDICT)[0]


def test_the_books_of_an_office_hold(handed: Path) -> None:
    assert refusal(handed) == ""


def test_verdicts_of_two_fresh_keys_are_of_unknown_reviewers(handed: Path) -> None:
    ledger, like = handed / "estate.jsonl", verdict_of(handed)
    names = ("police", "estate")
    numbers = [
        appended(
            ledger,
            Happening.VERDICT,
            verdict_body(like, key, name, envelope="ab" * 32),
        )
        for key, name in zip(STRANGERS, names, strict=True)
    ]
    appended(ledger, Happening.DECISION, {"envelope": "ab" * 32, "outcome": "confirmed"})
    said = outsider(handed)
    assert (said.returncode, f"record {numbers[0]}: the site names no reviewer" in said.stdout) == (
        1,
        True,
    )


def test_a_reviewer_cannot_speak_for_another_organisation(office: Office, handed: Path) -> None:
    body = verdict_body(verdict_of(handed), office.verdict_key(1), "estate", envelope="ab" * 32)
    number = appended(handed / "estate.jsonl", Happening.VERDICT, body)
    assert f"record {number}: it names another organisation" in refusal(handed)


@pytest.mark.parametrize("judgement", ["match", "cannot_tell"])
def test_one_person_cannot_judge_twice(office: Office, handed: Path, judgement: str) -> None:
    like, key, other = verdict_of(handed), office.verdict_key(1), {"envelope": "ab" * 32}
    first = verdict_body(like, key, "police", **other)
    appended(handed / "estate.jsonl", Happening.VERDICT, first)
    second = verdict_body(like, key, "police", **other, judgement=judgement)
    number = appended(handed / "estate.jsonl", Happening.VERDICT, second)
    assert f"record {number}: one person judged it twice" in refusal(handed)


def test_after_the_decision_there_is_no_other(handed: Path) -> None:
    (decided,) = bodies(handed / "estate.jsonl", Happening.DECISION)
    number = appended(handed / "estate.jsonl", Happening.DECISION, decided)
    assert f"record {number}: two people had decided already" in refusal(handed)


@pytest.mark.parametrize("verdicts", [0, 1])
def test_a_decision_without_two_verdicts_is_refused(
    office: Office, handed: Path, verdicts: int
) -> None:
    like, ledger = verdict_of(handed), handed / "estate.jsonl"
    for number in range(1, verdicts + 1):
        body = verdict_body(like, office.verdict_key(number), "police", envelope="ab" * 32)
        appended(ledger, Happening.VERDICT, body)
    body = {"envelope": "ab" * 32, "outcome": "confirmed" if verdicts else "not_a_match"}
    number = appended(ledger, Happening.DECISION, body)
    assert f"record {number}: it was not decided by two different people" in refusal(handed)


@pytest.mark.parametrize("envelope", ["ab" * 32, None, 7])
def test_an_export_without_two_verdicts_is_refused(handed: Path, envelope: str | None) -> None:
    named = {} if envelope is None else {"envelope": envelope}
    number = appended(handed / "estate.jsonl", Happening.EXPORTED, {"to": "x", **named})
    assert f"estate.jsonl, record {number}: " in refusal(handed)


def test_what_two_people_did_not_confirm_is_not_exported(office: Office, handed: Path) -> None:
    ledger, like = handed / "estate.jsonl", verdict_of(handed)
    for number, name in ((1, "police"), (2, "estate")):
        key = office.verdict_key(number)
        body = verdict_body(like, key, name, envelope="ab" * 32, judgement="cannot_tell")
        appended(ledger, Happening.VERDICT, body)
    appended(ledger, Happening.DECISION, {"envelope": "ab" * 32, "outcome": "cannot_tell"})
    assert refusal(handed) == ""
    number = appended(ledger, Happening.EXPORTED, {"envelope": "ab" * 32})
    assert f"record {number}: two people had not confirmed what it exports" in refusal(handed)


def test_a_reviewers_id_must_be_that_of_the_key(office: Office, handed: Path) -> None:
    body = verdict_body(verdict_of(handed), office.verdict_key(1), "police", envelope="ab" * 32)
    number = appended(handed / "estate.jsonl", Happening.VERDICT, body | {"reviewer": "00" * 16})
    assert f"record {number}: its reviewer does not match its key" in refusal(handed)


def after_removal(office: Office) -> Path:
    """Let both judge one event; remove one of them; export."""
    event = office.arrive().digest
    office.desk(2).judge(event, MATCH)
    office.site_version, office.removed = 2, (2,)
    office.publish(version=2)
    office.desk(1).judge(event, MATCH)
    write_checkpoint(office.store, office.ledger_key, office.folder / "books")
    to = office.folder / "handed"
    export_books(office.store, office.site(), office.folder / "books", to)
    return to


def test_a_verdict_counts_from_before_its_reviewer_was_removed_and_not_after(
    tmp_path: Path,
) -> None:
    office = Office(tmp_path / "office", ("police", "estate", "oversight"))
    handed = after_removal(office)
    assert refusal(handed) == ""
    body = verdict_body(verdict_of(handed), office.verdict_key(2), "estate", envelope="ab" * 32)
    number = appended(handed / "estate.jsonl", Happening.VERDICT, body)
    assert f"record {number}: the site names no reviewer with its key then" in refusal(handed)
    office.store.close()


def test_the_ledger_cannot_go_back_to_the_recipients_of_before(tmp_path: Path) -> None:
    office = Office(tmp_path / "office", ("police", "estate", "oversight"))
    handed = after_removal(office)
    older = bodies(handed / "estate.jsonl", Happening.LIST_ACCEPTED)[0]
    number = appended(handed / "estate.jsonl", Happening.LIST_ACCEPTED, older)
    assert f"record {number}: it goes back to older recipients" in refusal(handed)
    office.store.close()


def test_one_organisation_cannot_decide_alone_where_the_site_wants_two(tmp_path: Path) -> None:
    office = Office(tmp_path / "office", ("police", "police", "estate"), two_organisations=True)
    event, other = office.arrive().digest, office.arrive(2).digest
    office.desk(1).judge(event, MATCH)
    office.desk(3).judge(event, MATCH)
    write_checkpoint(office.store, office.ledger_key, office.folder / "books")
    handed = office.folder / "handed"
    export_books(office.store, office.site(), office.folder / "books", handed)
    assert refusal(handed) == ""
    for number in (1, 2):
        key, like = office.verdict_key(number), verdict_of(handed)
        body = verdict_body(like, key, "police", envelope=other.hex())
        appended(handed / "estate.jsonl", Happening.VERDICT, body)
    outcome = {"outcome": "confirmed", "envelope": other.hex()}
    number = appended(handed / "estate.jsonl", Happening.DECISION, outcome)
    assert f"record {number}: one organisation decided it alone" in refusal(handed)
    office.store.close()


def test_without_any_checkpoint_the_books_are_refused(handed: Path) -> None:
    (handed / "estate.checkpoint").unlink()
    assert refusal(handed) == "No checkpoint signs the ledger estate: ask for one."


def test_a_checkpoint_of_a_forked_ledger_is_named(office: Office, handed: Path) -> None:
    checkpoints = handed / "estate.checkpoint"
    (signed,) = checkpoints.read_bytes().splitlines()
    size = json.loads(signed)["size"]
    fork = sign_checkpoint(Checkpoint("estate", Head(size, bytes(32))), office.ledger_key)
    checkpoints.write_bytes(signed + b"\n" + fork + b"\n")
    expected = f"record {size - 1}: two signed checkpoints differ: the books were forked"
    assert expected in refusal(handed)


def test_a_shorter_checkpoint_of_a_forked_ledger_is_named(office: Office, handed: Path) -> None:
    checkpoints = handed / "estate.checkpoint"
    fork = sign_checkpoint(Checkpoint("estate", Head(1, bytes(32))), office.ledger_key)
    checkpoints.write_bytes(checkpoints.read_bytes() + fork + b"\n")
    assert "record 0: it is not the record that was signed" in refusal(handed)


def test_a_checkpoint_that_the_site_did_not_sign_is_refused(handed: Path) -> None:
    size = len((handed / "estate.jsonl").read_bytes().splitlines())
    forged = sign_checkpoint(Checkpoint("estate", Head(size, bytes(32))), STRANGERS[0])
    (handed / "estate.checkpoint").write_bytes(forged + b"\n")
    expected = "A checkpoint in estate.checkpoint does not hold: its signature does not hold."
    assert refusal(handed) == expected


@pytest.mark.parametrize("name", ["office.jsonl", "0.jsonl"])
def test_a_renamed_ledger_is_named(handed: Path, name: str) -> None:
    (handed / "estate.jsonl").rename(handed / name)
    (handed / "estate.checkpoint").unlink()
    expected = f"The site has no ledger {name.removesuffix('.jsonl')!r}: was the file renamed?"
    assert refusal(handed) == expected


def test_a_ledger_under_the_name_of_another_is_named(handed: Path) -> None:
    camera = authority.CAMERA.camera_id.hex()
    for checkpoint in handed.glob(f"{camera}*.checkpoint"):
        checkpoint.unlink()
    (handed / f"{camera}_courier.jsonl").rename(handed / f"{camera}_watch.jsonl")
    assert "record 0: courier wrote it: the ledger was renamed" in refusal(handed)


# --- What the site signed ---


def test_without_what_the_site_signed_these_books_are_refused(handed: Path) -> None:
    shutil.rmtree(handed / "site")
    assert "the recipients that it names are not in site/" in refusal(handed)


def site_file(handed: Path, pattern: str) -> Path:
    (found,) = (handed / "site").glob(pattern)
    return found


@pytest.mark.parametrize("pattern", ["metadata/*.targets.json", "metadata/1.root.json"])
def test_metadata_that_too_few_have_signed_are_refused(handed: Path, pattern: str) -> None:
    path = site_file(handed, pattern)
    metadata = json.loads(path.read_bytes())
    enough = 2 if "targets" in pattern else 3
    metadata["signatures"] = metadata["signatures"][: enough - 1]
    path.write_text(json.dumps(metadata))
    assert "too few holders signed it" in refusal(handed)


def test_one_holder_who_signs_twice_is_one(handed: Path) -> None:
    path = site_file(handed, "metadata/*.targets.json")
    metadata = json.loads(path.read_bytes())
    metadata["signatures"] = metadata["signatures"][:1] * 2
    path.write_text(json.dumps(metadata))
    assert "too few holders signed it" in refusal(handed)


def test_metadata_that_were_changed_are_refused(handed: Path) -> None:
    path = site_file(handed, "metadata/*.targets.json")
    path.write_bytes(path.read_bytes().replace(b'"version"', b'"note": 1, "version"', 1))
    assert "too few holders signed it" in refusal(handed)


@pytest.mark.parametrize("name", ["policy", "recipients"])
def test_a_changed_target_is_refused(handed: Path, name: str) -> None:
    path = site_file(handed, f"targets/*.{name}.json")
    path.write_bytes(path.read_bytes() + b" ")
    assert f"{name}.json is not the file that was signed" in refusal(handed)


@pytest.mark.parametrize("pattern", ["targets/*.policy.json", "targets/*.recipients.json"])
def test_a_missing_target_is_named(handed: Path, pattern: str) -> None:
    path = site_file(handed, pattern)
    path.unlink()
    assert path.name in refusal(handed)


@pytest.mark.parametrize(
    "damage", [b"", b"[]", b"{}", b"null", b'{"signed":{}}', b"[" * 5000, b"\xff"]
)
@pytest.mark.parametrize("pattern", ["metadata/*.targets.json", "metadata/1.root.json"])
def test_metadata_that_are_none_are_refused_in_one_sentence(
    handed: Path, pattern: str, damage: bytes
) -> None:
    path = site_file(handed, pattern)
    path.write_bytes(damage)
    assert refusal(handed).startswith(f"site/: {path.name} does not hold")


def test_a_root_that_you_kept_is_compared(handed: Path, tmp_path: Path) -> None:
    root = site_file(handed, "metadata/1.root.json").read_bytes()
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "root.json").write_bytes(root)
    _, _, notes = verify.verify_books(handed, tmp_path / "kept")
    assert notes == []
    (tmp_path / "kept" / "root.json").write_bytes(root + b" ")
    assert "the root that you kept is not among its roots" in refusal(handed, tmp_path / "kept")


def test_a_root_that_came_with_the_books_is_to_be_compared(handed: Path) -> None:
    digest = sha256(site_file(handed, "metadata/1.root.json").read_bytes()).hexdigest()
    groups = " ".join(digest[at : at + 4] for at in range(0, 64, 4))  # As in the minutes.
    assert f"The root {groups} came with the books" in outsider(handed).stdout


@pytest.mark.parametrize("name", ["root.json", "1.root.json", "site/metadata/1.root.json"])
def test_a_root_is_kept_by_any_name_and_in_an_older_export(
    handed: Path, tmp_path: Path, name: str
) -> None:
    kept = tmp_path / "kept"
    (kept / name).parent.mkdir(parents=True)
    (kept / name).write_bytes(site_file(handed, "metadata/1.root.json").read_bytes())
    (kept / "keys.json").write_bytes((handed / "keys.json").read_bytes())
    assert verify.verify_books(handed, kept)[2] == []
    (kept / name).write_bytes(b"another")
    assert "the root that you kept is not among its roots" in refusal(handed, kept)


def test_what_the_site_signed_since_an_older_export_is_read_from_the_new_books(
    handed: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    shutil.copytree(handed, kept)
    for path in (kept / "site" / "targets").iterdir():
        path.unlink()
    assert verify.verify_books(handed, kept)[2] == []


def test_a_folder_in_which_nothing_was_kept_is_named(handed: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    expected = f"{tmp_path / 'kept'} holds no checkpoint, keys.json or root.json that you kept."
    assert refusal(handed, tmp_path / "kept") == expected


def test_a_key_beside_the_sites_is_refused(handed: Path) -> None:
    keys = json.loads((handed / "keys.json").read_text("utf-8"))
    forged = keys | {"estate": bytes(STRANGERS[0].verify_key).hex()}
    (handed / "keys.json").write_text(json.dumps(forged))
    expected = "keys.json has a key for 'estate' that the site has not signed."
    assert refusal(handed) == expected


def test_the_sites_keys_need_no_table(handed: Path) -> None:
    (handed / "keys.json").unlink()
    assert refusal(handed) == ""


@pytest.mark.parametrize("name", ["../out", "metadata/../../out", "/out", "metadata/x.json"])
def test_no_row_of_the_store_names_a_file_outside_the_export(tmp_path: Path, name: str) -> None:
    office = Office(tmp_path / "office")
    office.arrive()
    with office.store.writing() as connection:
        connection.execute(SITE_FILES.insert().values(name=name, content=b"x"))
    with pytest.raises(SiteRefused, match="keep the store as evidence"):
        export_books(office.store, office.site(), tmp_path / "books", tmp_path / "to")
    office.store.close()


@pytest.mark.parametrize("utc_ms", [4_102_444_800_001, 2**63 - 1])
def test_a_clock_beyond_every_calendar_is_told_in_milliseconds(utc_ms: int) -> None:
    destroyed = {"ab" * 32: {"verdicts": [], "destroyed": {"utc_ms": utc_ms}}}
    (told,) = verify.histories(destroyed, {})
    assert told["destroyed"] == f"{utc_ms} ms after 1970"


def test_a_third_person_has_no_verdict_after_the_decision(tmp_path: Path) -> None:
    office = Office(tmp_path / "office", ("police", "estate", "oversight"))
    handed = books(office)
    body = verdict_body(verdict_of(handed), office.verdict_key(3), "oversight")
    number = appended(handed / "estate.jsonl", Happening.VERDICT, body)
    assert f"record {number}: two people had decided already" in refusal(handed)
    office.store.close()


def test_recipients_that_the_site_did_not_sign_are_never_in_force(handed: Path) -> None:
    named = {"recipients_digest": "ab" * 32}
    number = appended(handed / "estate.jsonl", Happening.LIST_ACCEPTED, named)
    assert f"record {number}: the site has not signed the recipients" in refusal(handed)
