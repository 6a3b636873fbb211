"""Run a real console as one user and an attacker as another; count verdicts and faces that leak.

The console runs as the reviewer, with folders as a usual umask makes them. The attacker runs as a
user of its own, once before the reviewer has opened the printed address and once after it. The
reviewer works on meanwhile.
"""

import json
import os
import shutil
import subprocess
import sys
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from secrets import token_bytes
from typing import Final

from PIL import Image

from estate.store.ledger import ledger_records
from estate.tests.books import Office, jpeg
from estate.tests.browser import Console
from estate.tests.console_client import ask, cookie_of, opened
from formats.ledger import Happening

REVIEWER: Final = 60_021
OTHER: Final = 60_022
ACTS: Final = "hil_tests.long.estate_adversary.other_user_acts"
PIECE_BYTES: Final = 32
"""A piece of a face by which it is known."""
ACT_S: Final = 240


@dataclass(frozen=True, slots=True)
class Leaks:
    """What the other user tried, and what came of it."""

    tried: Mapping[str, int]
    found: Mapping[str, int]
    """Secrets, pieces of a face, and answers that were no refusal."""
    verdicts_by_others: int
    """Verdicts in the ledger that the reviewer did not give."""
    works: bool
    """Whether the reviewer could judge meanwhile."""

    @property
    def sound(self) -> bool:
        """Whether the other user got nothing, and stopped nothing."""
        return not sum(self.found.values()) and not self.verdicts_by_others and self.works


def why_not() -> str:
    """Return why this machine cannot run programs as two users; empty if it can."""
    if os.geteuid() != 0:
        return "It becomes two other users: that takes root."
    if shutil.which("setpriv") is None:
        return "It runs setpriv, which this machine lacks."
    asked = [*as_user(OTHER), sys.executable, "-c", "import estate"]
    if subprocess.run(asked, check=False, capture_output=True, cwd=Path.cwd()).returncode:
        return f"Other users cannot run {sys.executable}, or cannot read the programs."
    return ""


def as_user(uid: int) -> list[str]:
    """Return the words that go before a command to run it as an ordinary user."""
    ids = (f"--reuid={uid}", f"--regid={uid}", "--clear-groups")
    return ["setpriv", *ids, "--inh-caps=-all", "--no-new-privs"]


def share_a_machine(folder: Path, *, seed: int) -> Leaks:
    """Run the console and the attacker side by side.

    Args:
        folder: that each user may enter.
        seed: of the attacker's choices.
    """
    office = Office(folder / "office")
    face = _face_like_no_other()
    event = office.arrive(1, crop_jpeg=face).digest
    second = office.arrive(2, crop_jpeg=jpeg(63)).digest
    office.store.close()
    (office.folder / "passphrase").chmod(0o600)
    _give(office.folder, REVIEWER)
    stale = _earlier_secrets(office)
    console = _console(office)
    tried, found = Counter[str](), Counter[str]()
    try:
        secrets = [console.address.partition("token=")[2].encode()]
        told: dict[str, object] = {
            "process": console.process.pid,
            "host": console.origin.removeprefix("http://"),
            "event": event.hex(),
            "stale": stale,
            "folders": [str(office.folder)],
            "reviewer": REVIEWER,
            "seed": seed,
        }
        _act(told, [*secrets, *_pieces(face)], tried, found)
        cookie = cookie_of(console)
        opened(console, cookie, event)
        told["stale"] = (secrets[0].decode(), stale[1])  # It was used.
        _act(told, [cookie.partition("=")[2].encode(), *_pieces(face)], tried, found)
        _judge(console, cookie, second)
    finally:
        console.stop()
    judged = _judged(office)
    return Leaks(tried, found, sum(each != second for each in judged), works=second in judged)


def _judge(console: Console, cookie: str, event: bytes) -> None:
    headers = {"Cookie": cookie, "Origin": console.origin}
    opened(console, cookie, event)
    ask(console, f"/verdict/{event.hex()}", "POST", "judgement=match&portrait=none", **headers)


def _judged(office: Office) -> list[bytes]:
    """Return the events on which the ledger has a verdict."""
    with office.store.reading() as connection:
        records = ledger_records(connection)
    given = [each.body for each in records if each.event is Happening.VERDICT]
    return [bytes.fromhex(str(body["envelope"])) for body in given]


def _face_like_no_other() -> bytes:
    """Return a picture that no other program on this machine has."""
    content = BytesIO()
    Image.frombytes("RGB", (96, 112), token_bytes(3 * 96 * 112)).save(content, "JPEG")
    return content.getvalue()


def _act(
    told: Mapping[str, object],
    needles: Sequence[bytes],
    tried: Counter[str],
    found: Counter[str],
) -> None:
    """Let the other user do everything once."""
    command = [
        *as_user(OTHER),
        sys.executable,
        "-m",
        "hil_tests.long.estate_adversary.other_user_acts",
    ]
    settings = json.dumps({**told, "needles": [each.hex() for each in needles]})
    done = subprocess.run(
        command, input=settings, capture_output=True, text=True, check=False, timeout=ACT_S
    )
    if done.returncode:
        raise RuntimeError(f"The other user's program ended: {done.stderr[-2000:]}")
    for line in done.stdout.splitlines():
        name, count, successes = line.split("\t")
        tried[name] += int(count)
        found[name] += int(successes)


def _console(office: Office) -> Console:
    key = office.folder / "r1.key"
    return Console(office.settings, key, office.folder / "passphrase", before=as_user(REVIEWER))


def _earlier_secrets(office: Office) -> tuple[str, str]:
    """Return token and cookie of a console that has ended."""
    console = _console(office)
    try:
        return console.address.partition("token=")[2], cookie_of(console)
    finally:
        console.stop()


def _give(folder: Path, uid: int) -> None:
    """Give a folder to a user, as if this user had made it."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, uid, uid)


def _pieces(face: bytes) -> list[bytes]:
    """Return pieces of a picture, raw and as base64, by which it is known in any stream."""
    middle = face[len(face) // 2 :][: 3 * PIECE_BYTES]
    return [middle[:PIECE_BYTES], b64encode(middle)[4 : 4 + PIECE_BYTES]]
