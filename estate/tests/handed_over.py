"""Books as an outsider gets them: exported by an office, run through the verifier, and forged."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from itertools import count
from pathlib import Path

from nacl.signing import SigningKey

from estate.accounts import verify
from estate.tests.books import Office
from estate.tests.busy_day import COUNTS
from estate.tests.command_line import done
from estate.tests.ledgers import spelled
from formats.act import Act, Kind, sign_act, signature_of
from formats.envelope import sender_id
from formats.ledger import Checkpoint, Happening, Head, Program, sign_checkpoint
from formats.verdict import Judgement

MATCH = Judgement.MATCH
PROGRAM = Path(verify.__file__)
_MOMENTS = count(1_767_225_600_000)  # So that no two signatures are the same.
CAMERAS = [Program.WATCH, Program.LAMPGUARD, Program.COURIER]


def books(office: Office) -> Path:
    """Export the ledgers of estate and camera for an outsider; return the folder."""
    config = ("--config", str(office.settings))
    event = office.arrive().digest
    office.desk(1).judge(event, MATCH)
    office.desk(2).judge(event, MATCH)
    book, lease = office.camera_book(), {"lease_id": "06" * 16}
    book.append(Happening.PERIOD_BEGIN, lease | {"list_digest": office.site().digest.hex()})
    book.append(Happening.PERIOD_END, COUNTS)
    book.sign()
    lamp = office.camera_book(Program.LAMPGUARD)
    lamp.append(Happening.LAMP, lease | {"from": "arming", "to": "on", "reason": "lit"})
    lamp.append(Happening.LAMP, {"from": "on", "to": "hold", "reason": "holder stopped"})
    lamp.sign()
    sent = office.camera_book(Program.COURIER)
    sent.append(Happening.START, {"version": "0"})
    sent.append(Happening.EVENT_RECEIPTED, {"sequence": 1, "envelope": event.hex()})
    sent.sign()
    for program in CAMERAS:
        assert office.take_in(program).exit_code == 0
    done("ledger", "checkpoint", *config, *office.passphrase, "--yes")
    done("ledger", "export", str(office.folder / "handed"), *config)
    return office.folder / "handed"


def outsider(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the program alone, without the project's folder in its path."""
    command = [sys.executable, "-I", str(PROGRAM), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def rewritten(path: Path, number: int, old: bytes, new: bytes) -> None:
    """Change one line and write the whole chain anew after it."""
    lines = path.read_bytes().splitlines()
    assert old in lines[number]
    lines[number] = lines[number].replace(old, new)
    for at in range(number + 1, len(lines)):
        link = {"previous": sha256(lines[at - 1]).hexdigest()}
        lines[at] = spelled(json.loads(lines[at]) | link)
    path.write_bytes(b"\n".join(lines) + b"\n")


def bodies(path: Path, event: Happening) -> list[dict[str, int | str]]:
    """Return the bodies of all records of a kind, as they stand in a ledger's file."""
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    return [line["body"] for line in lines if line["event"] == event]


def appended(path: Path, event: Happening, body: Mapping[str, object]) -> int:
    """Append a record that continues the chain; return its number."""
    lines = path.read_bytes().splitlines()
    link = {"seq": len(lines), "previous": sha256(lines[-1]).hexdigest()}
    line = spelled(json.loads(lines[-1]) | link | {"event": event, "body": body})
    path.write_bytes(b"\n".join([*lines, line]) + b"\n")
    return len(lines)


def checkpoint_signed(folder: Path, office: Office, *, size: int | None = None) -> None:
    """Sign the estate's ledger as it stands there, as the estate could, in place of what was."""
    lines = (folder / "estate.jsonl").read_bytes().splitlines()[:size]
    head = Head(len(lines), sha256(lines[-1]).digest())
    signed = sign_checkpoint(Checkpoint("estate", head), office.ledger_key)
    (folder / "estate.checkpoint").write_bytes(signed + b"\n")


def verdict_body(
    like: dict[str, int | str], key: SigningKey, organisation: str, **changes: object
) -> dict[str, object]:
    """Return a verdict that `key` has signed, on the event and basis of another verdict."""
    members = {**like, **changes}
    names = ("envelope", "organisation", "key", "signature", "event")
    statement = {name: value for name, value in members.items() if name not in names}
    statement |= {"kind": "verdict", "event": members["envelope"]}
    statement["reviewer"] = sender_id(key.verify_key).hex()
    signature = key.sign(b"tallylight-verdict-v1\0" + spelled(statement)).signature
    body: dict[str, object] = {
        name: value for name, value in statement.items() if name not in {"kind", "event"}
    }
    return body | {
        "envelope": members["envelope"],
        "organisation": organisation,
        "key": bytes(key.verify_key).hex(),
        "signature": signature.hex(),
    }


def act_body(
    kind: Kind, event: str, keys: tuple[SigningKey, SigningKey], *terms: Mapping[str, str]
) -> dict[str, object]:
    """Return what two keys signed, as the ledger holds it.

    Args:
        kind: of the act.
        event: digest in hex.
        keys: of the first and the second.
        terms: what the first signed; then, if it differs, what the second signed.
    """
    body: dict[str, object] = {"envelope": event, **terms[0]}
    for which, key, signed in zip(("first", "second"), keys, terms * 2, strict=False):
        plain = Act(kind, bytes.fromhex(event), sender_id(key.verify_key), next(_MOMENTS))
        act = replace(
            plain,
            reason=signed.get("reason"),
            to=signed.get("to"),
            recipient=signed.get("recipient"),
        )
        body[which] = act.reviewer.hex()
        body[f"{which}_utc_ms"] = act.given_utc_ms
        body[f"{which}_signature"] = signature_of(sign_act(act, key)).hex()
    return body
