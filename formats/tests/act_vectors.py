"""Make the vectors of reviewers' signed acts, by the second encoder."""

from nacl.signing import SigningKey

from formats.tests.second_encoder import canonical, name_of, secret

REVIEWER = SigningKey(secret("a reviewer's verdict key"))
DOMAIN = b"tallylight-act-v1\0"
HOLD: dict[str, object] = {
    "kind": "hold",
    "event": secret("an event").hex(),
    "reviewer": name_of(REVIEWER).hex(),
    "given_utc_ms": 1_767_225_600_000,
    "reason": "A court asks for it.",
}
_PLAIN = {key: value for key, value in HOLD.items() if key != "reason"}
RELEASE = {**HOLD, "kind": "release", "reason": "The court has it."}
OPENED = {**_PLAIN, "kind": "opened", "retain_until_utc_s": 1_769_817_600}
STATUS = {**_PLAIN, "kind": "status", "status": secret("a status").hex()}


def acts() -> dict[str, object]:
    """Make act.json."""
    good = signed(HOLD)
    return {
        "key": bytes(REVIEWER.verify_key).hex(),
        "good": {str(each["kind"]): signed(each) for each in (HOLD, RELEASE, OPENED, STATUS)},
        "broken": {
            "a blank": good.replace(",", ", ", 1),
            "a trailing newline": good + "\n",
            "an unknown kind": signed({**HOLD, "kind": "export"}),
            "a hold without a reason": signed({**_PLAIN, "kind": "hold"}),
            "a status with a reason": signed({**STATUS, "reason": "None."}),
            "opened without an end": signed({**_PLAIN, "kind": "opened"}),
            "a reason of two lines": signed({**HOLD, "reason": "two\nlines"}),
            "another event under the signature": good.replace(str(HOLD["event"]), "00" * 32),
            "another reviewer": signed({**HOLD, "reviewer": "00" * 16}),
            "signed as a verdict": signed(HOLD, domain=b"tallylight-verdict-v1\0"),
        },
    }


def signed(members: dict[str, object], domain: bytes = DOMAIN) -> str:
    """Return an act of these members with its signature."""
    signature = REVIEWER.sign(domain + canonical(members)).signature
    return canonical({**members, "signature": signature.hex()}).decode()
