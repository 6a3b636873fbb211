"""Test vectors of commissioning pages, spelled out without the code that they test."""

from hashlib import sha256

from nacl.signing import SigningKey

from formats.tests.registration_vectors import INSTALLER, base64, record, signed
from formats.tests.second_encoder import secret

PERSON = SigningKey(secret("person of the site"))
WALK: dict[str, object] = {
    "frames": 300,
    "early": 1,
    "grey": 2,
    "faces": 90,
    "refused_small": 3,
    "refused_blurred": 4,
    "refused_turned": 5,
    "refused_dark": 6,
    "refused_bright": 7,
    "searched": 65,
    "passers_by": 2,
    "candidates": 3,
    "suppressed": 1,
    "events": 1,
}
PAGE: dict[str, object] = {
    "kind": "commissioning",
    "site": "mill",
    "camera": secret("camera")[:16].hex(),
    "board": "10000000abcdef01",
    "registration": sha256(record()).hexdigest(),
    "training": False,
    "place": "North gate, left post",
    "plan": {"x_mm": 120, "y_mm": 85},
    "lamp_seen_by": "staff 17",
    "version": "0.16.0",
    "verdict": "Armed: the lamp is lit.",
    "list": "version 7, accepted 2026-09-21 14:00",
    "walk": WALK,
    "report": secret("report").hex(),
    "installer": bytes(INSTALLER.verify_key).hex(),
    "commissioned_utc_s": 1_790_000_000,
}


def acceptance(page: bytes, key: SigningKey = PERSON, **changes: object) -> bytes:
    members: dict[str, object] = {
        "kind": "commissioning-acceptance",
        "page": base64(page),
        "person": bytes(key.verify_key).hex(),
        "accepted_utc_s": 1_790_000_600,
    }
    return signed({**members, **changes}, key)


def commissionings() -> dict[str, object]:
    """Make commissioning.json."""
    page = signed(PAGE, INSTALLER)
    good = acceptance(page)

    def changed(**members: object) -> bytes:
        return signed({**PAGE, **members}, INSTALLER)

    broken_pages = {
        "a place of two lines": changed(place="a\nb"),
        "a point outside the plan": changed(plan={"x_mm": 10_001, "y_mm": 0}),
        "half a point": changed(plan={"x_mm": 1}),
        "a walk test without a count": changed(
            walk={name: count for name, count in WALK.items() if name != "faces"}
        ),
        "an unknown member": changed(person="x"),
        "another kind": changed(kind="wipe"),
        "signed by another key": signed(PAGE, PERSON),
        "a blank": page.replace(b",", b", ", 1),
        "an accepted page": good,
    }
    broken = {
        "accepted by the installer": acceptance(page, INSTALLER),
        "accepted before it was signed": acceptance(page, accepted_utc_s=1_789_999_999),
        "a page of another installer": acceptance(signed(PAGE, PERSON)),
        "signed by another than it names": acceptance(
            page, person=bytes(INSTALLER.verify_key).hex()
        ),
        "a page alone": page,
    }
    return {
        "page": page.decode(),
        "page without a point": changed(plan=None).decode(),
        "good": good.decode(),
        "broken pages": {name: one.decode() for name, one in broken_pages.items()},
        "broken": {name: one.decode() for name, one in broken.items()},
    }
