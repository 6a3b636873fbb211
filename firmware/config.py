"""The camera's one configuration file, read once into frozen values; unknown keys are errors.

Nothing here disables a check, and no environment variable changes behaviour. What to look for and
when stands in the signed policy, not here; here stands only where things are.
"""

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Self

from firmware.errors import ConfigRefused

DEFAULT: Final = Path("/etc/tallylight/camera.toml")
ACCELERATORS: Final = ("cpu", "edge-tpu")


@dataclass(frozen=True, slots=True)
class State:
    """Who keeps what, below the one state directory: a folder for each program's own things."""

    root: Path

    @property
    def lampguard(self) -> Path:
        """The guard's ledger."""
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


@dataclass(frozen=True, slots=True)
class Config:
    """Where things are on this camera."""

    state: State
    models: Path
    """Folder of the nets and their manifest."""
    accelerator: str
    """What the nets run on, `cpu` or `edge-tpu`: never anything else instead."""
    trusted_root: Path
    """The site's TUF root, from the read-only image."""
    lamp_socket: Path
    """Where `lampguard` listens."""
    broker_host: str
    broker_port: int
    """1 to 65535."""
    broker_ca: Path
    """PEM of the authority that signed the broker's certificate."""

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the configuration in the file.

        Raises:
            ConfigRefused: the file is missing or not TOML, a key is missing or unknown, or a value
                is out of bounds.
        """
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigRefused(f"{path} cannot be read: {error.strerror}.") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigRefused(f"{path} is not TOML: {error}.") from error
        names = {field.name for field in fields(cls)}
        if odd := sorted(names ^ set(table)):
            raise ConfigRefused(f"{path}: missing or unknown: {', '.join(odd)}.")
        port = table["broker_port"]
        if not isinstance(port, int) or not 0 < port < 65536:  # noqa: PLR2004  # The range of a port.
            raise ConfigRefused(f"{path}: broker_port must be a number from 1 to 65535.")
        texts: dict[str, Any] = {name: table[name] for name in names - {"broker_port"}}
        for name, value in texts.items():
            if not isinstance(value, str) or not value:
                raise ConfigRefused(f"{path}: {name} must be a text that is not empty.")
        if texts["accelerator"] not in ACCELERATORS:
            raise ConfigRefused(f"{path}: accelerator must be one of {', '.join(ACCELERATORS)}.")
        return cls(
            state=State(Path(texts["state"])),
            models=Path(texts["models"]),
            accelerator=texts["accelerator"],
            trusted_root=Path(texts["trusted_root"]),
            lamp_socket=Path(texts["lamp_socket"]),
            broker_host=texts["broker_host"],
            broker_port=port,
            broker_ca=Path(texts["broker_ca"]),
        )
