"""Test vectors of a registration, spelled out without the code that they test."""

from base64 import b64encode
from hashlib import blake2b, sha256

from nacl.bindings import crypto_box_beforenm
from nacl.public import PrivateKey
from nacl.signing import SigningKey

from formats.tests.second_encoder import canonical, secret

INSTALLER = SigningKey(secret("installer"))
SIGN, LAMPGUARD, COURIER = (SigningKey(secret(name)) for name in ("sign", "lampguard", "courier"))
LIST, RECEIPT, EPHEMERAL = (PrivateKey(secret(name)) for name in ("list", "receipt", "ephemeral"))
NONCE = secret("laptop's nonce")
CERTIFICATE = b"-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n"


def base64(data: bytes) -> str:
    return b64encode(data).decode()


def statement(members: dict[str, object]) -> bytes:
    return f"tallylight-{members['kind']}-v1\0".encode() + canonical(members)


def signed(members: dict[str, object], key: SigningKey) -> bytes:
    signature = key.sign(statement(members)).signature
    return canonical({**members, "signature": signature.hex()})


def hello() -> bytes:
    members: dict[str, object] = {
        "kind": "registration-hello",
        "site": "mill",
        "installer": bytes(INSTALLER.verify_key).hex(),
        "ephemeral": bytes(EPHEMERAL.public_key).hex(),
        "commitment": sha256(b"tallylight-registration-nonce-v1\0" + NONCE).hexdigest(),
    }
    return signed(members, INSTALLER)


def camera_request() -> bytes:
    body = {
        "csr": base64(b"csr"),
        "sign_key": bytes(SIGN.verify_key).hex(),
        "lampguard_key": bytes(LAMPGUARD.verify_key).hex(),
        "courier_key": bytes(COURIER.verify_key).hex(),
        "list_key": bytes(LIST.public_key).hex(),
        "receipt_key": bytes(RECEIPT.public_key).hex(),
    }
    signature = SIGN.sign(b"tallylight-enrolment-v1\0" + canonical(body)).signature
    return canonical({"request": body, "signature": signature.hex()})


def request(board_key: str = "otp") -> bytes:
    members: dict[str, object] = {
        "kind": "registration-request",
        "hello_digest": sha256(hello()).hexdigest(),
        "nonce": secret("camera's nonce").hex(),
        "camera_request": base64(camera_request()),
        "serial": "10000000abcdef01",
        "mac": "020000000001",
        "board": "pi5",
        "board_key": board_key,
        "image": "0.16.0",
        "image_digest": secret("image").hex(),
        "nets_digest": secret("nets").hex(),
        "boot_loader_utc_s": 1_767_225_600,
    }
    said = statement(members)
    proofs: dict[str, object] = {
        name: key.sign(said).signature.hex()
        for name, key in (("sign", SIGN), ("lampguard", LAMPGUARD), ("courier", COURIER))
    }
    for name, key in (("list", LIST), ("receipt", RECEIPT)):
        shared = crypto_box_beforenm(bytes(EPHEMERAL.public_key), bytes(key))
        proofs[name] = blake2b(said, key=shared, digest_size=32).hexdigest()
    return canonical({**members, "proofs": proofs})


def transcript(asked: bytes) -> bytes:
    parts = sha256(hello()).digest() + sha256(asked).digest() + NONCE
    return sha256(b"tallylight-registration-transcript-v1\0" + parts).digest()


def code(of: bytes) -> list[int]:
    digits = sha256(b"tallylight-registration-code-v1\0" + of).hexdigest()[:5]
    return [int(digit, 16) + 1 for digit in digits]


def acceptance(of: bytes, *, training: bool = False) -> bytes:
    members: dict[str, object] = {
        "kind": "registration-acceptance",
        "transcript": of.hex(),
        "site": "mill",
        "root_digest": secret("root").hex(),
        "installer": bytes(INSTALLER.verify_key).hex(),
        "place": "3-2.1",
        "certificate": base64(CERTIFICATE),
        "authority": base64(CERTIFICATE),
        "broker_host": "broker.example.org",
        "network": {
            "address": "192.0.2.21/24",
            "gateway": "192.0.2.1",
            "time_servers": ["192.0.2.5"],
        },
        "broker_port": 8883,
        "training": training,
        "accepted_utc_s": 1_790_000_000,
    }
    return signed(members, INSTALLER)


def lamp_record(of: bytes, key: SigningKey = SIGN, **changes: object) -> bytes:
    edges, at_ms = [], 1500
    for blinks in code(of):
        for _ in range(blinks):
            edges += [{"at_ms": at_ms, "lit": True}, {"at_ms": at_ms + 200, "lit": False}]
            at_ms += 400
        at_ms += 1300
    members: dict[str, object] = {
        "kind": "lamp-record",
        "camera": blake2b(bytes(SIGN.verify_key), digest_size=16).hexdigest(),
        "serial": "10000000abcdef01",
        "transcript": of.hex(),
        "edges": edges,
        "dark_samples": 900,
        "dark_sensed": 0,
        "lit_samples": 700,
        "lit_sensed": 700,
    }
    return signed({**members, **changes}, key)


def record(**changes: object) -> bytes:
    asked = request()
    of = transcript(asked)
    members: dict[str, object] = {
        "kind": "registration",
        "number": 0,
        "previous": bytes(32).hex(),
        "installer": bytes(INSTALLER.verify_key).hex(),
        "registered_utc_s": 1_790_000_060,
        "hello": base64(hello()),
        "request": base64(asked),
        "look": base64(canonical({"kind": "registration-look", "nonce": NONCE.hex()})),
        "acceptance": base64(acceptance(of)),
        "lamp_record": base64(lamp_record(of)),
    }
    return signed({**members, **changes}, INSTALLER)


def registrations() -> dict[str, object]:
    """Make registration.json."""
    asked = request()
    of = transcript(asked)
    other = secret("another transcript")
    kept_in_a_file = request("host")
    lamp = {
        "a lamp record by another key": lamp_record(of, LAMPGUARD),
        "a lamp that is dark": lamp_record(of, lit_sensed=699),
        "a sense line that is high": lamp_record(of, dark_sensed=1),
        "no blinks": lamp_record(of, edges=[]),
        "the code of another transcript": lamp_record(other, transcript=of.hex()),
        "the lamp record of another registration": lamp_record(other),
        "the lamp record of another board": lamp_record(of, serial="1"),
    }
    broken = {name: record(lamp_record=base64(one)) for name, one in lamp.items()} | {
        "another nonce": record(
            look=base64(canonical({"kind": "registration-look", "nonce": other.hex()}))
        ),
        "the acceptance of another registration": record(acceptance=base64(acceptance(other))),
        "a board that keeps its key in a file": record(
            request=base64(kept_in_a_file),
            acceptance=base64(acceptance(transcript(kept_in_a_file))),
            lamp_record=base64(lamp_record(transcript(kept_in_a_file))),
        ),
        "a record by another installer": record(installer=bytes(SIGN.verify_key).hex()),
        "an unknown member": record(name="somebody"),
    }
    return {
        "hello": hello().decode(),
        "request": asked.decode(),
        "ephemeral": bytes(EPHEMERAL).hex(),
        "transcript": of.hex(),
        "code": code(of),
        "lamp_record": lamp_record(of).decode(),
        "good": record().decode(),
        "broken": {name: one.decode() for name, one in broken.items()},
    }
