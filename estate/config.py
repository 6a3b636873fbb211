"""The settings files of the estate, each read once into frozen values; unknown keys are errors."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Config:
    """Where things are on the receiver; `formats.settings.read_settings` reads it."""

    store: str
    """Database URL; `sqlite:///FILE` on a desk."""
    cameras: Path
    """Folder of the enrolment requests of the cameras that may send, `*.json`."""
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


@dataclass(frozen=True, slots=True)
class Office:
    """Where things are for whoever reviews, retains and reports; no broker, no receipts."""

    store: str
    """Database URL, as the receiver's."""
    site: Path
    """Folder of the site's published repository."""
    trusted_root: Path
    """`root.json` of the site, from where it was handed over."""
    books: Path
    """Folder for checkpoints, certificates of destruction and reports."""
    ledger_key: Path
    """Key file that signs them; a reviewer's machine needs none."""
