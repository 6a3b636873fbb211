"""A camera's verifier over folders of its own, and assertions about what it accepts or refuses."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from firmware.tests.desk import (
    NOW,
    THIS_CAMERA,
    Desk,
)
from firmware.trust.accepted import begin_trust
from firmware.trust.site_verifier import verify_accepted, verify_site
from firmware.trust.watchlist import ListRefused, Refusal, ThisCamera, Watchlist


class Camera:
    """A camera's verifier over folders of its own."""

    def __init__(self, folder: Path) -> None:
        self.inbox = folder / "inbox"
        self.metadata = folder / "metadata"
        begin_trust(self.metadata)

    def takes(self, desk: Desk, *, version: int = 1, now: datetime = NOW) -> Watchlist:
        desk.publish(self.inbox, version=version)
        return self.looks(now=now)

    def looks(self, *, now: datetime = NOW, camera: ThisCamera = THIS_CAMERA) -> Watchlist:
        return verify_site(self.inbox, self.metadata, Desk().root, camera=camera, now=now)

    def reloads(self, *, now: datetime = NOW, camera: ThisCamera = THIS_CAMERA) -> Watchlist:
        return verify_accepted(self.metadata, Desk().root, camera=camera, now=now)

    def kept(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.metadata).as_posix(): path.read_bytes()
            for path in self.metadata.rglob("*")
            if path.is_file()
        }


@contextmanager
def refused(code: Refusal, *, match: str = ".") -> Iterator[None]:
    with pytest.raises(ListRefused, match=match) as caught:
        yield
    assert caught.value.code is code, caught.value


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def only(folder: Path, pattern: str) -> Path:
    (path,) = folder.glob(pattern)
    return path
