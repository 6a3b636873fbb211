"""A program's ledger on a real disk."""

import os
import resource
import signal
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from firmware.errors import ForeignFile, LedgerBroken
from firmware.record.ledger import SIGN_AFTER, SIGN_AFTER_S, Ledger, Signer
from firmware.tests.observations import records
from firmware.tests.power_cut import cut
from firmware.tests.test_folder import FOREIGN
from formats.envelope import sender_id
from formats.ledger import (
    Checkpoint,
    Happening,
    Head,
    Program,
    Record,
    next_record,
    verify_against,
    verify_chain,
    verify_checkpoint,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Make a ledger of three lines."""
    ledger = Ledger(tmp_path, Program.WATCH)
    for code in ("one", "two", "three"):
        ledger.append(Happening.FAULT, {"code": code})
    return tmp_path / "ledger.jsonl"


def reopen(file: Path) -> Ledger:
    return Ledger(file.parent, Program.WATCH)


def test_a_ledger_is_a_chain(file: Path) -> None:
    assert verify_chain(file.read_bytes().splitlines()).size == 3


def test_a_reopened_ledger_goes_on(file: Path) -> None:
    reopen(file).append(Happening.STOP)
    assert verify_chain(file.read_bytes().splitlines()).size == 4


def test_a_line_says_which_program_wrote_it(file: Path) -> None:
    assert Record.from_line(file.read_bytes().splitlines()[0]).program is Program.WATCH


def test_a_torn_last_line_is_cut_off(file: Path) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole + whole.splitlines()[0][:40])
    reopen(file)
    assert file.read_bytes() == whole


def test_a_last_line_without_its_newline_is_cut_off(file: Path) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    reopen(file).append(Happening.STOP)
    assert verify_chain(file.read_bytes().splitlines()).size == 3


def test_a_ledger_of_one_torn_line_begins_anew(tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").write_bytes(b'{"body":')
    Ledger(tmp_path, Program.WATCH).append(Happening.START)
    assert verify_chain((tmp_path / "ledger.jsonl").read_bytes().splitlines()).size == 1


@pytest.mark.parametrize(
    ("old", "new"), [(b'"two"', b'"owt"'), (b'"one"', b'"eno"'), (b'"seq":1', b'"seq":2')]
)
def test_an_edited_line_keeps_the_ledger_closed(file: Path, old: bytes, new: bytes) -> None:
    edited = file.read_bytes().replace(old, new)
    file.write_bytes(edited)
    with pytest.raises(LedgerBroken, match="evidence"):
        reopen(file)
    assert file.read_bytes() == edited


def test_a_missing_line_keeps_the_ledger_closed(file: Path) -> None:
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(lines[0] + lines[2])
    with pytest.raises(LedgerBroken):
        reopen(file)


def test_an_empty_line_keeps_the_ledger_closed(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\n")
    with pytest.raises(LedgerBroken):
        reopen(file)


@pytest.mark.parametrize("step", [1, 2])
def test_a_power_cut_while_writing_keeps_the_chain(file: Path, step: int) -> None:
    ledger = reopen(file)
    cut(step, lambda: ledger.append(Happening.STOP))
    reopen(file).append(Happening.START)
    assert verify_chain(file.read_bytes().splitlines()).size >= 4


def test_a_record_keeps_its_body(file: Path) -> None:
    assert records(file.parent, Happening.FAULT)[1] == {"code": "two"}


def test_a_full_disk_is_not_taken_for_tampering(file: Path) -> None:
    ledger, before = reopen(file), file.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, hard))
    try:
        with pytest.raises(OSError, match="large"):
            ledger.append(Happening.STOP)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert file.read_bytes() == before
    reopen(file).append(Happening.STOP)
    assert verify_chain(file.read_bytes().splitlines()).size == 4


KEY = SigningKey(bytes(32))
SIGNER = Signer(sender_id(KEY.verify_key), KEY)


def signed(file: Path) -> Checkpoint:
    return verify_checkpoint((file.parent / "checkpoint.json").read_bytes(), KEY.verify_key)


@pytest.fixture
def threads_that_take_turns_often() -> Iterator[None]:
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before_s)


@pytest.mark.usefixtures("threads_that_take_turns_often")
def test_a_head_is_of_one_record_while_another_thread_writes(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A status states it: a wrong head would make a forger of an honest camera."""
    monkeypatch.setattr(os, "fsync", lambda _file: None)
    ledger = Ledger(file.parent, Program.WATCH)

    def write() -> None:
        for _ in range(1000):
            ledger.append(Happening.START)

    writing = threading.Thread(target=write)
    writing.start()
    heads = set()
    while writing.is_alive():
        heads.add(ledger.head)
    writing.join()
    lines = file.read_bytes().splitlines()
    assert heads == {Head(one.size, sha256(lines[one.size - 1]).digest()) for one in heads}


def test_the_end_of_the_chain_is_signed_from_the_start(file: Path) -> None:
    reopen(file).sign_with(SIGNER)
    verify_against(file.read_bytes().splitlines(), signed(file))
    assert signed(file).head.size == 3
    assert signed(file).origin == f"{sender_id(KEY.verify_key).hex()}/watch"


def test_an_empty_ledger_has_no_checkpoint(tmp_path: Path) -> None:
    Ledger(tmp_path, Program.WATCH).sign_with(SIGNER)
    assert not (tmp_path / "checkpoint.json").exists()


def test_no_more_than_a_hundred_records_stay_without_a_signature(file: Path) -> None:
    ledger = reopen(file)
    ledger.sign_with(SIGNER)
    for _ in range(SIGN_AFTER - 1):
        ledger.append(Happening.FAULT)
    assert signed(file).head.size == 3
    ledger.append(Happening.FAULT)
    assert signed(file).head.size == 3 + SIGN_AFTER


def test_no_record_stays_without_a_signature_for_long(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, now_s = reopen(file), time.monotonic()
    ledger.sign_with(SIGNER)
    ledger.append(Happening.FAULT)
    ledger.keep_signed()
    assert signed(file).head.size == 3
    monkeypatch.setattr(time, "monotonic", lambda: now_s + 2 * SIGN_AFTER_S)
    ledger.keep_signed()
    assert signed(file).head.size == 4


def test_what_has_not_grown_is_not_signed_again(file: Path) -> None:
    ledger = reopen(file)
    ledger.sign_with(SIGNER)
    (file.parent / "checkpoint.json").unlink()
    ledger.sign()
    assert not (file.parent / "checkpoint.json").exists()


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_a_ledger_cut_off_before_its_signature_keeps_the_program_from_starting(
    file: Path, kept: int
) -> None:
    reopen(file).sign_with(SIGNER)
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:kept]))
    with pytest.raises(LedgerBroken, match="first 3 records"):
        reopen(file).sign_with(SIGNER)
    assert signed(file).head.size == 3


def test_a_ledger_written_anew_keeps_the_program_from_starting(file: Path) -> None:
    reopen(file).sign_with(SIGNER)
    file.unlink()
    again = reopen(file)
    for code in ("other", "other", "other", "other"):
        again.append(Happening.FAULT, {"code": code})
    with pytest.raises(LedgerBroken, match="evidence"):
        again.sign_with(SIGNER)


@pytest.mark.parametrize("torn", [b"", b'{"digest":'])
def test_a_checkpoint_torn_by_a_power_cut_is_signed_anew(file: Path, torn: bytes) -> None:
    (file.parent / "checkpoint.json").write_bytes(torn)
    reopen(file).sign_with(SIGNER)
    assert signed(file).head.size == 3


def test_the_key_under_a_ledger_is_not_printed() -> None:
    assert "key" not in repr(SIGNER)


@pytest.mark.parametrize("what", FOREIGN)
def test_a_ledger_that_is_no_plain_file_is_refused_and_nothing_is_followed(
    file: Path, what: str
) -> None:
    ledger = reopen(file)
    file.unlink()
    FOREIGN[what][0](file)
    with pytest.raises(ForeignFile, match="jsonl is"):
        ledger.append(Happening.STOP)
    with pytest.raises(ForeignFile, match="jsonl is"):
        reopen(file)


def test_a_checkpoint_is_written_through_no_link(file: Path) -> None:
    outside = file.parent / "outside"
    outside.write_bytes(b"another program's")
    for name in ("checkpoint.part", ".checkpoint.json.part", "checkpoint.json"):
        (file.parent / name).symlink_to(outside)
    with pytest.raises(ForeignFile, match="json is a symbolic link"):
        reopen(file).sign_with(SIGNER)
    (file.parent / "checkpoint.json").unlink()
    reopen(file).sign_with(SIGNER)
    assert signed(file).head.size == 3
    assert outside.read_bytes() == b"another program's"


def test_a_ledger_of_years_is_opened_in_little_memory(tmp_path: Path) -> None:
    """A unit with MemoryMax= is killed at each start if memory grows with its ledger."""
    lines, last = list[bytes](), None
    for number in range(2000):
        record = next_record(
            last,
            program=Program.WATCH,
            mono_ns=number,
            utc_ms=number,
            event=Happening.FAULT,
            body={"code": "x" * 1000},
        )
        last = record.to_line()
        lines.append(last)
    (tmp_path / "ledger.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    tracemalloc.start()
    ledger = Ledger(tmp_path, Program.WATCH)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < (tmp_path / "ledger.jsonl").stat().st_size / 4
    assert ledger.head == Head(2000, sha256(lines[-1]).digest())
