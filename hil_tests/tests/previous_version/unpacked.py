"""The previous version's files, unpacked for one test, and the moment at which they were made."""

import json
import tarfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from nacl.public import PrivateKey
from nacl.signing import SigningKey

from estate.signed_site import VerifiedSite, read_site
from estate.store.envelopes import Store
from firmware.config import Config
from firmware.identity import camera_identity, watch_keys
from firmware.trust.watchlist import ThisCamera
from formats.casefile import read_casefile
from formats.keyfile import read_key, unlock_opening, unlock_signing
from formats.settings import read_settings
from hil_tests.rig.desk_site import DeskSite
from hil_tests.rig.site_maker import REVIEWERS, tallylight_estate

ARCHIVE = Path(__file__).with_name("files.tar.xz")
PASSPHRASE = "a desk holds no secrets"  # noqa: S105  # Of these files.
SOON = timedelta(minutes=1)
"""A list lives for days: readers are asked this long after the files were made."""


@dataclass(frozen=True)
class Previous:
    """A folder with the files. Their paths are relative to it: be in it."""

    folder: Path

    @property
    def facts(self) -> dict[str, Any]:
        """What `make.py` knew of them."""
        facts: dict[str, Any] = json.loads((self.folder / "facts.json").read_text("utf-8"))
        return facts

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.facts["made_utc_s"], UTC) + SOON

    @property
    def desk(self) -> DeskSite:
        return DeskSite(self.folder / "desk", 0)

    @property
    def passphrase(self) -> tuple[str, str]:
        return "--passphrase-file", str(self.desk.passphrase)

    @property
    def config(self) -> Config:
        return read_settings(self.desk.camera_config, Config)

    @property
    def metadata(self) -> Path:
        """Where the camera keeps what it accepted: by its whole path, as on a camera."""
        return self.desk.camera / "watch" / "site"

    @property
    def this_camera(self) -> ThisCamera:
        """The camera, with the nets for which its list was made: those of today may be others."""
        state, site = self.config.state, self.desk.site
        (case,) = (site / "published" / "targets").glob("*.watchlist-*.json")
        model = read_casefile(case.read_bytes()).model_digest
        return ThisCamera(camera_identity(state).camera_id, watch_keys(state).list, model)

    @property
    def site_now(self) -> VerifiedSite:
        inbox, root = self.desk.camera / "inbox", self.desk.site / "root.json"
        return read_site(inbox, root, self.now)

    @property
    def store(self) -> Store:
        return Store(f"sqlite:///{self.desk.estate / 'events.sqlite'}")

    @property
    def ledger_key(self) -> SigningKey:
        return unlock_signing(read_key(self.desk.estate / "ledger.key"), PASSPHRASE)

    @property
    def reviewer_key(self) -> PrivateKey:
        return unlock_opening(read_key(self.desk.estate / f"{REVIEWERS[0]}.key"), PASSPHRASE)

    def estate(self, command: str, *words: str, config: str = "office") -> dict[str, Any]:
        """What a command of the estate's office answers a machine."""
        settings = ("--config", str(self.desk.folder / f"{config}.toml"))
        said = tallylight_estate(*command.split(), *settings, *words, "--json")
        answer: dict[str, Any] = json.loads(said)
        return answer


def unpack(folder: Path) -> Previous:
    """Put the files into a folder of their own, each time whole."""
    with tarfile.open(ARCHIVE) as archive:
        # Python 3.11 has it since 3.11.4, and newer ones warn of an archive without.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(folder)  # noqa: S202  # Our own archive.
    return Previous(folder)
