"""A receiver's folder: settings, keys, one registered camera, and a store."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nacl.public import PrivateKey
from nacl.signing import SigningKey
from typer.testing import Result

from estate.store.envelopes import Store
from estate.tests.command_line import run
from estate.tests.events import REVIEWERS, STRANGER, meet_recipients, recipients_file, sealed_event
from firmware.config import State
from firmware.identity import make_identity, watch_keys
from firmware.tests.command import NO_BROKER
from formats.keyfile import Cost, KeyFile, Purpose, make_key, unlock_opening, write_key

PASSPHRASE = "correct horse battery"  # noqa: S105 - of keys that the tests make.


CHEAP = Cost(passes=1, memory_bytes=8192)


@dataclass
class ReceiverFolder:
    """A receiver's folder: settings, keys, one registered camera, a store."""

    folder: Path

    def __post_init__(self) -> None:
        state = State(self.folder / "camera")
        make_identity(state)
        self.camera_key: SigningKey = watch_keys(state).sign
        self.write("passphrase", PASSPHRASE + "\n")
        self.write("wrong", "not the passphrase\n")
        self.reviewer = self.key(Purpose.REVIEWER)
        self.key(Purpose.RECEIPT)
        self.write_settings()

    @property
    def settings(self) -> Path:
        return self.folder / "estate.toml"

    def write(self, name: str, content: str) -> Path:
        (self.folder / name).write_text(content)
        return self.folder / name

    def write_settings(self, **changes: str | int) -> None:
        usual: dict[str, str | int] = {
            "store": f"sqlite:///{self.folder / 'store.db'}",
            "cameras": str(self.folder / "camera"),
            "receipt_key": str(self.folder / "receipt.key"),
            "broker_host": "127.0.0.1",
            "broker_port": NO_BROKER,
            "broker_ca": str(self.folder / "ca.pem"),
            "certificate": str(self.folder / "receiver.pem"),
            "certificate_key": str(self.folder / "receiver-tls.key"),
            "name": "receiver",
            "group": "receivers",
        }
        lines = [f"{key} = {json.dumps(value)}" for key, value in (usual | changes).items()]
        self.write("estate.toml", "\n".join(lines))

    def key(self, purpose: Purpose) -> KeyFile:
        key = make_key(purpose, f"Mill {purpose}", PASSPHRASE, CHEAP)
        write_key(self.folder / f"{purpose}.key", key)
        return key

    def keep(
        self, *numbers: int, reviewers_key: bool = True, also: Sequence[PrivateKey] = ()
    ) -> None:
        """Put events into the store, sealed to this folder's reviewer or to others."""
        mine = [unlock_opening(self.reviewer, PASSPHRASE), STRANGER, *also]
        store = Store(f"sqlite:///{self.folder / 'store.db'}")
        for number in numbers:
            reviewers = mine if reviewers_key else REVIEWERS
            store.add_envelopes(
                [sealed_event(self.camera_key, number, reviewers=reviewers)], number
            )
        store.close()

    def meet_recipients(self) -> None:
        """Let the store meet recipients that name this folder's reviewer and another."""
        mine = [unlock_opening(self.reviewer, PASSPHRASE), STRANGER]
        store = Store(f"sqlite:///{self.folder / 'store.db'}")
        with store.writing() as connection:
            meet_recipients(connection, recipients_file(mine))
        store.close()

    def opens(
        self,
        *more: str,
        key: str = "reviewer.key",
        passphrase: Path = Path("passphrase"),
        crops: str | None = "crops",
    ) -> Result:
        return run(
            "open",
            *("--config", str(self.settings)),
            *("--open-with", str(self.folder / key)),
            *("--passphrase-file", str(self.folder / passphrase)),
            *(("--crops", str(self.folder / crops)) if crops else ()),
            *more,
        )
