"""A full disk: the file is named and nothing is half-written. Umask 0: keys stay private."""

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import gettempdir

import pytest

from formats.keyfile import Purpose, make_key, write_key
from provisioning.site.ceremony import hold_ceremony
from provisioning.site.plan import read_plan
from provisioning.tests.workshop import (
    CHEAP,
    CHEAPLY,
    PASSPHRASE,
    Workshop,
    contents,
    refusal,
    tallylight,
)


@contextmanager
def full_disk(room_bytes: int = 100) -> Iterator[None]:
    """Let no file grow beyond a few bytes: the operating system's error names no file then."""
    before, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, hard))
        signal.signal(signal.SIGXFSZ, handler)


@pytest.fixture
def signed(listed: Workshop) -> Workshop:
    listed.sign("police")
    listed.sign("estate")
    return listed


def writers(workshop: Workshop) -> dict[str, list[str | Path]]:
    """Return commands that write, each from the state of a signed list."""
    site, own, yes = workshop.site, workshop.passphrase, "--yes"
    stick = workshop.folder / "stick"
    return {
        "list publish": ["list", "publish", site, *own, "--to", workshop.folder / "inbox"],
        "list build": ["list", "build", site, *workshop.key("list-seal-example-police"), *own, yes],
        "policy sign": [
            *(
                "policy",
                "sign",
                site,
                "--renew",
                *workshop.key("targets-oversight-body"),
                *own,
                yes,
            ),
        ],
        "site rotate": ["site", "rotate", site, yes],
        "site key": [
            *("site", "key", workshop.folder / "new.key", "--purpose", "root", "--holder", "New"),
            *own,
        ],
        "broker config": ["broker", "config", site, *own],
        "give": ["give", stick, "--from", site],
        "camera remove": ["camera", "remove", site, camera(workshop)[:8], "--yes"],
    }


def camera(workshop: Workshop) -> str:
    (request,) = (workshop.site / "cameras").iterdir()
    return request.stem


@pytest.mark.parametrize(
    "command",
    [
        *("list publish", "list build", "policy sign", "site rotate", "site key", "broker config"),
        *("give", "camera remove"),
    ],
)
def test_a_full_disk_is_named_by_its_file_and_leaves_nothing_half_written(
    signed: Workshop, command: str
) -> None:
    words, before = writers(signed)[command], contents(signed.folder)
    with full_disk():
        said = refusal(*words)
    assert said.startswith(f"Refused: File too large: {signed.folder}/")
    assert contents(signed.folder) == before


def test_a_full_disk_for_temporary_files_is_named_too(signed: Workshop) -> None:
    tallylight("list", "publish", signed.site, *signed.passphrase)
    with full_disk():
        said = refusal("list", "verify", signed.site)
    assert said.startswith(f"Refused: File too large: {gettempdir()}/")


def test_keys_are_private_also_under_umask_zero(begun: Workshop, tmp_path: Path) -> None:
    plan = begun.folder / "plan.toml"
    before = os.umask(0)
    try:
        site = tmp_path / "another" / "site"
        hold_ceremony(site, read_plan(plan), CHEAPLY, now=datetime.now(UTC))
        write_key(tmp_path / "own.key", make_key(Purpose.ROOT, "Own", PASSPHRASE, CHEAP))
    finally:
        os.umask(before)
    folders = [site, *(path for path in site.rglob("*") if path.is_dir())]
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}
    keys = [tmp_path / "own.key", *(site / "keys").iterdir()]
    assert {path.stat().st_mode & 0o777 for path in keys} == {0o600}
