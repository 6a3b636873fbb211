#!/usr/bin/env python3
"""Verifies a site's ledgers independently of the site (audit): `python3 verify.py FOLDER`.

One file for outsiders. It needs Python 3.11 and PyNaCl, and imports nothing else of this project.
FOLDER is the output of `tallylight-estate ledger export`: ledgers `*.jsonl`, `*.checkpoint` files
and `keys.json`. If you kept checkpoints and keys yourself, give their folder with --kept.

For each ledger:
(0) every line is one JSON object in canonical form, numbered from 0;
(1) every line holds the SHA-256 of the line before it;
(2) the ledger agrees with every checkpoint, and every checkpoint is signed by the ledger's key.
For the estate's ledger:
(3) every verdict is signed; every decision follows from two verdicts of different people.
Then it prints for every event when recognition ran, the list, what led to the candidate, and the
reviewers. At the first bad record it names that record and exits with status 1.
"""

import argparse
import json
import re
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any, TypeAlias

from nacl.exceptions import CryptoError
from nacl.signing import VerifyKey

Json: TypeAlias = dict[str, Any]
LINE_LIMIT = 4096
MEMBERS = {"seq", "previous", "program", "mono_ns", "utc_ms", "event", "body"}
DECIDING = {frozenset({"match"}): "confirmed", frozenset({"cannot_tell"}): "cannot_tell"}
NEEDED = 2
ESTATE = "estate"
CHECKPOINT_DOMAIN = b"tallylight-checkpoint-v1\0"
VERDICT_DOMAIN = b"tallylight-verdict-v1\0"
BESIDES = {"envelope", "organisation", "key", "signature"}
_spell = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode
_parse = json.JSONDecoder(parse_float=_spell, parse_constant=_spell).decode  # Refuses floats.
_WORD, _NUMBER = r'"[^"\\\x00-\x1f]*"', r"(?:0|-?[1-9][0-9]*)"
_PLAIN = re.compile(  # The canonical form of a record without escapes.
    rf'\{{"body":\{{(?:{_WORD}:(?:{_WORD}|{_NUMBER})(?:,(?!\}})|(?=\}})))*\}},"event":{_WORD},'
    rf'"mono_ns":{_NUMBER},"previous":{_WORD},"program":{_WORD},"seq":{_NUMBER},"utc_ms":{_NUMBER}\}}'
)


class Bad(Exception):
    """The first bad record of a ledger."""

    def __init__(self, record: int, why: str) -> None:
        super().__init__(f"record {record}: {why}")
        self.record = record


def records(lines: Iterable[bytes], ends: dict[int, str] | None = None) -> Iterator[Json]:
    """Yield each record once it is proven to continue the one before it: (0), (1), (2).

    Args:
        lines: without their newlines, from the first.
        ends: digests from signed checkpoints, by number of records.

    Raises:
        Bad: with the number of the first record that was changed, removed or inserted.
    """
    ends, digest, held, number = ends or {}, "0" * 64, None, -1
    source = iter(lines)
    line = next(source, None)
    while line is not None:
        number += 1
        after = next(source, None)
        record = _record(line, number)
        mine = sha256(line).hexdigest()
        if record["seq"] != number or record["previous"] != digest:
            _blame(record, number, after, mine, ends.get(number + 1))
        if ends.get(number + 1, mine) != mine:
            raise Bad(number, "it is not the record that was signed")
        if held is not None:
            yield held  # A changed record shows only at the record after it.
        digest, line, held = mine, after, record
    missing = max(ends, default=0)
    if missing > number + 1:
        raise Bad(number + 1, f"it is missing; {missing} records were signed")
    if held is not None:
        yield held


def _record(line: bytes, number: int) -> Json:
    record: Json = {}
    try:
        text = line.decode()
        record = _parse(text)
        whole = len(line) <= LINE_LIMIT and record.keys() == MEMBERS
        whole = whole and (_is_plain(text, list(record["body"])) or _spell(record) == text)
    except (ValueError, RecursionError, AttributeError):
        whole = False
    if not whole:
        raise Bad(number, "it is not a record in canonical form")
    return record


def _is_plain(text: str, names: list[str]) -> bool:
    """Return whether the text is canonical, without encoding it again."""
    once = text.count('":') == len(MEMBERS) + len(names)  # No duplicate name.
    return once and names == sorted(names) and _PLAIN.fullmatch(text) is not None


def _blame(record: Json, number: int, after: bytes | None, mine: str, signed: str | None) -> None:
    """Name the bad one of two records that do not fit: a record that the next one names is good."""
    if record["seq"] > number:
        raise Bad(number, f"it is missing or out of place; record {record['seq']} is there")
    try:
        whole = mine == (signed if after is None else _parse(after.decode())["previous"])
    except (ValueError, KeyError, TypeError):
        whole = False
    if whole and number:
        raise Bad(number - 1, "it was changed or inserted: the record after it names another")
    raise Bad(number, "it does not continue the record before it")


@dataclass
class Book:
    """One verified ledger of FOLDER."""

    name: str
    size: int = 0
    signed: int = 0
    """Number of records that a signed checkpoint covers."""
    kept: list[Json] = field(default_factory=list)


def verify_book(path: Path, checkpoints: list[Json], keys: dict[str, str], keep: set[str]) -> Book:
    """Return a verified ledger with its records of the kinds in `keep`.

    Raises:
        Bad: a record or a checkpoint does not hold.
    """
    book = Book(path.stem.replace("_", "/"))
    ends: dict[int, str] = {}
    for each in checkpoints:
        if each["origin"] == book.name:
            _check_checkpoint(each, keys.get(book.name, ""))
            if ends.setdefault(each["size"], each["digest"]) != each["digest"]:
                raise Bad(each["size"] - 1, "two signed checkpoints differ: the books were forked")
    if not path.exists():
        raise Bad(0, f"the whole ledger is missing; {max(ends)} records were signed")
    with path.open("rb") as file:
        for record in records((line.rstrip(b"\n") for line in file), ends):
            book.size += 1
            if record["event"] in keep:
                book.kept.append(record)
    book.signed = max(ends, default=0)
    return book


def _check_checkpoint(checkpoint: Json, key: str) -> None:
    statement = {name: checkpoint[name] for name in ("origin", "size", "digest")}
    _verify(CHECKPOINT_DOMAIN, statement, checkpoint["signature"], key, checkpoint["size"] - 1)


def _verify(domain: bytes, statement: Json, signature: str, key: str, number: int) -> None:
    try:
        message = domain + _spell(statement).encode()
        VerifyKey(bytes.fromhex(key)).verify(message, bytes.fromhex(signature))
    except (CryptoError, ValueError, TypeError) as error:
        raise Bad(number, "its signature does not hold") from error


def verify_verdicts(book: Book) -> dict[str, Json]:
    """Return every event of the estate's ledger with its verdicts and its destruction: (3).

    Raises:
        Bad: a verdict is not signed, or a decision does not follow from two of them.
    """
    events: dict[str, Json] = {}
    for record in book.kept:
        body, number = record["body"], record["seq"]
        if "envelope" not in body:
            continue
        event = events.setdefault(body["envelope"], {"verdicts": []})
        event[record["event"]] = record
        if record["event"] == "verdict":
            statement = {name: value for name, value in body.items() if name not in BESIDES}
            statement |= {"kind": "verdict", "event": body["envelope"]}
            key = bytes.fromhex(body["key"])
            if blake2b(key, digest_size=16).hexdigest() != body["reviewer"]:
                raise Bad(number, "its reviewer does not match its key")
            _verify(VERDICT_DOMAIN, statement, body["signature"], body["key"], number)
            event["verdicts"].append(body)
        elif record["event"] == "decision":
            _check_decision(event["verdicts"], body["outcome"], number)
    return events


def _check_decision(verdicts: list[Json], outcome: str, number: int) -> None:
    people = {verdict["reviewer"] for verdict in verdicts}
    judgements = frozenset(verdict["judgement"] for verdict in verdicts)
    if len(people) != NEEDED or len(verdicts) != NEEDED:
        raise Bad(number, "it was not decided by two different people")
    if DECIDING.get(judgements, "not_a_match") != outcome:
        raise Bad(number, "it does not follow from the two verdicts")


def periods(books: Iterable[Book]) -> dict[str, tuple[Json, Json | None]]:
    """Return begin and end of every camera's periods of use, by lamp lease."""
    found: dict[str, tuple[Json, Json | None]] = {}
    for book in books:
        begun: Json | None = None
        for record in book.kept:
            if record["event"] == "period_begin":
                begun = record
                found[record["body"]["lease_id"]] = (record, None)
            elif record["event"] == "period_end" and begun is not None:
                found[begun["body"]["lease_id"]] = (begun, record)
                begun = None
    return found


def histories(events: dict[str, Json], used: dict[str, tuple[Json, Json | None]]) -> list[Json]:
    """Return for each event its period of use, its list, its basis and its reviewers."""
    return [_history(envelope, event, used) for envelope, event in events.items()]


def _history(envelope: str, event: Json, used: dict[str, tuple[Json, Json | None]]) -> Json:
    basis = event["verdicts"][0] if event["verdicts"] else {}
    begin, end = used.get(basis.get("lease_id", ""), (None, None))
    return {
        "event": envelope,
        "period": {"begin": _time(begin), "end": _time(end), "lease": basis.get("lease_id")},
        "list": {"version": basis.get("list_version"), "digest": basis.get("list_digest")},
        "list_is_the_periods": None
        if begin is None
        else begin["body"]["list_digest"] == basis.get("list_digest"),
        "led_to_it": {
            "captured": _moment(basis.get("captured_utc_ms")),
            "threshold_ppm": basis.get("threshold_ppm"),
            "model": basis.get("model_digest"),
            "policy": basis.get("policy_digest"),
            "sealed_input": envelope,
        },
        "verified_by": [
            {name: verdict[name] for name in ("reviewer", "organisation", "judgement")}
            for verdict in event["verdicts"]
        ],
        "outcome": event.get("decision", {}).get("body", {}).get("outcome"),
        "destroyed": _time(event.get("destroyed")),
    }


def _time(record: Json | None) -> str | None:
    return None if record is None else _moment(record["utc_ms"])


def _moment(utc_ms: int | None) -> str | None:
    return None if utc_ms is None else datetime.fromtimestamp(utc_ms / 1000, UTC).isoformat()


def main() -> int:
    """Verify the folder named on the command line; return 0 if every record is good."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kept", type=Path, help="folder with checkpoints and keys.json of yours")
    parser.add_argument("--json", action="store_true", help="print the history of every event")
    chosen = parser.parse_args()
    folders = [chosen.folder, *([chosen.kept] if chosen.kept else [])]
    keep = {"verdict", "decision", "destroyed", "stored", "exported", "period_begin", "period_end"}
    began_s = time.monotonic()
    try:
        files = [path for folder in folders for path in sorted(folder.glob("*.checkpoint"))]
        signed = [json.loads(each) for path in files for each in path.read_text().splitlines()]
        keys = json.loads((folders[-1] / "keys.json").read_text("utf-8"))
        paths = sorted(chosen.folder.glob("*.jsonl"))
        named = {each["origin"].replace("/", "_") for each in signed}
        paths += sorted({chosen.folder / f"{name}.jsonl" for name in named} - {*paths})
        books, events = list[Book](), dict[str, Json]()
        for path in paths:
            try:
                books.append(verify_book(path, signed, keys, keep))
                events |= verify_verdicts(books[-1]) if books[-1].name == ESTATE else {}
            except Bad as bad:
                print(f"{path.name}, {bad}")
                return 1
    except (OSError, ValueError, KeyError) as error:
        print(f"The books cannot be read: {error}", file=sys.stderr)
        return 1
    if chosen.json:
        print(json.dumps(histories(events, periods(books)), indent=1))
        return 0
    for book in books:
        print(f"{book.name}: {book.size:,} records verified, {book.signed:,} of them signed")
    took_s = time.monotonic() - began_s
    print(f"{len(events)} events; {sum(b.size for b in books) / took_s:,.0f} records a second")
    return 0


if __name__ == "__main__":
    sys.exit(main())
