"""What each check of a running broker works with: addresses with certificates, and a finding."""

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioning.broker.certificates import Authority, private_pem
from provisioning.broker.configuration import client_files
from provisioning.broker.mosquitto_files import AUTHORITY_FILE
from provisioning.site.folder import Site
from wire.certificate import Address, Certificate


@dataclass(frozen=True, slots=True)
class Finding:
    """One test of the broker, and whether it passed."""

    what: str
    held: bool
    line: str
    """The line of mosquitto.conf, or the file, that decides it."""
    unfit: str = ""
    """One sentence on a broker that lacks it altogether; "": any broker can be set to do it."""


@dataclass(frozen=True, slots=True)
class TestedBroker:
    """The broker that is tested, and the certificates to test it with."""

    site: Site
    host: str
    port: int
    authority: Authority
    folder: Path

    def fresh_client(self, name: str, authority: Authority | None = None) -> Address:
        """Return the broker's address with a fresh certificate for a client of this name."""
        key = Ed25519PrivateKey.generate()
        chain, private = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        chain.write_bytes((authority or self.authority).client_certificate(name, key.public_key()))
        private.touch(mode=0o600)
        private.write_bytes(private_pem(key))
        return self._address(name, chain, private)

    def issued_client(self, name: str) -> Address:
        """Return the broker's address with the certificate that a client has in its folder."""
        return self._address(name, *client_files(self.site, name))

    def _address(self, name: str, chain: Path, key: Path) -> Address:
        files = Certificate(self.site.broker / AUTHORITY_FILE, chain, key)
        return Address(self.host, self.port, name, files)
