"""The folders and files of a site on a desk: one folder for camera, estate, keys and broker."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DeskSite:
    """The paths of a desk's site."""

    folder: Path
    port: int
    """Of the broker, on the loopback address."""

    @property
    def site(self) -> Path:
        """What `tallylight site init` made."""
        return self.folder / "site"

    @property
    def camera(self) -> Path:
        """The camera's state folder."""
        return self.folder / "camera"

    @property
    def camera_config(self) -> Path:
        """The camera's one configuration file."""
        return self.folder / "camera.toml"

    @property
    def models(self) -> Path:
        """The model bundle that the camera runs."""
        return self.site / "model" / "bundle"

    @property
    def model_key(self) -> Path:
        """The public key that the camera trusts for its nets."""
        return self.site / "model" / "trusted.pub"

    @property
    def lamp_socket(self) -> Path:
        """Where the lamp guard listens."""
        return self.folder / "lamp.sock"

    @property
    def estate(self) -> Path:
        """Keys and store of the estate."""
        return self.folder / "estate"

    @property
    def receiver_config(self) -> Path:
        """The receiver's settings."""
        return self.folder / "receiver.toml"

    @property
    def passphrase(self) -> Path:
        """The one passphrase of all keys of the desk."""
        return self.folder / "passphrase"

    @property
    def broker(self) -> Path:
        """What `tallylight broker config` made."""
        return self.site / "broker"

    def certificate(self, client: str) -> tuple[Path, Path]:
        """Return a client's certificate and key for the broker."""
        clients = self.broker / "clients"
        return clients / f"{client}.pem", clients / f"{client}.key"
