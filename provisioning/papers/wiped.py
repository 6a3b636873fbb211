"""The certificate of a wiped card as PDF, for the file of the estate and for the public."""

from datetime import UTC, datetime

from formats.wipe_certificate import WipeCertificate
from provisioning.papers.pages import A4, begin
from terminal.differences import Item
from terminal.fingerprints import fingerprint_words

MARGIN = 20.0
"""Empty edge in mm."""


def wipe_items(certificate: WipeCertificate) -> list[Item]:
    """Return all that the installer signs."""
    moment = datetime.fromtimestamp(certificate.wiped_utc_s, UTC)
    facts = {
        "site": certificate.site,
        "camera": certificate.camera.hex(),
        "board": certificate.serial,
        "card": certificate.card,
        "overwritten": f"{certificate.wiped_bytes} bytes of the data partition, read back as zeros",
        "by the laptop's clock": f"{moment:%Y-%m-%d %H:%M:%S} UTC",
        "installer": fingerprint_words(bytes(certificate.installer)),
    }
    return [Item("This card was wiped", facts)]


def draw_wipe(certificate: WipeCertificate) -> bytes:
    """Return the certificate as one page."""
    pages, width = begin("Certificate of destruction"), A4[0] - 2 * MARGIN
    y = pages.lines(MARGIN, 40, "Certificate of destruction", width=width, size=24) + 8
    for item in wipe_items(certificate):
        for name, value in item.facts.items():
            pages.text(MARGIN, y, name, size=10, bold=True)
            y = pages.lines(MARGIN, y + 5.5, value, width=width, size=11) + 5
    pages.lines(MARGIN, y + 6, HONEST, width=width, size=9)
    return pages.finish()


HONEST = (
    "The signed certificate is the JSON file beside this page. It proves that the installer says "
    "so. That the card was the one of this camera is the installer's word. Cells that the card's "
    "controller had put out of use before are not reached; the encryption of the data partition "
    "covers them."
)
