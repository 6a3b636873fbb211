"""What a person can make who knows every format and has no key of the site.

The ledger has no signature between two checkpoints: a record there can be made up, changed, or left
out, and the chain after it written anew. Verdicts, acts and certificates are signed with a
stranger's key, in the name of those whose signatures they should be.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Final, TypeAlias

from nacl.signing import SigningKey
from numpy.random import Generator
from sqlalchemy import Connection

from estate.tests.ledgers import spelled
from formats.destruction import Destruction, Ground, sign_destruction
from hil_tests.long.estate_adversary.tables import Row, Values, add, empty, pick, rows, write

STRANGER: Final = SigningKey(bytes([98]) * 32)
WORDS: Final = ("not_a_match", "confirmed", "cannot_tell", "match")


def append_made_up(connection: Connection, dice: Generator) -> None:
    """Append a record that continues the chain: an older one again, or made of pieces of others."""
    lines = _lines(connection)
    old, body = (json.loads(pick(dice, lines)) for _ in range(2))
    if dice.random() < 0.5:
        body["body"] |= {name: value for name, value in old["body"].items() if name in body["body"]}
    _write_chain(connection, [*lines, json.dumps(body).encode()])


def append_decision(connection: Connection, dice: Generator) -> None:
    """Append a decision, or a record of a destruction, a release, an arrival of long ago."""
    lines = _lines(connection)
    event = pick(dice, rows(connection, "envelopes")).values["digest"]
    record = json.loads(lines[-1])
    assert isinstance(event, bytes)
    record["event"] = pick(dice, ("decision", "destroyed", "released", "stored", "held"))
    record["body"] = {"envelope": event.hex(), "outcome": pick(dice, WORDS), "reason": "A court."}
    record["utc_ms"] = pick(dice, (record["utc_ms"], 1, record["utc_ms"] + 10**12, 2**62))
    _write_chain(connection, [*lines, json.dumps(record).encode()])


def change_record(connection: Connection, dice: Generator) -> None:
    """Change a record and write the whole chain after it anew."""
    lines = _lines(connection)
    at = int(dice.integers(len(lines)))
    record = json.loads(lines[at])
    other = json.loads(pick(dice, lines))
    member = pick(dice, ("utc_ms", "body", "event"))
    record[member] = pick(dice, (other[member], 1)) if member == "utc_ms" else other[member]
    lines[at] = json.dumps(record).encode()
    _write_chain(connection, lines)


def leave_record_out(connection: Connection, dice: Generator) -> None:
    """Leave a record out and write the whole chain after it anew."""
    lines = _lines(connection)
    del lines[int(dice.integers(len(lines)))]
    _write_chain(connection, lines)


def cut_ledger(connection: Connection, dice: Generator) -> None:
    """Cut the ledger short, and say so nowhere."""
    lines = _lines(connection)
    _write_chain(connection, lines[: int(dice.integers(len(lines)))])


def sign_as_stranger(connection: Connection, dice: Generator) -> None:
    """Sign a verdict or an act anew with a stranger's key, in its author's name."""
    found = [*rows(connection, "verdicts"), *rows(connection, "acts")]
    row = pick(dice, found)
    signed = row.values["signed"]
    assert isinstance(signed, bytes)
    members = json.loads(signed)
    if "judgement" in members:
        members["judgement"] = pick(dice, WORDS)
    members.pop("signature")
    domain = b"tallylight-verdict-v1\0" if row.table == "verdicts" else b"tallylight-act-v1\0"
    signature = STRANGER.sign(domain + spelled(members)).signature
    write(connection, row, {"signed": spelled(members | {"signature": signature.hex()})})


def verdict_for_another_event(connection: Connection, dice: Generator) -> None:
    """Copy each verdict and decision of one event to another."""
    events = [row.values["digest"] for row in rows(connection, "envelopes")]
    source, target = pick(dice, events), pick(dice, events)
    for table in ("verdicts", "decisions"):
        for row in _of(connection, table, source):
            add(connection, table, {**row.values, "event": target})


def certificate_of_stranger(connection: Connection, dice: Generator) -> None:
    """Empty an envelope, and put a certificate there that a stranger signed."""
    row = pick(dice, rows(connection, "envelopes"))
    event, camera = row.values["digest"], row.values["camera"]
    assert isinstance(event, bytes)
    assert isinstance(camera, bytes)
    signed = sign_destruction(Destruction(event, camera, Ground.RETENTION, 1), STRANGER)
    write(connection, row, {"blob": b""})
    add(connection, "certificates", {"event": event, "signed": signed})


def old_envelope(connection: Connection, dice: Generator) -> None:
    """Give one event's row the whole envelope of another, with what is read from its header."""
    row, other = (pick(dice, rows(connection, "envelopes")) for _ in range(2))
    taken: Values = {
        name: other.values[name] for name in ("blob", "previous", "boot_id", "sequence")
    }
    write(connection, row, taken)


Forgery: TypeAlias = Callable[[Connection, Generator], None]
OF_ROWS: Final[Mapping[str, Forgery]] = {
    "signed anew by a stranger": sign_as_stranger,
    "verdicts of one event for another": verdict_for_another_event,
    "certificate of a stranger": certificate_of_stranger,
    "envelope of another event": old_envelope,
}
OF_THE_LEDGER: Final[Mapping[str, Forgery]] = {
    "record made up": append_made_up,
    "record of a decision, release, destruction": append_decision,
    "record changed, chain anew": change_record,
    "record left out, chain anew": leave_record_out,
    "ledger cut": cut_ledger,
}


def _of(connection: Connection, table: str, event: object) -> list[Row]:
    return [row for row in rows(connection, table) if row.values["event"] == event]


def _lines(connection: Connection) -> list[bytes]:
    ordered = sorted(rows(connection, "ledger"), key=lambda row: str(row.values["seq"]).zfill(20))
    lines = [row.values["line"] for row in ordered]
    return [line for line in lines if isinstance(line, bytes)]


def _write_chain(connection: Connection, lines: Sequence[bytes]) -> None:
    """Write these records as one chain in which each continues the one before it."""
    empty(connection, "ledger")
    previous = "0" * 64
    for seq, line in enumerate(lines):
        written = spelled(json.loads(line) | {"seq": seq, "previous": previous})
        previous = sha256(written).hexdigest()
        add(connection, "ledger", {"seq": seq, "line": written})
    for row in rows(connection, "ledger_head"):
        write(connection, row, {"size": len(lines)})
