"""The certificate of a wiped card: the installer's signed statement that a camera's data is gone.

It says which camera's card was overwritten, how many bytes, and when. That the card was the one of
this camera is the installer's word: an encrypted card does not show whose it is. Table:
docs/formats/wipe-certificate.md.
"""

from dataclasses import dataclass
from typing import Final

from nacl.signing import VerifyKey

from formats.envelope_header import ID_BYTES
from formats.public_keys import signing_key
from formats.signed_members import read_signed, sign_members
from formats.signer import Ed25519Signer
from formats.strict_json import Fields, JsonValue

CARD_LIMIT: Final = 1 << 44
"""Most bytes of a card: 16 TiB."""
_KIND: Final = "wipe"
_TEXT_LIMIT: Final = 128
_SITE_LIMIT: Final = 32


@dataclass(frozen=True, slots=True)
class WipeCertificate:
    """What was wiped."""

    site: str
    camera: bytes
    """(16,) the camera's id."""
    serial: str
    """Serial number of its board, from the registration."""
    card: str
    """Model and serial number of the card or its reader, as the system named them."""
    wiped_bytes: int
    """Bytes of the data partition, each overwritten with zero and read back."""
    wiped_utc_s: int
    installer: VerifyKey


def write_wipe_certificate(certificate: WipeCertificate, key: Ed25519Signer) -> bytes:
    """Return the certificate, signed by the installer."""
    return sign_members(_KIND, _members(certificate), key)


def read_wipe_certificate(data: bytes) -> WipeCertificate:
    """Return the certificate in `data`. Whether its installer is one of the site's is not judged.

    Raises:
        FormatError: it is none, or its signature does not hold.
    """
    return read_signed(
        _KIND, data, _read, members=_members, key=lambda certificate: certificate.installer
    )


def _members(certificate: WipeCertificate) -> dict[str, JsonValue]:
    return {
        "camera": certificate.camera.hex(),
        "card": certificate.card,
        "installer": bytes(certificate.installer).hex(),
        "serial": certificate.serial,
        "site": certificate.site,
        "wiped_bytes": certificate.wiped_bytes,
        "wiped_utc_s": certificate.wiped_utc_s,
    }


def _read(fields: Fields) -> WipeCertificate:
    return WipeCertificate(
        site=fields.text("site", at_most=_SITE_LIMIT),
        camera=fields.hex_bytes("camera", ID_BYTES),
        serial=fields.text("serial", at_most=_TEXT_LIMIT),
        card=fields.text("card", at_most=_TEXT_LIMIT),
        wiped_bytes=fields.integer("wiped_bytes", low=1, high=CARD_LIMIT),
        wiped_utc_s=fields.utc_s("wiped_utc_s"),
        installer=signing_key(fields.hex_bytes("installer", 32)),
    )
