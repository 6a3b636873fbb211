"""TLS 1.3 between a client and the broker: authority, certificate and key as three PEM files."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from wire.errors import CertificateRefused


@dataclass(frozen=True, slots=True)
class Certificate:
    """Paths of PEM files; they may be replaced while a program runs."""

    authority: Path
    chain: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """Return a context that speaks TLS 1.3 to this broker and to no other.

        Raises:
            CertificateRefused: a file is missing or is no certificate or key.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        try:
            context.load_verify_locations(cafile=str(self.authority))
            # A key with a passphrase is refused: without one named here, OpenSSL would ask for it.
            context.load_cert_chain(str(self.chain), str(self.key), password="")
        except (OSError, ssl.SSLError) as error:
            raise CertificateRefused(
                f"The TLS certificate cannot be used ({error}): put the authority at "
                f"{self.authority}, the certificate at {self.chain} and its key at {self.key}."
            ) from error
        return context

    def stamp(self) -> tuple[tuple[int, int], ...]:
        """Return a value that changes when a file is replaced; empty while one is missing."""
        try:
            states = [path.stat() for path in (self.authority, self.chain, self.key)]
        except OSError:
            return ()
        return tuple((state.st_mtime_ns, state.st_ino) for state in states)


@dataclass(frozen=True, slots=True)
class Address:
    """The broker's address, and the client that connects to it."""

    host: str
    port: int
    """1 to 65535."""
    client_id: str
    """The common name of the certificate: the broker demands it."""
    certificate: Certificate
