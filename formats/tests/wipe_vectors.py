"""Test vectors of the certificate of a wiped card, spelled out without the code that they test."""

from formats.tests.registration_vectors import INSTALLER, signed
from formats.tests.second_encoder import canonical, secret

MEMBERS: dict[str, object] = {
    "kind": "wipe",
    "site": "mill",
    "camera": secret("camera")[:16].hex(),
    "serial": "10000000abcdef01",
    "card": "Generic STORAGE DEVICE 000000000821",
    "wiped_bytes": 1_610_612_736,
    "wiped_utc_s": 1_767_225_600,
    "installer": bytes(INSTALLER.verify_key).hex(),
}


def wipes() -> dict[str, object]:
    """Make wipe.json."""
    good = signed(MEMBERS, INSTALLER).decode()

    def changed(**members: object) -> str:
        return signed({**MEMBERS, **members}, INSTALLER).decode()

    return {
        "good": good,
        "forged": canonical(
            {**MEMBERS, "camera": "00" * 16, "signature": good.split('"signature":"')[1][:128]}
        ).decode(),
        "broken": {
            "nothing wiped": changed(wiped_bytes=0),
            "a card of two lines": changed(card="a\nb"),
            "an unknown member": changed(person="x"),
            "another kind": changed(kind="registration"),
            "a blank": good.replace(",", ", ", 1),
        },
    }
