"""Test vectors of the service cable, spelled out without the code that they test."""

from nacl.signing import SigningKey

from formats.tests.registration_vectors import INSTALLER, signed
from formats.tests.second_encoder import canonical, secret

CAMERA, NONCE = secret("camera")[:16], secret("service nonce")


def request(act: str = "report", key: SigningKey = INSTALLER, **changes: object) -> bytes:
    members: dict[str, object] = {
        "kind": "service-request",
        "act": act,
        "camera": CAMERA.hex(),
        "installer": bytes(INSTALLER.verify_key).hex(),
        "nonce": NONCE.hex(),
    }
    return signed({**members, **changes}, key)


def services() -> dict[str, object]:
    """Make service.json."""
    call = {"camera": CAMERA.hex(), "kind": "service-call"}
    hello = {"camera": CAMERA.hex(), "kind": "service-hello", "nonce": NONCE.hex()}
    good = {
        "call": canonical(call),
        "hello": canonical(hello),
        "report": request(),
        "locate": request("locate"),
    }
    broken = {
        "an unknown act": request("look"),
        "another key": request(key=SigningKey(secret("stranger"))),
        "another camera": request(camera="00" * 16),
        "another connection": request(nonce="00" * 32),
        "more than it says": request(duration=60),
        "a changed act": request().replace(b'"report"', b'"locate"'),
        "cut off": request()[:-1],
    }
    return {
        "installer": bytes(INSTALLER.verify_key).hex(),
        "good": {name: message.decode() for name, message in good.items()},
        "broken": {name: message.decode() for name, message in broken.items()},
    }
