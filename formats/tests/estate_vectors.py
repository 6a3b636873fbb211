"""Make the vectors of enrolment pictures and budget statements."""

from base64 import b64encode

from formats.tests.second_encoder import (
    ALICE,
    BOB,
    CAMERA,
    ESTATE,
    STRANGER,
    SUPPLIER,
    Recipe,
    Slot,
    canonical,
    name_of,
    secret,
)

HANDLE = secret("entry")[:16]
PORTRAIT = Recipe(
    magic=b"TALLYPT1",
    domain=b"tallylight-portrait-v1\0",
    bucket=64 * 1024,
    payload=HANDLE + b"\xff\xd8\xff not really a face \xff\xd9",
    sender=SUPPLIER,
    slots=(Slot(ALICE), Slot(BOB)),
    boot_id=HANDLE,
    sequence=1,
    key_epoch=0,
    time_quality=0,
    previous=bytes(32),
)
CAMERAS: list[dict[str, object]] = [
    {"camera": name_of(CAMERA).hex(), "state": "within", "false_alarms": 3, "passers_by": 12_000},
    {"camera": name_of(STRANGER).hex(), "state": "broken", "false_alarms": 40, "passers_by": 912},
]
IN_LOOKS: list[dict[str, object]] = [
    {"camera": name_of(CAMERA).hex(), "state": "within", "false_alarms": 3, "searched": 120_000},
    {"camera": name_of(STRANGER).hex(), "state": "broken", "false_alarms": 40, "searched": 9_120},
]
"""As an earlier version stated it: in looks, several of each passer-by."""
BUDGET: dict[str, object] = {
    "kind": "budget",
    "site": "north-gate",
    "issued_utc_s": 1_767_225_600,
    "cameras": CAMERAS,
}


def portraits() -> dict[str, object]:
    """Make portrait.json; broken portraits are broken for the first reader."""
    return {
        "supplier": bytes(SUPPLIER.verify_key).hex(),
        "handle": HANDLE.hex(),
        "keys": [bytes(key).hex() for key in (ALICE, BOB)],
        "jpeg": b64encode(PORTRAIT.payload[16:]).decode(),
        "blob": b64encode(PORTRAIT.encode()).decode(),
        "refused": [
            {
                "name": "shown beside another entry",
                "as": "Forged",
                "handle": secret("another entry")[:16].hex(),
            },
            {
                "name": "by a policy that names another supplier",
                "as": "Forged",
                "supplier": bytes(ESTATE.verify_key).hex(),
            },
            {
                "name": "no JPEG",
                "as": "Malformed",
                "blob": b64encode(PORTRAIT.but(payload=HANDLE + b"GIF89a").encode()).decode(),
            },
        ],
    }


def budgets() -> dict[str, object]:
    """Make budget.json."""
    good = canonical(BUDGET).decode()

    def changed(**fields: object) -> str:
        return canonical({**BUDGET, "cameras": [{**CAMERAS[0], **fields}]}).decode()

    return {
        "good": {
            "two cameras": good,
            "no camera": canonical({**BUDGET, "cameras": []}).decode(),
            "two cameras, counted in looks": canonical({**BUDGET, "cameras": IN_LOOKS}).decode(),
        },
        "broken": {
            "a blank": good.replace(",", ", ", 1),
            "a trailing newline": good + "\n",
            "another kind": canonical({**BUDGET, "kind": "verdict"}).decode(),
            "an unknown field": canonical({**BUDGET, "name": "somebody"}).decode(),
            "a site of two lines": canonical({**BUDGET, "site": "north\ngate"}).decode(),
            "a time in milliseconds": canonical(
                {**BUDGET, "issued_utc_s": 1_767_225_600_000}
            ).decode(),
            "too many cameras": canonical({**BUDGET, "cameras": CAMERAS * 33}).decode(),
            "a state nobody knows": changed(state="fine"),
            "a camera that is too short": changed(camera="00"),
            "fewer than no false alarms": changed(false_alarms=-1),
            "a share for a number": changed(passers_by=0.5),
            "two units": changed(searched=120_000),
        },
    }
