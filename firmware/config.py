"""The configuration `camera.toml`: paths, broker, accelerator; unknown keys are errors.

It is read once into frozen values. No setting disables a check, and no environment variable changes
behaviour. The signed policy says when to look; this file only says where things are.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

DEFAULT: Final = Path("/etc/tallylight/camera.toml")
SYNCHRONISED: Final = Path("/run/systemd/timesync/synchronized")
"""systemd-timesyncd makes this file once it has set the clock from the network."""


class Accelerator(StrEnum):
    """The device that runs the nets; the processor only if the policy allows it."""

    CPU = "cpu"
    EDGE_TPU = "edge-tpu"


@dataclass(frozen=True, slots=True)
class State:
    """The state folder: one folder for each program's own files, and three shared ones."""

    root: Path

    @property
    def lampguard(self) -> Path:
        """The guard's ledger and the key that signs it."""
        return self.root / "lampguard"

    @property
    def watch(self) -> Path:
        """Keys, ledger, and verified metadata of the program that sees faces."""
        return self.root / "watch"

    @property
    def site(self) -> Path:
        """The repository that `watch` accepted last."""
        return self.watch / "site"

    @property
    def courier(self) -> Path:
        """Keys and ledger of the program that has the network."""
        return self.root / "courier"

    @property
    def outbox(self) -> Path:
        """Sealed events: written and deleted by `watch`, read and sent by `courier`."""
        return self.root / "outbox"

    @property
    def receipts(self) -> Path:
        """The estate's receipts, by which `watch` deletes events: written by `courier`."""
        return self.root / "receipts"

    @property
    def update(self) -> Path:
        """The version floor and the bundle in work: root alone opens it."""
        return self.root / "update"

    @property
    def bundles(self) -> Path:
        """Update bundles as they arrived: written by `fetch`, the courier's user."""
        return self.root / "bundles"

    @property
    def wanted(self) -> Path:
        """The update bundle that `fetch` is to download: written by `update`."""
        return self.root / "wanted"

    @property
    def inbox(self) -> Path:
        """The site's signed repository as it arrived, not yet verified."""
        return self.root / "inbox"


class LampEye(StrEnum):
    """The sensor that sees whether the lamp's light gets out."""

    NONE = "none"
    PHOTODIODE = "photodiode"


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of this camera; `formats.settings.read_settings` reads them."""

    state_folder: Path
    models: Path
    """The model bundle: nets, their manifest, and its signature."""
    model_key: Path
    """Public key that signs model bundles, from the read-only image."""
    accelerator: Accelerator
    trusted_root: Path
    """The site's TUF root, from the read-only image."""
    lamp_socket: Path
    """The socket on which `lampguard` listens."""
    broker_host: str
    broker_port: int
    broker_ca: Path
    """PEM of the authority that signed the broker's certificate."""
    lamp_eye: LampEye = LampEye.NONE
    """The sensor that sees the lamp from outside; docs/lamp.md."""
    bundle_port: int = 8884
    """Port of the broker's machine that serves update bundles over HTTPS."""

    @property
    def image(self) -> Path:
        """What the running image is; it lies beside the site's root, in the read-only image."""
        return self.trusted_root.with_name("image.json")

    @property
    def state(self) -> State:
        """The folders below `state_folder`."""
        return State(self.state_folder)
