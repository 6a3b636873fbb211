"""Stands in for `watch`: the maker of the chaos, which also accepts the list in the inbox.

It does so when it starts and once in a while, as `watch` does at each start, and logs the version
of the list that it would search.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

from firmware.config import State
from firmware.identity import camera_identity, watch_keys
from firmware.record.ledger import Ledger
from firmware.tests.desk import MODEL, NOW, Desk, entry, usual_policy
from firmware.trust.acceptance import accept_inbox
from firmware.trust.watchlist import ThisCamera
from formats.envelope import sender_id
from formats.policy import Place
from hil_tests.long.chaos.maker import make

EVERY: Final = 10
"""Events between two looks at the inbox."""


def desk_of(state: State) -> Desk:
    """Return a list authority for this camera, with two people on its list."""
    identity, keys = camera_identity(state), watch_keys(state)
    policy = replace(usual_policy(), places=(Place(identity, "Gate", "Seen here."),))
    return Desk(policy=policy, sealed_to=keys.list)


def publish(desk: Desk, folder: Path) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Return two published repositories: the second, version 2, withdraws one of two people."""
    files = []
    for version in (1, 2):
        published = desk.publish(folder / f"list-{version}", version=version)
        paths = [path for path in published.rglob("*") if path.is_file()]
        files.append({str(path.relative_to(published)): path.read_bytes() for path in paths})
        desk.entries = [entry(1)]
    return files[0], files[1]


def main() -> None:
    """Make events, and accept the list in the inbox between them."""
    folder, logs, root, count, pause_s = sys.argv[1:]
    state, log, trusted = State(Path(folder)), Path(logs) / "accepted", Path(root).read_bytes()
    keys = watch_keys(state)
    camera, calls = ThisCamera(sender_id(keys.sign.verify_key), keys.list, MODEL), 0

    def accept(ledger: Ledger) -> None:
        nonlocal calls
        calls += 1
        if calls % EVERY == 1:
            accepted = accept_inbox(
                state, trusted, camera=camera, ledger=ledger, key=keys.sign, now=NOW
            )
            with log.open("a") as file:
                file.write(f"{accepted.version} {len(accepted.entries)}\n")

    make(state, Path(logs), int(count), float(pause_s), accept)


if __name__ == "__main__":
    main()
