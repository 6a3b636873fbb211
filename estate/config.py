"""The receiver's one settings file, read once into frozen values; unknown keys are errors."""

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
