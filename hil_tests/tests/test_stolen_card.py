"""A stolen card: the data partition of a registered camera, searched raw, without the board's key.

Keys, a list and a sealed event lie on a real file system, encrypted as in the camera's container
form. Every name and every piece of every file is looked for. The same search finds all of them on a
file system that is not encrypted.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from firmware.delivery.outbox import Outbox
from firmware.identity import make_identity, watch_keys
from firmware.tests.camera_setup import made_camera, publish
from firmware.tests.fakes import eye
from firmware.tests.outbox_events import event
from firmware.trust.site_verifier import verify_site
from firmware.trust.watchlist import ThisCamera
from provisioning.device.boot.fscrypt import encrypt_folder, lock, unlock

KEY = bytes(range(100, 132))
PIECE_BYTES = 24
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a file system")


class Card:
    """An ext4 file system in a file, that can be encrypted."""

    def __init__(self, folder: Path) -> None:
        self.image, self.mounted = folder / "data.img", folder / "data"
        with self.image.open("wb") as file:
            file.truncate(32 * 1024 * 1024)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-O", "encrypt", self.image], check=True)
        self.mounted.mkdir()

    @contextmanager
    def mount(self) -> Iterator[Path]:
        subprocess.run(["mount", "-o", "loop", self.image, self.mounted], check=True)
        try:
            yield self.mounted
        finally:
            subprocess.run(["umount", self.mounted], check=True)


def register(folder: Path) -> None:
    """Make a camera that has keys, an accepted list, and an event that waits."""
    config = made_camera(folder)
    publish(config)
    keys, identity = watch_keys(config.state), make_identity(config.state)
    this = ThisCamera(identity.camera_id, keys.list, eye([]).manifest.model_digest)
    root, now = config.trusted_root.read_bytes(), datetime.now(UTC)
    verify_site(config.state.inbox, config.state.site, root, camera=this, now=now)
    Outbox(config.state.outbox).put(*event(1, key=keys.sign))


def secrets_of(folder: Path) -> set[bytes]:
    """Return every name of a file or folder, and pieces of every file's content."""
    found = set[bytes]()
    for path in folder.rglob("*"):
        found.add(path.name.encode())
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            starts = range(0, len(content) - PIECE_BYTES, 509)
            found |= {content[at : at + PIECE_BYTES] for at in starts}
    return {piece for piece in found if len(piece) > 6 and len(set(piece)) > 4}


def seen(card: Card, secrets: set[bytes]) -> set[bytes]:
    raw = card.image.read_bytes()
    return {secret for secret in secrets if secret in raw}


def test_a_stolen_card_gives_no_key_no_template_no_name_and_no_event(tmp_path: Path) -> None:
    card = Card(tmp_path)
    with card.mount() as data:
        identifier = unlock(data, KEY)
        (data / "tallylight").mkdir()
        encrypt_folder(data / "tallylight", identifier)
        register(data / "tallylight")
        secrets = secrets_of(data / "tallylight")
        subprocess.run(["sync", "--file-system", data], check=True)
        lock(data, identifier)
    assert len(secrets) > 100
    assert seen(card, secrets) == set()


def test_the_search_finds_everything_on_a_card_that_is_not_encrypted(tmp_path: Path) -> None:
    card = Card(tmp_path)
    with card.mount() as data:
        register(data / "tallylight")
        secrets = secrets_of(data / "tallylight")
    assert seen(card, secrets) == secrets


def test_another_board_opens_nothing_of_the_card(tmp_path: Path) -> None:
    card = Card(tmp_path)
    with card.mount() as data:
        encrypt_folder_with(data, KEY)
        (data / "tallylight" / "enrolment.json").write_text("{}", encoding="ascii")
    with card.mount() as data:
        other = unlock(data, bytes(32))
        names = [path.name for path in (data / "tallylight").iterdir()]
        lock(data, other)
        assert "enrolment.json" not in names
        again = unlock(data, KEY)
        assert [path.name for path in (data / "tallylight").iterdir()] == ["enrolment.json"]
        lock(data, again)


def encrypt_folder_with(data: Path, key: bytes) -> None:
    (data / "tallylight").mkdir()
    encrypt_folder(data / "tallylight", unlock(data, key))
