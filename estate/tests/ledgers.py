"""Ledgers of any length, made quickly, and every way in which one could be changed."""

import json
from collections.abc import Callable, Sequence
from hashlib import sha256

from formats.ledger import Happening, Program, next_record

Change = Callable[[list[bytes], int], None]


def ledger(size: int) -> list[bytes]:
    """Return a chain of `size` lines, right in every byte."""
    first = next_record(
        None, program=Program.ESTATE, mono_ns=1, utc_ms=1, event=Happening.STORED, body={}
    ).to_line()
    template = json.loads(first)
    lines: list[bytes] = []
    digest = "0" * 64
    for number in range(size):
        template |= {"seq": number, "previous": digest, "mono_ns": 10**13 + number}
        template["body"] = {
            "camera": "0f" * 16,
            "boot_id": "1e" * 16,
            "sequence": number + 1,
            "envelope": sha256(b"%d" % number).hexdigest(),
        }
        line = spelled(template)
        digest = sha256(line).hexdigest()
        lines.append(line)
    return lines


def spelled(record: object) -> bytes:
    return json.dumps(record, sort_keys=True, separators=(",", ":")).encode()


def edit_body(lines: list[bytes], at: int) -> None:
    record = json.loads(lines[at])
    record["body"]["sequence"] += 1
    lines[at] = spelled(record)


def edit_time(lines: list[bytes], at: int) -> None:
    lines[at] = spelled(json.loads(lines[at]) | {"utc_ms": 7})


def edit_link(lines: list[bytes], at: int) -> None:
    lines[at] = spelled(json.loads(lines[at]) | {"previous": "ab" * 32})


def edit_number(lines: list[bytes], at: int) -> None:
    record = json.loads(lines[at])
    lines[at] = spelled(record | {"seq": record["seq"] + 5})


def flip_bit(lines: list[bytes], at: int) -> None:
    changed = bytearray(lines[at])
    changed[len(changed) // 2] ^= 1
    lines[at] = bytes(changed)


def respell(lines: list[bytes], at: int) -> None:
    lines[at] = lines[at].replace(b",", b", ", 1)


def delete(lines: list[bytes], at: int) -> None:
    del lines[at]


def insert_copy(lines: list[bytes], at: int) -> None:
    lines.insert(at, lines[at])


def insert_fitting(lines: list[bytes], at: int) -> None:
    """Insert a record that continues the one before it, right in every field."""
    record = json.loads(lines[at]) | {"utc_ms": 7}
    lines.insert(at, spelled(record))


def swap(lines: list[bytes], at: int) -> None:
    other = at + 1 if at + 1 < len(lines) else at - 1
    lines[at], lines[other] = lines[other], lines[at]


def truncate(lines: list[bytes], at: int) -> None:
    del lines[at:]


CHANGES: Sequence[Change] = (
    *(edit_body, edit_time, edit_link, edit_number, flip_bit, respell, delete),
    *(insert_copy, insert_fitting, swap, truncate),
)


def first_bad(change: Change, at: int, size: int) -> int:
    """Return the number of the first record that is not as it was signed."""
    moved_back = change is swap and at + 1 == size
    # Of two records that are the same, either was put in: the first is named where one follows.
    copied_last = change is insert_copy and at + 1 == size
    return at - 1 if moved_back else at + 1 if copied_last else at
