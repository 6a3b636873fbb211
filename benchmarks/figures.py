"""The figures that releases are compared by: their keys in `build/bench.json`, units and goals."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Key:
    """One figure: its key, what it says, and whether more of it is better."""

    name: str
    about: str
    unit: str = ""
    more: bool = True
    goal: float | None = None
    """The least, or the most where less is better; None: it is only followed."""

    def is_met(self, value: float) -> bool:
        """Return whether a value reaches the goal."""
        if self.goal is None:
            return True
        return value >= self.goal if self.more else value <= self.goal

    def is_better(self, value: float, before: float) -> bool:
        """Return whether a value is better than an earlier one."""
        return value > before if self.more else value < before


KEYS: Final = {
    key.name: key
    for key in (
        Key("frame_ratio_0", "fastest peer's CPU time over ours, no face", goal=1.4),
        Key("frame_ratio_1", "the same, one face", goal=1.5),
        Key("frame_ratio_5", "the same, five faces", goal=2.0),
        Key("frame_ratio_20", "the same, twenty faces", goal=2.5),
        Key("crowd_found_8", "share found on one core, 8 at once", goal=1.0),
        Key("crowd_found_20", "the same, 20 at once", goal=0.95),
        Key("first_sight_ms_p50", "first sight to opened event", "ms", more=False, goal=350),
        Key("first_sight_ms_p95", "first sight to opened event", "ms", more=False, goal=500),
        Key("quiet_watch_core_share", "watch in a quiet scene", "core", more=False, goal=0.08),
        Key("quiet_lampguard_core_share", "lampguard beside it", "core", more=False, goal=0.015),
        Key("start_s", "start of watch to its first look", "s", more=False, goal=0.7),
        Key("watch_pss_mib", "memory of watch", "MiB", more=False, goal=110),
        Key("receiver_ratio_sqlite", "receiver's rate over bare rows", goal=0.5),
        Key("receiver_ratio_postgresql", "the same, PostgreSQL", goal=0.5),
        Key("room_growth", "outbox room: 10,000 waiting over 10", more=False, goal=1.2),
        Key("due_growth", "courier's next event: 10,000 over 10", more=False, goal=1.2),
        Key("search_ratio_100k", "search over reading the list", more=False, goal=2.0),
        Key("seal_ms", "seal one event, CPU time", "ms", more=False),
    )
}
