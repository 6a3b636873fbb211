"""Make events beside a hostile courier and a hostile broker; count what was lost or came back.

The acts are drawn from a seed. The moments at which they strike cannot be repeated, because the
programs are real. At the end the adversary stops, an operator empties the shared folders, and each
event must still arrive.
"""

import os
import shutil
import stat
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from numpy.random import Generator, default_rng

from firmware.config import State
from firmware.delivery.inbox import install
from firmware.errors import FloorsBroken
from firmware.trust.acceptance import site_folder
from firmware.trust.accepted import accepted_folder, begin_trust
from firmware.trust.floors import floors_of, read_floors
from formats.ledger import Happening, Record
from hil_tests.long.adversary.acts import FILES_OF_WATCH, empty, pick
from hil_tests.long.adversary.liar import Liar
from hil_tests.long.adversary.maker import desk_of, publish
from hil_tests.long.chaos import run as chaos
from hil_tests.long.chaos.maker import read_log
from hil_tests.long.chaos.testbed import SupervisedProgram, Testbed, open_testbed
from hil_tests.rig.camera_users import COURIER, SHARED, WATCH, as_user, make_folders
from hil_tests.rig.hostile_broker import HostileBroker
from wire.tests.broker import free_port

FIRST_LIST_S: Final = 60.0
"""Longest wait for a list to be accepted."""
STRIKES: Final = [*["lie"] * 7, *["courier killed"] * 2, "maker killed"]
CALL_S: Final = 6.0
"""Longest wait for the courier's next connection."""
CHANGE: Final = 1 / 3
"""Share of the events after which a person is withdrawn from the list."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The counts of one run."""

    events: chaos.Outcome
    acts: Mapping[str, int]
    """What the adversary and the broker did, by name and by what came of it."""
    reached_watch: int
    """Acts that changed something where only `watch` writes."""
    searches: int
    """How often `watch` accepted a list after the person was withdrawn."""
    withdrawn: int
    """How often that was the list with the person."""
    changed: tuple[str, ...]
    """Files of `watch` that are not as they must be."""
    ended: int
    """How often the stand-in for `watch` ended by itself."""

    @property
    def sound(self) -> bool:
        """Whether every promise held."""
        bad = self.reached_watch + self.withdrawn + len(self.changed) + self.ended
        return self.events.sound and self.searches > 0 and bad == 0


@contextmanager
def open_folder() -> Iterator[Path]:
    """Give a scratch folder that each user may enter."""
    with tempfile.TemporaryDirectory(prefix="tallylight-adversary-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder / "testbed"


def run(folder: Path, *, count: int, pause_s: float, seed: int) -> Outcome:
    """Make `count` events while the adversary and the broker do what they like."""
    dice, begun_s = default_rng(seed), time.monotonic()
    folder.mkdir()
    with open_testbed(folder, count=count, pause_s=pause_s, small=False) as testbed:
        lists = _prepare(testbed, count, pause_s)
        keys = _keys(testbed.state)
        liar = Liar(
            testbed.broker.camera.camera_id, testbed.broker.camera.receipt_key, [lists[0]], dice
        )
        hostile = HostileBroker(testbed.broker.files, free_port(), liar)
        acting = ["-m", "hil_tests.long.adversary.acts", str(testbed.state), str(seed)]
        adversary = SupervisedProgram(
            [*as_user(COURIER), sys.executable, *acting], folder / "adversary.log"
        )
        _await_list(testbed, "1 2")
        try:
            with hostile.running():
                struck = _strike(testbed, adversary, hostile, lists[1], dice)
        finally:
            adversary.kill()
        _put_right(testbed, lists[1])
        chaos.drain(testbed, count)
        testbed.receiver.stop()
        events = chaos.judge(testbed, struck, time.monotonic() - begun_s, seed)
        return _judge(testbed, events, liar, keys, adversary)


def _prepare(
    testbed: Testbed, count: int, pause_s: float
) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Give each program its user, and the camera its first list; return both lists."""
    state, folder = State(testbed.state), testbed.folder
    desk = desk_of(state)
    (folder / "root.json").write_bytes(desk.root)
    lists = publish(desk, folder)
    begin_trust(site_folder(state))
    (testbed.state / "enrolment.json").chmod(0o644)
    (folder / "camera").chmod(0o755)
    settings, authority = folder / "camera.toml", folder / "ca.pem"
    authority.write_bytes((testbed.broker.files / "ca.pem").read_bytes())
    text = settings.read_text("utf-8")
    settings.write_text(text.replace(str(testbed.broker.files / "ca.pem"), str(authority)), "utf-8")
    make_folders(folder / "camera")
    os.chown(testbed.logs, WATCH, WATCH)
    making = [str(state.root), str(testbed.logs), str(folder / "root.json")]
    making += [str(count), str(pause_s)]
    module = [sys.executable, "-m", "hil_tests.long.adversary.maker"]
    testbed.maker.command = [*as_user(WATCH), *module, *making]
    testbed.courier.command = [*as_user(COURIER), *testbed.courier.command]
    _bring(testbed, lists[0])
    return lists


def _bring(testbed: Testbed, files: Mapping[str, bytes]) -> None:
    """Put a list into the inbox, as the courier does."""
    inbox = State(testbed.state).inbox
    install(inbox, files)
    for path in (inbox, *inbox.rglob("*")):
        os.chown(path, COURIER, SHARED)


def _await_list(testbed: Testbed, line: str) -> None:
    """Wait until `watch` has accepted a list: its version, and how many are on it."""
    until_s = time.monotonic() + FIRST_LIST_S
    while line not in _accepted(testbed):
        testbed.ensure_running()
        if time.monotonic() > until_s:
            said = testbed.maker.log.read_text()[-2000:]
            raise TimeoutError(f"No list was accepted: {said}")
        time.sleep(0.05)


def _accepted(testbed: Testbed) -> list[str]:
    log = testbed.logs / "accepted"
    return log.read_text().splitlines() if log.exists() else []


def _strike(
    testbed: Testbed,
    adversary: SupervisedProgram,
    hostile: HostileBroker,
    newer: Mapping[str, bytes],
    dice: Generator,
) -> Counter[str]:
    """Let the adversary act and the broker lie until all events are made."""
    struck, changed, honest_port = Counter[str](), False, testbed.broker.port
    count = int(testbed.maker.command[-2])
    while (made := len(read_log(testbed.logs / "promised"))) < count:
        testbed.ensure_running()
        adversary.ensure_running()
        time.sleep(dice.uniform(0.2, 0.8))
        if not changed and made >= count * CHANGE:
            adversary.kill()
            _put_right(testbed, newer)
            _await_list(testbed, "2 1")
            changed = True
        strike = pick(dice, STRIKES)
        if strike == "lie":
            testbed.uplink.upstream_port = hostile.port
            testbed.uplink.cut()
            _await_caller(hostile)
            time.sleep(dice.uniform(0.3, 1.5))
            testbed.uplink.upstream_port = honest_port
            testbed.uplink.cut()
            continue
        (testbed.courier if strike == "courier killed" else testbed.maker).kill()
        struck[strike] += 1
    return struck


def _await_caller(hostile: HostileBroker) -> None:
    """Wait until the courier has connected: its backoff may be longer than a lie."""
    before, until_s = len(hostile.calls_s), time.monotonic() + CALL_S
    while len(hostile.calls_s) == before and time.monotonic() < until_s:
        time.sleep(0.05)


def _put_right(testbed: Testbed, files: Mapping[str, bytes]) -> None:
    """Empty the courier's folders and restart, as an operator would; bring the list of now.

    `watch` looks at a receipt's name that it has refused again only after a restart.
    """
    for program in (testbed.courier, testbed.maker):
        program.kill()
    state = State(testbed.state)
    shutil.rmtree(state.inbox)
    empty(state.receipts)
    make_folders(testbed.folder / "camera")
    _bring(testbed, files)


def _keys(state: Path) -> dict[str, bytes]:
    """Return what never changes of the files of `watch`."""
    return {name: (state / "watch" / name).read_bytes() for name in ("sign.key", "list.key")}


def _judge(
    testbed: Testbed,
    events: chaos.Outcome,
    liar: Liar,
    keys: Mapping[str, bytes],
    adversary: SupervisedProgram,
) -> Outcome:
    acts = Counter(adversary.log.read_text().splitlines()) + liar.said
    acts += Counter({f"ledger: {name}": n for name, n in _refusals(testbed).items()})
    accepted = _accepted(testbed)
    after = accepted[accepted.index("2 1") :] if "2 1" in accepted else []
    return Outcome(
        events=events,
        acts=acts,
        reached_watch=sum(n for act, n in acts.items() if act.endswith("\tdone to watch")),
        searches=len(after),
        withdrawn=sum(line != "2 1" for line in after),
        changed=_changed(State(testbed.state), keys),
        ended=testbed.maker.ends,
    )


def _refusals(testbed: Testbed) -> Counter[str]:
    """Return what `watch` refused, by the names in its ledger."""
    lines = (testbed.state / "watch" / "ledger.jsonl").read_bytes().splitlines()
    records = map(Record.from_line, lines)
    wanted = {Happening.FAULT, Happening.LIST_REFUSED}
    return Counter(str(each.body["code"]) for each in records if each.event in wanted)


def _changed(state: State, keys: Mapping[str, bytes]) -> tuple[str, ...]:
    """Return the files of `watch` that have changed, gone, or become something else."""
    changed = [name for name in keys if (state.watch / name).read_bytes() != keys[name]]
    for name in FILES_OF_WATCH:
        found = (state.watch / name).lstat()
        kind = stat.S_ISLNK if name == "site/accepted" else stat.S_ISREG
        if found.st_uid != WATCH or found.st_nlink != 1 or not kind(found.st_mode):
            changed.append(name)
    try:
        accepted_folder(site_folder(state))
        floors = read_floors(floors_of(site_folder(state)))
    except FloorsBroken as error:
        return (*changed, str(error))
    return (*changed, *(("floors",) if floors.versions["snapshot"] != 2 else ()))
