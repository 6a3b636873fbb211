"""Inject faults at random while events are made, then count events: lost, doubled, unnoticed gaps.

It kills programs, cuts the power, fills the disk and breaks the network. The faults are drawn from
a seed, which is printed. The moments at which they strike cannot be repeated, because the programs
are real.
"""

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from numpy.random import Generator, default_rng
from sqlalchemy import delete, select

from estate.intake.chains import read_chains
from estate.store.arrivals import UNSHOWN
from estate.store.envelopes import ENVELOPES, Store
from firmware.delivery.chain_check import BEHIND, MISSING
from formats.ledger import Happening, Record
from hil_tests.long.chaos.maker import read_log
from hil_tests.long.chaos.testbed import Testbed, is_small, open_testbed
from hil_tests.rig.network_faults import FaultProxy, Faults

DRAIN_S: Final = 120.0
"""Longest wait for the last event once the faults are over."""
CONTROLS: Final = 20
"""Rows that are removed from a copy of the store, to see that their absence is noticed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The counts of one run."""

    promised: int
    lost: int
    doubled: int
    invented: int
    """Kept, but never made."""
    unshown: int
    gaps: int
    forks: int
    unnoticed: int
    """Of the rows taken out on purpose, those whose absence did not show."""
    false_alarms: int
    """Records of the camera that events are gone or that its chain was put back."""
    copies: int
    faults: dict[str, int]
    wall_s: float
    seed: int

    @property
    def sound(self) -> bool:
        """Whether every promise held."""
        kept = self.lost + self.doubled + self.invented + self.unshown
        shown = self.gaps + self.forks + self.unnoticed + self.false_alarms
        return self.promised > 0 and kept + shown == 0


def run(  # noqa: PLR0913  # The conditions of a run.
    folder: Path, *, count: int, pause_s: float, fault_s: float, seed: int, url: str = ""
) -> Outcome:
    """Make `count` events, with a fault about every `fault_s` seconds while they are being made."""
    dice, struck, begun_s = default_rng(seed), Counter[str](), time.monotonic()
    with open_testbed(folder, count=count, pause_s=pause_s, url=url) as testbed:
        faults = _faults(testbed, dice)
        while len(read_log(testbed.logs / "promised")) < count:
            testbed.ensure_running()
            time.sleep(float(dice.uniform(0.2, 1.8)) * fault_s)
            name, fault = next(faults)
            fault()
            struck[name] += 1
        drain(testbed, count)
        testbed.receiver.stop()
        return judge(testbed, struck, time.monotonic() - begun_s, seed)


def _faults(testbed: Testbed, dice: Generator) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield the next fault: each once in random order, and again from the start."""
    while True:
        proxy = (testbed.uplink, testbed.downlink)[int(dice.integers(2))]
        at = int(dice.integers(3_000, 200_000))
        networks = {
            "connection cut within a message": Faults(cut_after=at),
            "connection half open": Faults(half_open=True),
            "bit flipped on the wire": Faults(corrupt_at=at),
            "network slow": Faults(delay_s=0.05, bytes_per_s=200_000),
        }
        round_of: dict[str, Callable[[], None]] = {
            "broker killed": testbed.kill_broker,
            "courier killed": testbed.courier.kill,
            "receiver killed": testbed.receiver.kill,
            "maker killed": testbed.maker.kill,
            "power of the camera cut": partial(testbed.cut_power, dice),
            "connections reset": proxy.cut,
            **{name: partial(_for_a_while, proxy, bad, dice) for name, bad in networks.items()},
        }
        if is_small(testbed.state):
            round_of["disk of the camera full"] = partial(_fill, testbed, dice)
        names = list(round_of)
        for at in dice.permutation(len(names)):
            yield names[int(at)], round_of[names[int(at)]]


def _for_a_while(proxy: FaultProxy, faults: Faults, dice: Generator) -> None:
    proxy.faults = faults
    time.sleep(float(dice.uniform(0.2, 1.5)))
    proxy.faults = Faults()
    if faults.half_open:
        proxy.cut()  # In the field the keep-alive notices. Here there is no time to wait for it.


def _fill(testbed: Testbed, dice: Generator) -> None:
    testbed.fill_disk()
    time.sleep(float(dice.uniform(0.2, 1.0)))
    testbed.free_disk()


def drain(testbed: Testbed, count: int) -> None:
    """Wait until no event waits in the outbox."""
    until_s = time.monotonic() + DRAIN_S
    waiting = testbed.state / "outbox" / "waiting"
    while any(waiting.iterdir()) or len(read_log(testbed.logs / "promised")) < count:
        if time.monotonic() > until_s:
            return  # What is missing then is counted as lost.
        testbed.ensure_running()
        time.sleep(0.1)


def judge(testbed: Testbed, struck: Counter[str], wall_s: float, seed: int) -> Outcome:
    """Count what the outbox promised, what the store keeps, and what the chains show."""
    store = Store(testbed.url)
    with store.engine.connect() as connection:
        kept = [row.hex() for (row,) in connection.execute(select(ENVELOPES.c.digest))]
        unshown = len(connection.execute(select(UNSHOWN.c.event)).all())
    promised, sealed = read_log(testbed.logs / "promised"), read_log(testbed.logs / "sealed")
    found = read_chains(store)
    outcome = Outcome(
        promised=len(promised),
        lost=len(set(promised) - set(kept)),
        doubled=len(kept) - len(set(kept)),
        invented=len(set(kept) - set(sealed)),
        unshown=unshown,
        gaps=sum(len(chain.gaps) for chain in found),
        forks=sum(len(chain.forks) for chain in found),
        unnoticed=_unnoticed(store, seed),
        false_alarms=_alarms(testbed),
        copies=sum(chain.copies for chain in found),
        faults={
            **struck,
            "files torn by power cuts": testbed.torn,
            "events refused for want of room": len(read_log(testbed.logs / "refused")),
            "programs that ended by themselves": sum(
                program.ends for program in (testbed.maker, testbed.courier, testbed.receiver)
            ),
        },
        wall_s=wall_s,
        seed=seed,
    )
    store.close()
    return outcome


def _alarms(testbed: Testbed) -> int:
    """Return how often the camera's ledger says that an event or the chain's end is gone."""
    lines = (testbed.state / "watch" / "ledger.jsonl").read_bytes().splitlines()
    faults = [each for each in map(Record.from_line, lines) if each.event is Happening.FAULT]
    return sum(each.body["code"] in {MISSING, BEHIND} for each in faults)


def _unnoticed(store: Store, seed: int) -> int:
    """Remove rows from a copy of the store, one at a time; return how many go unnoticed."""
    with store.engine.connect() as connection:
        rows = [dict(row) for row in connection.execute(select(ENVELOPES)).mappings()]
    followed = {row["previous"] for row in rows}
    inner = [row["digest"] for row in rows if row["digest"] in followed]
    chosen = default_rng(seed).permutation(len(inner))[:CONTROLS]
    with tempfile.TemporaryDirectory() as folder:
        copy = Store(f"sqlite:///{folder}/copy.db")
        with copy.engine.begin() as connection:
            connection.execute(ENVELOPES.insert(), rows)
        unnoticed = 0
        for at in chosen:
            (row,) = (row for row in rows if row["digest"] == inner[int(at)])
            before = sum(len(chain.gaps) for chain in read_chains(copy))
            with copy.engine.begin() as connection:
                connection.execute(delete(ENVELOPES).where(ENVELOPES.c.digest == row["digest"]))
            unnoticed += sum(len(chain.gaps) for chain in read_chains(copy)) != before + 1
            with copy.engine.begin() as connection:
                connection.execute(ENVELOPES.insert(), [row])
        copy.close()
    return unnoticed
