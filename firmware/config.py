"""The camera's one configuration file, read once into frozen values; unknown keys are errors.

Nothing here disables a check, and no environment variable changes behaviour. What to look for and
when stands in the signed policy, not here; here stands only where things are.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

DEFAULT: Final = Path("/etc/tallylight/camera.toml")
SYNCHRONISED: Final = Path("/run/systemd/timesync/synchronized")
"""systemd-timesyncd makes this file once it has set the clock from the network."""


class Accelerator(StrEnum):
    """What the nets run on; on the processor only where the policy lets them."""

    CPU = "cpu"
    EDGE_TPU = "edge-tpu"


@dataclass(frozen=True, slots=True)
class State:
    """Who keeps what, below the one state folder: a folder for each program's own things."""

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
    def courier(self) -> Path:
        """Keys and ledger of the program that has the network."""
        return self.root / "courier"

    @property
    def outbox(self) -> Path:
        """Sealed events: written by `watch`, sent and deleted by `courier`."""
        return self.root / "outbox"

    @property
    def inbox(self) -> Path:
        """The site's signed repository as it arrived, believed by nobody yet."""
        return self.root / "inbox"


class LampEye(StrEnum):
    """What sees whether the lamp's light gets out."""

    NONE = "none"
    PHOTODIODE = "photodiode"


@dataclass(frozen=True, slots=True)
class Config:
    """Where things are on this camera; `formats.settings.read_settings` reads it."""

    state_folder: Path
    models: Path
    """The model bundle: nets, their manifest, and its signature."""
    model_key: Path
    """Public key of whoever vouches for the nets, from the read-only image."""
    accelerator: Accelerator
    trusted_root: Path
    """The site's TUF root, from the read-only image."""
    lamp_socket: Path
    """Where `lampguard` listens."""
    broker_host: str
    broker_port: int
    broker_ca: Path
    """PEM of the authority that signed the broker's certificate."""
    lamp_eye: LampEye = LampEye.NONE
    """What sees the lamp from outside; docs/lamp.md."""

    @property
    def state(self) -> State:
        """The folders below `state_folder`."""
        return State(self.state_folder)
