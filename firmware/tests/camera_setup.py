"""A camera's folders for tests: its keys, a published list, and a short run of `watch`."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from firmware.assembly import Means, run
from firmware.config import Config
from firmware.identity import make_identity, watch_keys
from firmware.tests import desk
from firmware.tests.command import config_of
from firmware.tests.fakes import FakeCamera, PasserBy, eye
from firmware.tests.observations import records
from firmware.tests.registered import register
from firmware.tests.station import ListDesk
from formats.camera_request import CameraIdentity
from formats.ledger import Happening
from formats.policy import Place, Policy

WALK = [[PasserBy(0, 50.0 + 12 * at)] for at in range(6)]


def made_camera(folder: Path) -> Config:
    """Make a camera with its keys, which is registered, and nothing else."""
    config = config_of(folder)
    make_identity(config.state)
    register(config)
    return config


def policy_for(identity: CameraIdentity) -> Policy:
    return replace(desk.usual_policy(), places=(Place(identity, "North gate", "Seen here."),))


def publish(
    config: Config,
    *,
    version: int = 1,
    now: datetime | None = None,
    empty: bool = False,
    policy: Callable[[Policy], Policy] = lambda policy: policy,
) -> None:
    """Put a list for this camera into its inbox, and the root into its image; register it."""
    identity = make_identity(config.state)
    register(config)
    authority = ListDesk(
        policy=policy(policy_for(identity)),
        sealed_to=watch_keys(config.state).list,
        now=now or datetime.now(UTC),
    )
    authority.entries = [] if empty else authority.entries
    if not config.trusted_root.exists():
        config.trusted_root.write_bytes(authority.root)
    authority.publish(config.state.inbox, version=version)


def looks(
    config: Config,
    running: Callable[[], bool] = lambda: True,
    shots: list[list[PasserBy]] = WALK,
) -> None:
    run(config, Means(lambda: FakeCamera(shots), lambda _: eye(shots)), running)


def codes(config: Config, happening: Happening) -> list[int | str]:
    return [record["code"] for record in records(config.state.watch, happening)]
