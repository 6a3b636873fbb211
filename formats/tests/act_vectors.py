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
EXPORT = {
    **_PLAIN,
    "kind": "export",
    "to": "The police of the county",
    "recipient": "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj",
}
STATUS = {**_PLAIN, "kind": "status", "status": secret("a status").hex()}
ACTS = (HOLD, RELEASE, EXPORT, OPENED, STATUS)


def acts() -> dict[str, object]:
    """Make act.json."""
    good = signed(HOLD)
    return {
        "key": bytes(REVIEWER.verify_key).hex(),
        "good": {
            str(each["kind"]): signed(each) for each in (HOLD, RELEASE, EXPORT, OPENED, STATUS)
        },
        "broken": {
            "a blank": good.replace(",", ", ", 1),
            "a trailing newline": good + "\n",
            "an unknown kind": signed({**HOLD, "kind": "delete"}),
            "a hold as an export": signed({**HOLD, "kind": "export"}),
            "an export to no name": signed({**EXPORT, "to": ""}),
            "an export to a name of two lines": signed({**EXPORT, "to": "two\nlines"}),
            "an export to a key in upper case": signed(
                {**EXPORT, "recipient": str(EXPORT["recipient"]).upper()}
            ),
            "an export to a key that is cut short": signed(
                {**EXPORT, "recipient": str(EXPORT["recipient"])[:-1]}
            ),
            "an export to a secret key": signed(
                {**EXPORT, "recipient": "AGE-SECRET-KEY-1" + "Q" * 58}
            ),
            "an export with a reason": signed({**EXPORT, "reason": "None."}),
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
