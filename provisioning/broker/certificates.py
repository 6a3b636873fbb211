"""X.509 for the broker: one authority, certificates for servers and clients, a revocation list.

Ed25519 throughout, because TLS 1.3 is the only version in use; a camera may bring a P-256 key of
its own. What a certificate request says of its owner is ignored: the authority names everybody.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.utils import Buffer
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from formats.signer import Ed25519Signer
from provisioning.errors import BrokerRefused

LEAF_LIFE: Final = timedelta(days=366)
"""Certificates of servers and clients are renewed every year."""
AUTHORITY_LIFE: Final = timedelta(days=3660)
"""The authority and its revocation list outlive the cameras they serve."""

PublicKey = Ed25519PublicKey | EllipticCurvePublicKey


class Ed25519Elsewhere(Ed25519PrivateKey):
    """The authority's key for `cryptography`, wherever it lies: it signs and is never read."""

    def __init__(self, key: Ed25519Signer) -> None:
        self._key = key

    def public_key(self) -> Ed25519PublicKey:
        """The public half."""
        return Ed25519PublicKey.from_public_bytes(bytes(self._key.verify_key))

    def sign(self, data: Buffer) -> bytes:
        """(64,) the signature over `data`."""
        return self._key.sign(bytes(data)).signature

    def private_bytes(
        self,
        encoding: Encoding,
        format: PrivateFormat,  # noqa: A002  # The name in cryptography's own class.
        encryption_algorithm: KeySerializationEncryption,
    ) -> bytes:
        """Refuse: it is never written."""
        raise NotImplementedError

    def private_bytes_raw(self) -> bytes:
        """Refuse: it is never written."""
        raise NotImplementedError

    def __copy__(self) -> "Ed25519Elsewhere":
        return self

    def __deepcopy__(self, memo: dict[object, object]) -> "Ed25519Elsewhere":
        return self


@dataclass(frozen=True, slots=True)
class Authority:
    """Issues every certificate around one broker."""

    key: Ed25519PrivateKey
    name: str
    now: datetime

    def own(self) -> bytes:
        """The authority's own certificate, PEM."""
        usage = x509.KeyUsage(**(_NO_USAGE | {"key_cert_sign": True, "crl_sign": True}))
        builder = (
            self._builder(self.name, self.key.public_key(), AUTHORITY_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
        )
        return self._signed(builder)

    def server(self, hosts: Iterable[str], key: PublicKey) -> bytes:
        """A certificate for the broker under all its host names and addresses, PEM."""
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        builder = self._leaf("broker", key, ExtendedKeyUsageOID.SERVER_AUTH)
        return self._signed(builder.add_extension(names, critical=False))

    def client(self, name: str, key: PublicKey) -> bytes:
        """A certificate for a client whose user name and client id are `name`, PEM."""
        return self._signed(self._leaf(name, key, ExtendedKeyUsageOID.CLIENT_AUTH))

    def revocations(self, revoked: Iterable[x509.RevokedCertificate]) -> bytes:
        """The list of everything that was ever revoked, PEM."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(_name(self.name))
            .last_update(self.now)
            # Past this moment the broker would refuse everybody.
            .next_update(self.now + AUTHORITY_LIFE)
        )
        for certificate in revoked:
            builder = builder.add_revoked_certificate(certificate)
        return builder.sign(self.key, None).public_bytes(Encoding.PEM)

    def _leaf(
        self, name: str, key: PublicKey, purpose: ObjectIdentifier
    ) -> x509.CertificateBuilder:
        usage = x509.KeyUsage(**(_NO_USAGE | {"digital_signature": True}))
        return (
            self._builder(name, key, LEAF_LIFE)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        )

    def _builder(self, name: str, key: PublicKey, life: timedelta) -> x509.CertificateBuilder:
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(_name(self.name))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now - _SKEW)
            .not_valid_after(self.now + life)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(issuer, critical=False)
        )

    def _signed(self, builder: x509.CertificateBuilder) -> bytes:
        return builder.sign(self.key, None).public_bytes(Encoding.PEM)


def requested_key(csr: bytes) -> PublicKey:
    """The key in a certificate request (PKCS#10, DER), whose owner has signed the request.

    Raises:
        BrokerRefused: it is no request, not signed with its key, or the key is of another kind.
    """
    try:
        request = x509.load_der_x509_csr(csr)
        holds, key = request.is_signature_valid, request.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BrokerRefused("A camera's certificate request cannot be read.") from error
    if not holds:
        raise BrokerRefused("A camera's certificate request is not signed with its own key.")
    if isinstance(key, Ed25519PublicKey):
        return key
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return key
    raise BrokerRefused("A camera's TLS key must be Ed25519 or P-256.")


def revoke(certificate: bytes, now: datetime) -> x509.RevokedCertificate:
    """The entry of a revocation list for a certificate in PEM."""
    serial = x509.load_pem_x509_certificate(certificate).serial_number
    return x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build()


def private_pem(key: Ed25519PrivateKey) -> bytes:
    """A private key as the broker or a client reads it: PKCS#8 PEM, not encrypted."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


_SKEW: Final = timedelta(minutes=5)
"""A camera whose clock is a little behind shall accept a fresh certificate."""

_NO_USAGE: Final = dict.fromkeys(
    (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ),
    False,
)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
