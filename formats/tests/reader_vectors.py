"""Make the vectors on which two readers of the books must agree: lines, checkpoints, signed words.

Each broken text has its reason as its name. The signatures of broken checkpoints, verdicts and acts
hold, where a signature can: the text is refused for what it says.
"""

from hashlib import sha256

from formats.tests.act_vectors import EXPORT, HOLD, RELEASE
from formats.tests.plain_vectors import VERDICT
from formats.tests.second_encoder import CAMERA, ESTATE, canonical, name_of

RECORD: dict[str, object] = {
    "seq": 0,
    "previous": "0" * 64,
    "program": "estate",
    "mono_ns": 61_500_000_000,
    "utc_ms": 1_767_225_600_123,
    "event": "stored",
    "body": {"camera": "0f" * 16, "sequence": 7, "to": "Großes Tor"},
}
CHECKPOINT: dict[str, object] = {"origin": "estate", "size": 4, "digest": "1e" * 32}
BIG = 2**63 - 1


def readers() -> dict[str, object]:
    """Make readers.json."""
    return {
        "key": bytes(ESTATE.verify_key).hex(),
        "record": {"good": _good_records(), "broken": _broken_records()},
        "checkpoint": {"good": _good_checkpoints(), "broken": _broken_checkpoints()},
        "verdict": {"good": _good_verdicts(), "broken": _broken_verdicts()},
        "second_key": bytes(CAMERA.verify_key).hex(),
        "act": {"good": _good_acts(), "broken": _broken_acts()},
    }


def _texts(members: dict[str, object], changes: dict[str, dict[str, object]]) -> dict[str, str]:
    return {why: canonical(members | change).decode() for why, change in changes.items()}


def _good_records() -> dict[str, str]:
    changes: dict[str, dict[str, object]] = {
        "as it is written": {},
        "an empty body": {"body": {}},
        "32 members in the body": {"body": {f"member {n:02}": n for n in range(32)}},
        "the largest number": {"utc_ms": BIG},
        "the smallest number in the body": {"body": {"a": -BIG}},
        "a member without a name, a text without a letter": {"body": {"": ""}},
        "control characters that are escaped": {"body": {"a": '"\\\b\f\n\r\t\x00\x1f\x7f'}},
        "characters outside the basic plane": {"body": {"a": "\U0001f4f7 \U0010ffff"}},
        "a direction override in the body": {"body": {"a": "\u202e"}},
    }
    return _texts(RECORD, changes)


def _broken_records() -> dict[str, str]:
    good = canonical(RECORD).decode()
    changes: dict[str, dict[str, object]] = {
        "an event that no program writes": {"event": "noticed"},
        "an event that is a list": {"event": ["stored"]},
        "a program that does not exist": {"program": "nobody"},
        "a program that is null": {"program": None},
        "true in the body": {"body": {"a": True}},
        "null in the body": {"body": {"a": None}},
        "an object in the body": {"body": {"a": {}}},
        "a list in the body": {"body": {"a": []}},
        "33 members in the body": {"body": {f"member {n:02}": n for n in range(33)}},
        "a body that is a list": {"body": []},
        "a body that is a text": {"body": "a"},
        "a number of 65 bits in the body": {"body": {"a": 2**64}},
        "a number of 64 bits in the body": {"body": {"a": 2**63}},
        "the number below the smallest in the body": {"body": {"a": -(2**63)}},
        "a time of 64 bits": {"utc_ms": 2**63},
        "a negative time": {"utc_ms": -1},
        "a negative time since the start": {"mono_ns": -1},
        "a negative number of the line": {"seq": -1},
        "false for the number of the line": {"seq": False},
        "a list for the number of the line": {"seq": []},
        "a text for the number of the line": {"seq": "0"},
        "upper-case hex": {"previous": "AB" * 32},
        "hex with blanks": {"previous": " 0" * 32},
        "hex that is too short": {"previous": "00" * 31},
        "digits of another script": {"previous": "\u0660" * 64},
        "a number for hex": {"previous": 0},
        "a member too many": {"note": "a"},
        "a line that is too long": {"body": {"a": "a" * 4096}},
    }
    texts = {
        "a member too few": good.replace('"mono_ns":61500000000,', ""),
        "nothing": "",
        "a list": "[]",
        "a number": "7",
        "null": "null",
        "a text": '"seq"',
        "a float": good.replace(":7", ":7.0"),
        "an exponent": good.replace(":7", ":7e0"),
        "a leading zero": good.replace(":7", ":07"),
        "minus zero": good.replace(":7", ":-0"),
        "NaN": good.replace(":7", ":NaN"),
        "a blank": good.replace(",", ", ", 1),
        "a line end": good + "\n",
        "a carriage return": good + "\r",
        "a byte-order mark": "\ufeff" + good,
        "members that are not sorted": "{" + good[good.index('"event"') : -1] + ',"body":{}}',
        "a member twice": good.replace('"event"', '"event":"start","event"'),
        "a member of the body twice": good.replace('"sequence"', '"sequence":1,"sequence"'),
        "a letter that is escaped": good.replace("Tor", "\\u0054or"),
        "an umlaut that is escaped": good.replace("ß", "\\u00df"),
        "a slash that is escaped": good.replace("Tor", "\\/"),
        "upper-case in an escape": good.replace("Tor", "\\u001F"),
        "half a surrogate pair": good.replace("Tor", "\\ud800"),
        "a bare control character": good.replace("Tor", "\t"),
        "an object that does not end": good[:-1],
        "a second object": good + good,
        "lists without end": "[" * 4096,
    }
    return texts | _texts(RECORD, changes)


def _signed_checkpoint(change: dict[str, object], domain: bytes = b"checkpoint") -> str:
    statement = CHECKPOINT | change
    message = b"tallylight-" + domain + b"-v1\0" + canonical(statement)
    return canonical(statement | {"signature": ESTATE.sign(message).signature.hex()}).decode()


def _good_checkpoints() -> dict[str, str]:
    changes: dict[str, dict[str, object]] = {
        "as it is signed": {},
        "a camera's": {"origin": "0f" * 16 + "/watch"},
        "the largest size": {"size": BIG},
        "a long origin": {"origin": "ü" * 128},
        "an emoji with a variation selector": {"origin": "\u2764\ufe0f \U000e0100"},
    }
    return {why: _signed_checkpoint(change) for why, change in changes.items()}


def _broken_checkpoints() -> dict[str, str]:
    changes: dict[str, dict[str, object]] = {
        "of no lines": {"size": 0},
        "a negative size": {"size": -1},
        "a size of 64 bits": {"size": 2**63},
        "true for a size": {"size": True},
        "a text for a size": {"size": "4"},
        "no origin": {"origin": ""},
        "an origin that is too long": {"origin": "a" * 129},
        "an origin that is a number": {"origin": 7},
        "an origin of two lines": {"origin": "a\nb"},
        "an origin with a direction override": {"origin": "\u202eestate"},
        "an origin with a blank that is none": {"origin": "the\u00a0estate"},
        "an origin with a tag": {"origin": "estate\U000e0041"},
        "an origin for private use": {"origin": "\ue000"},
        "upper-case hex": {"digest": "1E" * 32},
        "a digest that is too long": {"digest": "1e" * 33},
        "a digest that is null": {"digest": None},
        "a member too many": {"note": "a"},
    }
    good = _signed_checkpoint({})
    texts = {
        "another purpose": _signed_checkpoint({}, b"verdict"),
        "an upper-case signature": good.replace(good[-74:-4], good[-74:-4].upper()),
        "no signature": canonical(CHECKPOINT).decode(),
        "a blank": good.replace(",", ", ", 1),
        "a carriage return": good + "\r",
        "a byte-order mark": "\ufeff" + good,
        "more than 1,024 bytes": good + " " * 1024,
        "another size": good.replace('"size":4', '"size":5'),
        "nothing": "",
    }
    return texts | {why: _signed_checkpoint(change) for why, change in changes.items()}


def _in_the_books(change: dict[str, object], around: dict[str, object] | None = None) -> str:
    """Return a signed verdict as a line of the estate's ledger."""
    statement = VERDICT | change
    message = b"tallylight-verdict-v1\0" + canonical(statement)
    body = {name: value for name, value in statement.items() if name not in {"kind", "event"}}
    body |= {
        "envelope": statement["event"],
        "organisation": "police",
        "key": bytes(ESTATE.verify_key).hex(),
        "signature": ESTATE.sign(message).signature.hex(),
    }
    return canonical(RECORD | {"event": "verdict", "body": body | (around or {})}).decode()


def _good_verdicts() -> dict[str, str]:
    changes: dict[str, dict[str, object]] = {
        "a match": {"judgement": "match"},
        "no match": {"judgement": "not_a_match"},
        "no judgement": {"judgement": "cannot_tell"},
        "the lowest threshold": {"threshold_ppm": -1_000_000},
        "the first moment": {"given_utc_ms": 0, "captured_utc_ms": 0},
        "a portrait": {"portrait_digest": "3c" * 32},
        "no portrait": {"portrait_digest": "none"},
        "the last moment": {"given_utc_ms": 4_102_444_800_000},
    }
    return {why: _in_the_books(change) for why, change in changes.items()}


def _broken_verdicts() -> dict[str, str]:
    changes: dict[str, dict[str, object]] = {
        "a judgement that does not exist": {"judgement": "maybe"},
        "a judgement that is a number": {"judgement": 1},
        "list version 0": {"list_version": 0},
        "a threshold above one": {"threshold_ppm": 1_000_001},
        "a threshold below minus one": {"threshold_ppm": -1_000_001},
        "a retention in milliseconds": {"retain_until_utc_s": 1_769_817_600_000},
        "a retention before 2020": {"retain_until_utc_s": 1_577_836_799},
        "a time after 2100": {"given_utc_ms": 4_102_444_800_001},
        "a capture after 2100": {"captured_utc_ms": 4_102_444_800_001},
        "a negative time": {"given_utc_ms": -1},
        "a text for a time": {"given_utc_ms": "1"},
        "upper-case hex": {"event": sha256(b"a").hexdigest().upper()},
        "a camera that is too short": {"camera": "00"},
        "a lease that is too long": {"lease_id": "00" * 17},
        "the id of another key": {"reviewer": bytes(CAMERA.verify_key).hex()[:32]},
        "a score": {"score_ppm": 1},
        "a portrait in upper case": {"portrait_digest": "3C" * 32},
        "a portrait that is too short": {"portrait_digest": "3c"},
        "a portrait that is a number": {"portrait_digest": 0},
        "another word for no portrait": {"portrait_digest": "None"},
        "another kind": {"kind": "decision"},
    }
    around: dict[str, dict[str, object]] = {
        "another judgement than the signed one": {"judgement": "cannot_tell"},
        "another event than the signed one": {"envelope": "00" * 32},
        "another key": {"key": bytes(CAMERA.verify_key).hex()},
        "a key in upper case": {"key": bytes(ESTATE.verify_key).hex().upper()},
        "a key of low order": {"key": "01" + "00" * 31},
        "a kind beside the signed one": {"kind": "verdict"},
        "an event beside the signed one": {"event": "00" * 32},
        "no organisation": {"organisation": ""},
        "an organisation that is a number": {"organisation": 7},
        "a signature with blanks": {"signature": "0 " * 64},
        "a signature that is too short": {"signature": "00"},
        "a signature that is a number": {"signature": 0},
    }
    broken = {why: _in_the_books(change) for why, change in changes.items()}
    return broken | {why: _in_the_books({}, change) for why, change in around.items()}


RECORDS = {"hold": "held", "release": "released", "export": "exported"}


def _two_signed(members: dict[str, object], change: dict[str, object] | None = None) -> str:
    """Return a line of the estate's ledger with two signed acts of these members."""
    names = ("kind", "event", "reviewer", "given_utc_ms")
    body = {name: value for name, value in members.items() if name not in names}
    body["envelope"] = members["event"]
    if members["kind"] == "export":
        body |= {"file": "1e" * 32, "archive": "2d" * 32}
    for which, key in (("first", ESTATE), ("second", CAMERA)):
        statement = members | {"reviewer": name_of(key).hex()}
        signature = key.sign(b"tallylight-act-v1\0" + canonical(statement)).signature.hex()
        body |= {which: statement["reviewer"], f"{which}_utc_ms": statement["given_utc_ms"]}
        body[f"{which}_signature"] = signature
    event = RECORDS.get(str(members["kind"]), "held")
    return canonical(RECORD | {"event": event, "body": body | (change or {})}).decode()


def _good_acts() -> dict[str, str]:
    return {
        "a hold": _two_signed(HOLD),
        "a release": _two_signed(RELEASE),
        "an export": _two_signed(EXPORT),
        "a reason in another script": _two_signed(HOLD | {"reason": "Großes Tor, \u4e2d"}),
        "the longest reason": _two_signed(HOLD | {"reason": "ü" * 500}),
        "the longest name": _two_signed(EXPORT | {"to": "ü" * 128}),
        "the first moment": _two_signed(HOLD | {"given_utc_ms": 0}),
        "the last moment": _two_signed(HOLD | {"given_utc_ms": 4_102_444_800_000}),
    }


def _broken_acts() -> dict[str, str]:
    members: dict[str, dict[str, object]] = {
        "no reason": HOLD | {"reason": ""},
        "a reason that is too long": HOLD | {"reason": "a" * 501},
        "a reason of two lines": HOLD | {"reason": "a\nb"},
        "a reason with a direction override": HOLD | {"reason": "\u202ea"},
        "a reason that is a number": HOLD | {"reason": 7},
        "a time after 2100": HOLD | {"given_utc_ms": 4_102_444_800_001},
        "a negative time": HOLD | {"given_utc_ms": -1},
        "a text for a time": HOLD | {"given_utc_ms": "1"},
        "an event in upper case": HOLD | {"event": "AB" * 32},
        "another kind": HOLD | {"kind": "delete"},
        "a member too many": HOLD | {"note": "a"},
        "no recipient's name": EXPORT | {"to": ""},
        "a name that is too long": EXPORT | {"to": "a" * 129},
        "a key in upper case": EXPORT | {"recipient": str(EXPORT["recipient"]).upper()},
        "a key with a letter that Bech32 has not": EXPORT | {"recipient": "age1" + "b" * 58},
        "a key that is cut short": EXPORT | {"recipient": str(EXPORT["recipient"])[:-1]},
        "a key that is a number": EXPORT | {"recipient": 1},
    }
    changes: dict[str, dict[str, object]] = {
        "another event than the signed one": {"envelope": "00" * 32},
        "another reason than the signed one": {"reason": "None."},
        "another time than the first signed": {"first_utc_ms": 1},
        "another time than the second signed": {"second_utc_ms": 1},
        "the second in the first's place": {"first": name_of(CAMERA).hex()},
        "a member beside what was signed": {"note": "a"},
        "a kind beside what was signed": {"kind": "hold"},
        "a recipient beside a reason": {"to": "The police"},
        "a signature with blanks": {"first_signature": "0 " * 64},
        "a signature that is too short": {"second_signature": "00"},
        "a signature that is a number": {"second_signature": 0},
        "a reviewer in upper case": {"second": name_of(CAMERA).hex().upper()},
    }
    broken = {why: _two_signed(each) for why, each in members.items()}
    broken |= {why: _two_signed(HOLD, change) for why, change in changes.items()}
    export = {"file": "00", "archive": "2D" * 32}
    return broken | {
        f"a {name} that is no digest": _two_signed(EXPORT, {name: value})
        for name, value in export.items()
    }
