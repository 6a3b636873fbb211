"""X.509 for the broker: a certificate authority, server and client certificates, a revocation list.

All keys are Ed25519, because TLS 1.3 is the only version in use; a camera can have a P-256 key. The
authority decides the name in every certificate, and ignores the name in a certificate request.
Nothing here is written to a disk.
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


class Ed25519SigningAdapter(Ed25519PrivateKey):
    """The authority's key, in a file or on a token, as `cryptography` wants it: it only signs."""

    def __init__(self, key: Ed25519Signer) -> None:
        self._key = key

    def public_key(self) -> Ed25519PublicKey:
        """Return the public half."""
        return Ed25519PublicKey.from_public_bytes(bytes(self._key.verify_key))

    def sign(self, data: Buffer) -> bytes:
        """Return the signature over `data`, (64,)."""
        return self._key.sign(bytes(data)).signature

    def private_bytes(
        self,
        encoding: Encoding,
        format: PrivateFormat,  # noqa: A002  # The name in cryptography's own class.
        encryption_algorithm: KeySerializationEncryption,
    ) -> bytes:
        """Refuse: the private key is never written."""
        raise NotImplementedError

    def private_bytes_raw(self) -> bytes:
        """Refuse: the private key is never written."""
        raise NotImplementedError

    def __copy__(self) -> "Ed25519SigningAdapter":
        return self

    def __deepcopy__(self, memo: dict[object, object]) -> "Ed25519SigningAdapter":
        return self


@dataclass(frozen=True, slots=True)
class Authority:
    """The certificate authority of one broker and its clients."""

    key: Ed25519PrivateKey
    name: str
    now: datetime

    def authority_certificate(self) -> bytes:
        """Issue the authority's own certificate, PEM."""
        usage = x509.KeyUsage(**(_NO_USAGE | {"key_cert_sign": True, "crl_sign": True}))
        builder = (
            self._builder(self.name, self.key.public_key(), AUTHORITY_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
        )
        return self._sign(builder)

    def server_certificate(self, hosts: Iterable[str], key: PublicKey) -> bytes:
        """Issue a certificate for the broker under all its host names and addresses, PEM."""
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        builder = self._leaf("broker", key, ExtendedKeyUsageOID.SERVER_AUTH)
        return self._sign(builder.add_extension(names, critical=False))

    def client_certificate(self, name: str, key: PublicKey) -> bytes:
        """Issue a certificate for a client whose user name and client id are `name`, PEM."""
        return self._sign(self._leaf(name, key, ExtendedKeyUsageOID.CLIENT_AUTH))

    def revocation_list(self, revoked: Iterable[x509.RevokedCertificate]) -> bytes:
        """Issue the list of every certificate that was ever revoked, PEM."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(_name(self.name))
            .last_update(self.now)
            # After this moment the broker would refuse every client.
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

    def _sign(self, builder: x509.CertificateBuilder) -> bytes:
        return builder.sign(self.key, None).public_bytes(Encoding.PEM)


def requested_key(csr: bytes) -> PublicKey:
    """Return the key in a certificate request (PKCS#10, DER) that is signed with this key.

    Raises:
        BrokerRefused: it is no request, not signed with its key, or the key is of another kind.
    """
    try:
        request = x509.load_der_x509_csr(csr)
        is_signed, key = request.is_signature_valid, request.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BrokerRefused(
            "A camera's certificate request cannot be read: register the camera again."
        ) from error
    if not is_signed:
        raise BrokerRefused(
            "A camera's certificate request is not signed with its own key: register the camera "
            "again."
        )
    if isinstance(key, Ed25519PublicKey):
        return key
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return key
    raise BrokerRefused(
        "A camera's TLS key must be Ed25519 or P-256: make another one and register the camera "
        "again."
    )


def revocation_entry(certificate: bytes, now: datetime) -> x509.RevokedCertificate:
    """Return the entry of a revocation list for a certificate in PEM."""
    serial = x509.load_pem_x509_certificate(certificate).serial_number
    return x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build()


def private_pem(key: Ed25519PrivateKey) -> bytes:
    """Return a private key as the broker or a client reads it: PKCS#8 PEM, not encrypted."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


_SKEW: Final = timedelta(minutes=5)
"""A certificate is valid from before its issue, for cameras whose clocks are a little slow."""

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
