"""Make the vectors of the case file; its columns are packed by hand."""

from base64 import b64encode

from formats.tests.second_encoder import canonical, secret

ADDED, REVIEW, EXPIRES = 1_767_225_600, 1_769_000_000, 1_769_817_600
HANDLES = sorted(secret(name)[:16] for name in ("first", "second", "third"))
TEXTS = sorted(
    [
        *("Family", "Inspector", "Nothing else found them.", "Other Act, section 2", "Police file"),
        *("Some Act, section 1", "Superintendent", "estate", "missing person", "police"),
    ]
)


def numbers(*values: int) -> str:
    """Pack numbers little-endian, 32 bits each, in base64."""
    return b64encode(b"".join(value.to_bytes(4, "little") for value in values)).decode()


def packed(data: bytes) -> str:
    return b64encode(data).decode()


def places(*texts: str) -> str:
    return numbers(*map(TEXTS.index, texts))


ENTRIES: dict[str, str] = {
    "handle": packed(b"".join(HANDLES)),
    "case_digest": packed(b"".join(secret(f"case {number}") for number in range(3))),
    "organisation": places("police", "estate", "police"),
    "requested_by": places("Inspector", "Superintendent", "Inspector"),
    "approved_by": places("Superintendent", "Superintendent", "Superintendent"),
    "category": places("missing person", "missing person", "missing person"),
    "legal_basis": places("Some Act, section 1", "Other Act, section 2", "Some Act, section 1"),
    "necessity": places(*["Nothing else found them."] * 3),
    "source": places("Family", "Police file", "Family"),
    "flags": packed(bytes([0, 5, 2])),
    "pictures": packed(bytes([1, 3, 1])),
    "added_utc_s": numbers(ADDED, ADDED + 1, ADDED + 2),
    "review_utc_s": numbers(REVIEW, REVIEW + 1, EXPIRES),
    "expires_utc_s": numbers(EXPIRES, EXPIRES, EXPIRES),
}
PICTURES: dict[str, str] = {
    "face_height_px": numbers(200, 201, 202, 203, 204),
    "inter_eye_px": numbers(80, 81, 82, 83, 84),
    "sharpness_centi": numbers(30, 31, 32, 33, 34),
    "exposure_centi": numbers(50, 51, 52, 53, 54),
}
CASEFILE: dict[str, object] = {
    "format": "tallylight-casefile/2",
    "site": "north-gate",
    "version": 12,
    "issued_utc_s": ADDED,
    "expires_utc_s": ADDED + 7 * 86400,
    "model_digest": secret("model").hex(),
    "policy_digest": secret("policy").hex(),
    "body_digest": secret("body").hex(),
    "dim": 128,
    "texts": TEXTS,
    "entries": ENTRIES,
    "pictures": PICTURES,
}


def casefiles() -> dict[str, object]:
    """Make casefile.json."""
    good = canonical(CASEFILE).decode()
    columns: dict[str, dict[str, str]] = {
        "handles out of order": {"handle": packed(b"".join(reversed(HANDLES)))},
        "one handle twice": {"handle": packed(HANDLES[0] * 2 + HANDLES[2])},
        "a handle cut short": {"handle": packed(b"".join(HANDLES)[:-1])},
        "a handle too many": {"handle": packed(b"".join(HANDLES) + b"\xff" * 16)},
        "a digest missing": {"case_digest": packed(secret("case 0") * 2)},
        "a flag missing": {"flags": packed(bytes(2))},
        "a flag that nobody knows": {"flags": packed(bytes([0, 8, 0]))},
        "an entry without pictures": {"pictures": packed(bytes([2, 3, 0]))},
        "an entry of nine pictures": {"pictures": packed(bytes([9, 1, 1]))},
        "a picture too many": {"pictures": packed(bytes([1, 3, 2]))},
        "a text that is not there": {"source": numbers(0, len(TEXTS), 0)},
        "a text that nobody says": {"source": places(*["Family"] * 3)},
        "a place missing": {"source": places("Family", "Police file")},
        "a number cut short": {"source": packed(bytes(11))},
        "a review before the entry": {"review_utc_s": numbers(REVIEW, ADDED, REVIEW)},
        "an end before the review": {"expires_utc_s": numbers(REVIEW, REVIEW, EXPIRES)},
        "a moment before 2020": {"added_utc_s": numbers(1, 2, 3)},
        "a moment after 2100": {"expires_utc_s": numbers(*[4_102_444_801] * 3)},
        "a date missing": {"added_utc_s": numbers(ADDED, ADDED)},
        "base64 with spare bits set": {"flags": "AAUD="},
    }
    qualities: dict[str, dict[str, str]] = {
        "a figure too few": {"inter_eye_px": numbers(80, 81, 82, 83)},
        "a figure too large": {"inter_eye_px": numbers(80, 81, 82, 83, 2**31)},
    }
    tables: dict[str, list[str]] = {
        "texts out of order": list(reversed(TEXTS)),
        "a text twice": [*TEXTS, TEXTS[-1]],
        "an empty text": ["", *TEXTS],
        "a text of two lines": [*TEXTS[:-1], "police\nestate"],
        "a text with a direction override": [*TEXTS[:-1], "police\u202e"],
        "a role of 129 characters": [*TEXTS[:-1], "police" + "e" * 123],
    }
    fields: dict[str, object] = {
        "format": "tallylight-casefile/1",
        "version": 0,
        "dim": 0,
        "expires_utc_s": ADDED + 7 * 86400 + 1,
        "site": "",
        "name": "somebody",
    }

    def broken(**changes: object) -> str:
        return canonical({**CASEFILE, **changes}).decode()

    return {
        "good": good,
        "broken": {
            "a blank": good.replace(",", ", ", 1),
            "a trailing newline": good + "\n",
            **{name: broken(entries={**ENTRIES, **new}) for name, new in columns.items()},
            **{name: broken(pictures={**PICTURES, **new}) for name, new in qualities.items()},
            **{name: broken(texts=texts) for name, texts in tables.items()},
            **{f"another {name}": broken(**{name: value}) for name, value in fields.items()},
        },
    }
