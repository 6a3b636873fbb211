"""What ends a run of `watch`: a newer timestamp that the site signed, and nothing else."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
from nacl.signing import SigningKey
from tuf.api.metadata import Metadata, Timestamp  # type: ignore[attr-defined]  # Re-exports.

from firmware.config import Config
from firmware.delivery.inbox import install
from firmware.disk_writer import DiskWriter
from firmware.record.ledger import Ledger
from firmware.record.queued_ledger import QueuedLedger
from firmware.tests import desk
from firmware.tests.camera_setup import looks, made_camera, publish
from firmware.tests.fakes import guarding
from firmware.tests.observations import eventually, records
from firmware.tests.test_folder import FOREIGN
from firmware.trust.floors import Floors, floors_of, raise_floors
from firmware.trust.newer_list import LOOK_S, NewerList
from formats.ledger import Happening, Program
from provisioning.site.roles import sign

TAMPERED = 52
"""Bundles that an operator of the broker sends in one run."""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A camera that has accepted version 2, and has it in its inbox."""
    config = made_camera(tmp_path)
    publish(config, version=2)
    floors = Floors(versions=dict.fromkeys(("root", "targets"), 1) | {"timestamp": 2})
    raise_floors(floors_of(config.state.site), floors)
    return config


@dataclass
class Run:
    """A run that looks at its inbox as often as it is asked."""

    newer: NewerList
    writer: DiskWriter

    def looked(self) -> bool:
        """Return whether a newer list has arrived, after one more look."""
        self.newer.arrived()
        self.writer.flush()
        return self.newer.arrived()


@contextmanager
def begun(config: Config, *, now: datetime | None = None) -> Iterator[Run]:
    at = now or datetime.now(UTC)
    with DiskWriter() as writer:
        book = QueuedLedger(Ledger(config.state.watch, Program.WATCH), writer)
        yield Run(NewerList(config, book, lambda: at, look_s=0.0), writer)


def timestamp_of(config: Config) -> Path:
    return config.state.inbox / "metadata" / "timestamp.json"


def amend(config: Config, change: Callable[[Timestamp], None], key: SigningKey) -> None:
    """Change the timestamp in the inbox, and sign it."""
    role = Metadata[Timestamp].from_bytes(timestamp_of(config).read_bytes())
    change(role.signed)
    role.signatures.clear()
    sign(role, key)
    timestamp_of(config).write_bytes(role.to_bytes())


def to_version(version: int) -> Callable[[Timestamp], None]:
    return lambda signed: setattr(signed, "version", version)


def expired(signed: Timestamp) -> None:
    signed.version, signed.expires = 9, datetime.now(UTC) - timedelta(hours=1)


def test_a_newer_timestamp_ends_the_run(config: Config) -> None:
    with begun(config) as run:
        assert not run.looked()
        publish(config, version=3)
        assert run.looked()
    assert records(config.state.watch, Happening.LIST_REFUSED) == []


def test_the_first_list_ends_the_run(tmp_path: Path) -> None:
    config = made_camera(tmp_path)
    with begun(config) as run:
        assert not run.looked()
        publish(config)
        assert run.looked()


@pytest.mark.parametrize(
    ("change", "key", "code"),
    [
        (to_version(9), desk.STRANGER, "WL_SIG"),
        (to_version(9), desk.SNAPSHOT, "WL_SIG"),
        (expired, desk.TIMESTAMP, "WL_EXPIRED"),
        (to_version(1), desk.TIMESTAMP, "WL_ROLLBACK"),
    ],
)
def test_a_timestamp_that_the_site_does_not_stand_for_ends_no_run(
    config: Config, change: Callable[[Timestamp], None], key: SigningKey, code: str
) -> None:
    with begun(config) as run:
        amend(config, change, key)
        assert not run.looked()
    assert records(config.state.watch, Happening.LIST_REFUSED) == [{"code": code}]


@pytest.mark.parametrize("name", ["timestamp.json", "2.root.json"])
@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"null", b"[" * 4000, b"\xff", b"9" * 4000, b'{"signed":1.5}', b'{"\\ud800":{}}'],
)
def test_no_bytes_end_a_run_in_any_other_way(config: Config, name: str, content: bytes) -> None:
    with begun(config) as run:
        (config.state.inbox / "metadata" / name).write_bytes(content)
        assert not run.looked()
    assert records(config.state.watch, Happening.LIST_REFUSED) == [{"code": "WL_FORM"}]


def test_the_accepted_timestamp_signed_anew_ends_no_run(config: Config) -> None:
    with begun(config) as run:
        amend(config, to_version(2), desk.TIMESTAMP)
        assert not run.looked()


@pytest.mark.parametrize("what", FOREIGN)
def test_what_is_no_file_ends_no_run_and_is_refused_at_once(config: Config, what: str) -> None:
    with begun(config) as run:
        timestamp_of(config).unlink()
        FOREIGN[what][0](timestamp_of(config))
        began_s = time.monotonic()
        assert not run.looked()
        assert time.monotonic() - began_s < 1
        timestamp_of(config).parent.rename(config.state.inbox / "moved")
        (config.state.inbox / "metadata").symlink_to("moved")
        assert not run.looked()
    assert records(config.state.watch, Happening.LIST_REFUSED) == [{"code": "WL_FILE"}]


def test_a_timestamp_by_a_key_of_a_newer_root_ends_the_run(config: Config) -> None:
    config.trusted_root.write_bytes(desk.Desk().root)
    with begun(config, now=desk.NOW) as run:
        desk.Desk(rotations=1).publish(config.state.inbox, version=3)
        assert run.looked()


def test_a_key_that_a_newer_root_has_revoked_ends_no_run(config: Config) -> None:
    raise_floors(floors_of(config.state.site), Floors(versions={"root": 2}))
    with begun(config) as run:
        publish(config, version=3)  # By the keys of the first root, and without the second.
        assert not run.looked()
    assert records(config.state.watch, Happening.LIST_REFUSED) == [{"code": "WL_ROLLBACK"}]


def test_one_publication_ends_one_run(config: Config) -> None:
    with begun(config) as run:
        publish(config, version=3)
        assert run.looked()
    newer = timestamp_of(config).read_bytes()
    timestamp_of(config).write_bytes(b"{}")  # The next run begins before it is back.
    with begun(config) as run:
        timestamp_of(config).write_bytes(newer)
        assert not run.looked()
        publish(config, version=4)
        assert run.looked()


def test_a_timestamp_that_was_there_from_the_start_ends_no_run(config: Config) -> None:
    publish(config, version=3)
    with begun(config) as run:
        os.utime(timestamp_of(config))
        assert not run.looked()


def test_the_looks_do_not_wait_for_the_disk_and_do_not_pile_up(config: Config) -> None:
    free = Event()
    with begun(config) as run:
        run.writer.submit(free.wait)
        publish(config, version=3)
        began_s = time.monotonic()
        assert not any(run.newer.arrived() for _ in range(1000))
        assert time.monotonic() - began_s < 0.1
        free.set()
        eventually(run.looked)


@pytest.mark.alone
def test_tampered_bundles_end_no_recognition(tmp_path: Path) -> None:
    config = made_camera(tmp_path)
    publish(config)
    files = {
        f"{folder.name}/{path.name}": path.read_bytes()
        for folder in config.state.inbox.iterdir()
        for path in folder.iterdir()
    }
    numbers = iter(range(TAMPERED))

    def running() -> bool:
        number = next(numbers, None)
        if number is None:
            return False
        install(config.state.inbox, files | {"metadata/timestamp.json": b"%d" % number})
        time.sleep(LOOK_S / 20)
        return True

    with guarding(tmp_path):
        looks(config, running, [[]] * TAMPERED)
    assert next(numbers, None) is None
    assert len(records(config.state.watch, Happening.PERIOD_BEGIN)) == 1
    assert records(config.state.watch, Happening.STOP) == [{"reason": "stopped"}]
    assert len(records(config.state.watch, Happening.LIST_REFUSED)) == 1
