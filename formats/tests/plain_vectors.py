"""Make the vectors of all formats that are not envelopes, written out member by member."""

from base64 import b64encode
from hashlib import sha256

from formats.tests.second_encoder import CAMERA, ESTATE, canonical, name_of, secret

CANDIDATE: dict[str, object] = {
    "kind": "candidate",
    "camera": name_of(CAMERA).hex(),
    "site": "north-gate",
    "boot_id": secret("boot")[:16].hex(),
    "sequence": 7,
    "captured_utc_ms": 1_767_225_600_123,
    "captured_mono_ns": 61_500_000_000,
    "time_quality": 1,
    "entry": secret("entry")[:16].hex(),
    "score_ppm": 612_345,
    "threshold_ppm": 540_000,
    "predicted_fpir_ppb": 20_000,
    "list_version": 12,
    "list_digest": secret("list").hex(),
    "model_digest": secret("model").hex(),
    "runtime": "ai-edge-litert 2.3.0",
    "policy_digest": secret("policy").hex(),
    "lease_id": secret("lease")[:16].hex(),
    "firmware_digest": secret("firmware").hex(),
    "track": {
        "first_seen_mono_ns": 61_000_000_000,
        "last_seen_mono_ns": 61_500_000_000,
        "frames_seen": 6,
        "frames_agreed": 4,
    },
    "quality": {
        "face_height_px": 96,
        "inter_eye_px": 41,
        "sharpness_centi": 1830,
        "exposure_centi": 52,
    },
    "crop_jpeg": b64encode(b"\xff\xd8 not really a face \xff\xd9").decode(),
    "retain_until_utc_s": 1_769_817_600,
}


def events() -> dict[str, object]:
    """Make event.json."""
    good = canonical(CANDIDATE).decode()
    without_crop = canonical({**CANDIDATE, "crop_jpeg": None}).decode()
    texts = {
        "a duplicate key": good.replace('{"boot_id"', '{"boot_id":"","boot_id"'),
        "a blank": good.replace(",", ", ", 1),
        "a trailing newline": good + "\n",
        "a float": good.replace("612345", "612345.0"),
        "NaN": good.replace("612345", "NaN"),
    }
    fields: dict[str, dict[str, object]] = {
        "an unknown field": {"name": "somebody"},
        "another kind": {"kind": "status"},
        "a camera that is too short": {"camera": "00"},
        "upper-case hex": {"entry": name_of(CAMERA).hex().upper()},
        "a score below the threshold": {"score_ppm": 539_999},
        "a score above one": {"score_ppm": 1_000_001},
        "a score in words": {"score_ppm": "612345"},
        "true for a number": {"list_version": True},
        "a time quality nobody knows": {"time_quality": 3},
        "sequence 0": {"sequence": 0},
        "a site of two lines": {"site": "north\ngate"},
        "a site with a direction override": {"site": "north\u202egate"},
        "base64 with spare bits set": {"crop_jpeg": "/9h="},
        "an empty crop": {"crop_jpeg": ""},
        "a retention in milliseconds": {"retain_until_utc_s": 1_769_817_600_000},
        "no track": {"track": None},
        "a deciding frame before the track": {"captured_mono_ns": 1},
    }
    texts |= {name: canonical({**CANDIDATE, **field}).decode() for name, field in fields.items()}
    return {"good": {"with a crop": good, "without a crop": without_crop}, "broken": texts}


def held_back() -> dict[str, object]:
    """Make held_back.json: events of entries that had paused."""
    said = {"times": 1180, "since_utc_s": 1_767_222_120}
    broken: dict[str, object] = {
        "null": None,
        "nothing held back": {**said, "times": 0},
        "no moment": {"times": 1180},
        "a moment in milliseconds": {**said, "since_utc_s": 1_767_222_120_000},
        "an unknown field": {**said, "place": "north"},
    }
    good = canonical({**CANDIDATE, "held_back": said}).decode()
    texts = {name: canonical({**CANDIDATE, "held_back": v}).decode() for name, v in broken.items()}
    return {"good": {"an event of an entry that had paused": good}, "broken": texts}


STATUS: dict[str, object] = {
    "kind": "status",
    "camera": name_of(CAMERA).hex(),
    "site": "north-gate",
    "boot_id": CANDIDATE["boot_id"],
    "sequence": 8,
    "sent_utc_ms": 1_767_225_900_000,
    "time_quality": 1,
    "looking_s": 7_260,
    "lease_id": CANDIDATE["lease_id"],
    "version": "0.1.0",
    "firmware_digest": CANDIDATE["firmware_digest"],
    "model_digest": CANDIDATE["model_digest"],
    "runtime": CANDIDATE["runtime"],
    "list_version": 12,
    "list_digest": CANDIDATE["list_digest"],
    "list_expires_utc_s": 1_767_830_400,
    "policy_digest": CANDIDATE["policy_digest"],
    "waiting": 2,
    "ledger_size": 412,
    "ledger_digest": "c7" * 32,
    "temperature_centi": 4_580,
}


def statuses() -> dict[str, object]:
    """Make status.json."""
    good = canonical(STATUS).decode()
    cold = canonical({**STATUS, "temperature_centi": None}).decode()
    fields: dict[str, dict[str, object]] = {
        "a count of faces": {"faces": 3},
        "another kind": {"kind": "candidate"},
        "a camera that is too short": {"camera": "00"},
        "a list of version 0": {"list_version": 0},
        "a temperature as a float": {"temperature_centi": 45.8},
        "a temperature of the sun": {"temperature_centi": 550_000},
        "less than nothing waiting": {"waiting": -1},
        "a ledger without a digest": {"ledger_digest": ""},
        "a time in seconds with a fraction": {"looking_s": "7260.5"},
    }
    texts = {name: canonical({**STATUS, **field}).decode() for name, field in fields.items()}
    texts["a blank"] = good.replace(",", ", ", 1)
    return {"good": {"with a sensor": good, "without one": cold}, "broken": texts}


def ledgers() -> dict[str, object]:
    """Make ledger.json."""
    happened: list[tuple[str, dict[str, int | str]]] = [
        ("start", {"version": "0.1.0"}),
        ("list_accepted", {"version": 12, "digest": secret("list").hex()}),
        ("period_end", {"frames": 1200, "faces": 31, "searched": 12, "candidates": 1}),
        ("stop", {}),
    ]
    lines: list[bytes] = []
    for seq, (event, body) in enumerate(happened):
        record = {
            "seq": seq,
            "previous": sha256(lines[-1]).hexdigest() if lines else "0" * 64,
            "program": "watch",
            "mono_ns": 10_000_000_000 + seq,
            "utc_ms": 1_767_225_600_000 + seq,
            "event": event,
            "body": body,
        }
        lines.append(canonical(record))
    head = {
        "origin": "north-gate/watch",
        "size": len(lines),
        "digest": sha256(lines[-1]).hexdigest(),
    }
    signature = CAMERA.sign(b"tallylight-checkpoint-v1\0" + canonical(head)).signature
    return {
        "lines": [line.decode() for line in lines],
        "checkpoint": canonical({**head, "signature": signature.hex()}).decode(),
        "key": bytes(CAMERA.verify_key).hex(),
    }


def leases() -> dict[str, object]:
    """Make lease.json."""
    lease_id = secret("lease")[:16].hex()
    deadline = (61_700_000_000).to_bytes(8, "little").hex()
    return {
        "good": {
            "ask": "0101",
            "beat": "0102",
            "stop": "0103",
            "locate": "0104",
            "grant until 61700000000": f"0181{lease_id}{deadline}",
            "refused, fault": "018201",
            "refused, busy": "018202",
            "refused, not ready": "018203",
            "refused, locating": "018204",
            "blinking": "0183",
        },
        "broken": {
            "nothing": "",
            "another version": "0201",
            "an unknown request": "0105",
            "a request and a byte": "010100",
            "a refusal without a reason": "0182",
            "blinking and a byte": "018300",
            "an unknown reason": "018205",
            "a grant cut short": f"0181{lease_id}{deadline[:-2]}",
            "a grant and a byte": f"0181{lease_id}{deadline}00",
            "a grant under another code": f"0180{lease_id}{deadline}",
            "a grant that ended at boot": f"0181{lease_id}{'00' * 8}",
            "a grant for ever": f"0181{lease_id}{'ff' * 8}",
        },
    }


def topics() -> dict[str, object]:
    """Make topics.json."""
    camera = name_of(CAMERA).hex()
    root = f"tallylight/v1/{camera}"
    return {
        "good": [f"{root}/event", f"{root}/status", f"{root}/receipt", f"{root}/site"],
        "broken": [
            "",
            f"/{root}/event",
            f"{root}/event/",
            f"{root}/event\n",
            f"{root}/EVENT",
            f"{root}/cmd",
            f"{root}/",
            f"tallylight/v2/{camera}/event",
            f"tallylight/v1/{camera[:-1]}/event",
            f"tallylight/v1/{camera.upper()}/event",
            "tallylight/v1/+/event",
            "tallylight/v1/#",
            "tallylight/v1/north-gate/event",
        ],
    }


VERDICT: dict[str, object] = {
    "kind": "verdict",
    "event": secret("envelope").hex(),
    "judgement": "match",
    "reviewer": name_of(ESTATE).hex(),
    "given_utc_ms": 1_767_225_660_000,
    "camera": name_of(CAMERA).hex(),
    "captured_utc_ms": 1_767_225_600_123,
    "lease_id": secret("lease")[:16].hex(),
    "list_version": 12,
    "list_digest": secret("list").hex(),
    "model_digest": secret("model").hex(),
    "policy_digest": secret("policy").hex(),
    "threshold_ppm": 540_000,
    "retain_until_utc_s": 1_769_817_600,
}
DESTRUCTION: dict[str, object] = {
    "kind": "destruction",
    "event": secret("envelope").hex(),
    "camera": name_of(CAMERA).hex(),
    "ground": "retention",
    "destroyed_utc_ms": 1_769_817_600_500,
}


def portrait_shown(payload: bytes, jpeg: bytes) -> str:
    """Return what a verdict says of the enrolment picture that was shown beside an event."""
    return sha256(b"tallylight-portrait-shown-v1\0" + sha256(payload).digest() + jpeg).hexdigest()


def verdicts() -> dict[str, object]:
    """Make verdict.json."""
    domain, opened, jpeg = b"tallylight-verdict-v1\0", b"an opened event", b"\xff\xd8\xff a picture"
    shown = portrait_shown(opened, jpeg)
    return {
        "portrait": {"event_payload": opened.hex(), "jpeg": jpeg.hex(), "digest": shown},
        "with_portrait": _signed_statement(VERDICT | {"portrait_digest": shown}, domain),
        "without_portrait": _signed_statement(VERDICT | {"portrait_digest": "none"}, domain),
    } | _statements(
        VERDICT,
        domain,
        {
            "a portrait's digest that is too short": {"portrait_digest": "00" * 31},
            "a portrait's digest in upper case": {"portrait_digest": "AB" * 32},
            "a portrait without a digest": {"portrait_digest": ""},
            "a portrait that is null": {"portrait_digest": None},
            "a portrait that is a number": {"portrait_digest": 0},
            "another kind": {"kind": "decision"},
            "a judgement nobody knows": {"judgement": "maybe"},
            "upper-case hex": {"event": secret("envelope").hex().upper()},
            "a digest that is too short": {"event": "00"},
            "a score": {"score_ppm": 1},
            "a retention in milliseconds": {"retain_until_utc_s": 1_769_817_600_000},
            "list version 0": {"list_version": 0},
        },
    )


def destructions() -> dict[str, object]:
    """Make destruction.json."""
    return _statements(
        DESTRUCTION,
        b"tallylight-destruction-v1\0",
        {
            "another kind": {"kind": "verdict"},
            "a ground nobody knows": {"ground": "mislaid"},
            "a camera that is too short": {"camera": "00"},
            "a time before 1970": {"destroyed_utc_ms": -1},
            "a name": {"name": "somebody"},
        },
    )


def _signed_statement(statement: dict[str, object], domain: bytes) -> str:
    signature = ESTATE.sign(domain + canonical(statement)).signature
    return canonical({**statement, "signature": signature.hex()}).decode()


def _statements(
    members: dict[str, object], domain: bytes, changes: dict[str, dict[str, object]]
) -> dict[str, object]:
    """Make a signed statement, the same with one bit of its signature changed, and broken ones."""

    def signed(changed: dict[str, object]) -> str:
        return _signed_statement({**members, **changed}, domain)

    good = signed({})
    return {
        "good": good,
        "forged": signed({"event": secret("another").hex()}).replace(
            secret("another").hex(), secret("envelope").hex()
        ),
        "broken": {
            "a blank": good.replace(",", ", ", 1),
            "a trailing newline": good + "\n",
            "no signature": canonical(members).decode(),
            **{name: signed(changed) for name, changed in changes.items()},
        },
        "key": bytes(ESTATE.verify_key).hex(),
    }
