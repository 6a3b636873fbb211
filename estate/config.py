"""Settings: `receiver.toml` and `office.toml` as frozen values. Unknown keys are errors."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Config:
    """The receiver's settings; `formats.settings.read_settings` reads them."""

    store: str
    """Database URL; `sqlite:///FILE` on a desk."""
    cameras: Path
    """Folder of the registration requests of the cameras that may send, `*.json`."""
    receipt_key: Path
    """Key file of the estate's receipts; its public half stands in the site's recipients."""
    broker_host: str
    broker_port: int
    broker_ca: Path
    certificate: Path
    """Of this receiver, for the broker: PEM."""
    certificate_key: Path
    name: str
    """Common name of that certificate; each receiver has its own."""
    group: str
    """Receivers of one group share the work and one store; `receivers`, if there is one group."""
    site: str = ""
    """Folder of the site's published repository, as the office's; it names the reviewers."""
    trusted_root: str = ""
    """`root.json` of the site, as the office's."""


@dataclass(frozen=True, slots=True)
class Office:
    """The settings of the office that reviews, retains and reports. It needs no broker."""

    store: str
    """Database URL, as the receiver's."""
    site: Path
    """Folder of the site's published repository."""
    trusted_root: Path
    """`root.json` of the site, as the list authority handed it over."""
    books: Path
    """Folder for checkpoints, certificates of destruction and reports."""
    ledger_key: str = ""
    """Path of the key file that signs them; a reviewer's machine needs none."""
