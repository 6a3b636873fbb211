"""`make long-readers`: change lines of the books, and count where two readers differ.

The site's own reader is `formats`; the outsiders' is `tallylight-verify`. Both read the same bytes:
a record, a checkpoint, or a verdict or two people's acts in a record. Half of the changed
checkpoints, verdicts and acts are signed again, so that the readers must refuse what they say and
not only their signatures.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from typing import Final

import numpy as np
from nacl.signing import SigningKey, VerifyKey

from estate.accounts import verify
from formats.act import Kind, recorded_acts, verify_act
from formats.envelope import sender_id
from formats.errors import FormatError
from formats.ledger import Record, verify_checkpoint
from formats.public_keys import signing_key
from formats.strict_json import Fields, dumps, parse
from formats.tests.make_vectors import FOLDER
from formats.tests.second_encoder import CAMERA, ESTATE, canonical
from formats.verdict import read_verdict

CORPUS: Final = json.loads((FOLDER / "readers.json").read_text("utf-8"))
KEY: Final = VerifyKey(bytes.fromhex(CORPUS["key"]))
SECOND_KEY: Final = VerifyKey(bytes.fromhex(CORPUS["second_key"]))
KINDS: Final = ("record", "checkpoint", "verdict", "act")
ACTS: Final = {"held": Kind.HOLD, "released": Kind.RELEASE, "exported": Kind.EXPORT}
MUTATIONS: Final = 40_000
_TOKEN: Final = re.compile(r'"[^"]*"|-?[0-9]+|[{}\[\]:,]')
_VALUES: Final = (
    *("true", "false", "null", "{}", "[]", '""', '"a"', '"\u202e"', '"\\u0061"', '"\\ud800"'),
    *("0", "-0", "-1", "1.0", "1e3", "NaN", "07", "32", "4102444800000", "4102444800001"),
    *(str(2**63 - 1), str(2**63), str(-(2**63)), str(2**64), '"nobody"', '"watch"', '"verdict"'),
    *('"stored"', '"body"', '"seq"', '"ABCDEF"', "[0]", '{"a":1}', '"\u00e4"', '"a b"', '"\\n"'),
)
_CHARACTERS: Final = '"\\{}[]:, \t\r\n0123456789abcdefABCDEF-+.eE\x00\x7f\u00a0\ufeff\u00e4'


def site_reads(kind: str, data: bytes) -> bool:
    """Return whether `formats` reads the bytes."""
    try:
        if kind == "checkpoint":
            verify_checkpoint(data, KEY)
            return True
        record = Record.from_line(data)
        if kind == "verdict":
            _read_verdict(dict(record.body))
        if kind == "act":
            acts = recorded_acts(record.body, ACTS[record.event])
            for (act, signature), key in zip(acts, (KEY, SECOND_KEY), strict=True):
                verify_act(act, signature, key)
    except (FormatError, KeyError):
        return False
    return True


def _read_verdict(body: dict[str, int | str]) -> None:
    """Read the verdict in a record's body with the readers of `formats`.

    Raises:
        FormatError: there is none, or it does not hold.
        KeyError: a member is missing.
    """
    around = dumps({name: body.pop(name) for name in ("key", "organisation")})
    key = parse(around, _read_around, limit=verify.LINE_LIMIT, what="signer")
    statement = {"kind": "verdict", "event": body.pop("envelope")}
    if statement.keys() & body.keys():
        raise KeyError("A member is there twice.")
    read_verdict(dumps({**body, **statement}), key)


def _read_around(fields: Fields) -> VerifyKey:
    fields.text("organisation", at_most=128)
    return signing_key(fields.hex_bytes("key", 32))


class _Keys(dict[str, set[str]]):
    """The key of the vectors, for a ledger of any name."""

    def get(self, _origin: str, _default: object = None) -> set[str]:
        return {CORPUS["key"]}


def outsider_reads(kind: str, data: bytes) -> bool:
    """Return whether `tallylight-verify` reads the bytes; nothing but ValueError may be raised."""
    try:
        if kind == "checkpoint":
            verify.read_checkpoint(data, _Keys())
            return True
        record = verify.strict(data, verify.RECORD, verify.LINE_LIMIT)
        if kind == "verdict":
            verify.verify_verdict(record["body"])
        if kind == "act":
            _verify_acts(record)
    except ValueError:
        return False
    return True


def _verify_acts(record: verify.Json) -> None:
    """Verify both signatures, of the two keys of the vectors, as two reviewers.

    Raises:
        ValueError: there are no two acts, or they do not hold.
    """
    if record["event"] not in ACTS:
        raise ValueError("It holds no acts.")
    for which, key in (("first", KEY), ("second", SECOND_KEY)):
        if record["body"].get(which) != sender_id(key).hex():
            raise ValueError("It names another reviewer.")
        verify.verify_act(record["event"], record["body"], which, bytes(key).hex())


def mutations(number: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield changed lines, each with its kind."""
    random = np.random.default_rng(seed)
    for at in range(number):
        kind = KINDS[at % len(KINDS)]
        texts = [*CORPUS[kind]["good"].values()]
        data = texts[random.integers(len(texts))].encode()
        for _ in range(random.integers(1, 4)):
            data = _changed(data, random)
        yield kind, _signed_again(kind, data) if random.random() < 0.5 else data


def _changed(data: bytes, random: np.random.Generator) -> bytes:
    """Put another value, or another character, into one place."""
    text = data.decode(errors="replace")
    found = [*_TOKEN.finditer(text)]
    if random.random() < 0.7 and found:
        token = found[random.integers(len(found))]
        other = found[random.integers(len(found))].group()
        value = str(random.choice(_VALUES)) if random.random() < 0.7 else other
        return (text[: token.start()] + value + text[token.end() :]).encode()
    at, changed = int(random.integers(len(data) + 1)), bytearray(data)
    match random.integers(4):
        case 0:
            changed[at:at] = str(random.choice(list(_CHARACTERS))).encode()
        case 1:
            del changed[at : at + 1]
        case 2:
            changed[at : at + 1] = bytes([random.integers(256)])
        case _:
            changed[at : at + 1] = changed[at : at + 1].swapcase()
    return bytes(changed)


def _signed_again(kind: str, data: bytes) -> bytes:
    """Return the checkpoint or verdict with a signature that holds, where it can have one."""
    try:
        value = json.loads(data)
        if kind == "checkpoint":
            del value["signature"]
            signature = _sign(ESTATE, b"tallylight-checkpoint-v1\0", value)
            return canonical(value | {"signature": signature})
        if kind == "verdict":
            body = value["body"]
            around = {"envelope", "organisation", "key", "signature"}
            statement = {name: member for name, member in body.items() if name not in around}
            statement |= {"kind": "verdict", "event": body["envelope"]}
            body["signature"] = _sign(ESTATE, b"tallylight-verdict-v1\0", statement)
            return canonical(value)
        if kind == "act":
            return canonical(_acts_signed_again(value))
    except (ValueError, KeyError, TypeError, AttributeError):
        return data
    return data


def _acts_signed_again(value: verify.Json) -> verify.Json:
    body, kind = value["body"], str(ACTS[value["event"]])
    terms = {name: body[name] for name in ("reason", "to", "recipient") if name in body}
    for which, key in (("first", ESTATE), ("second", CAMERA)):
        statement = {"kind": kind, "event": body["envelope"], "reviewer": body[which]}
        statement |= {"given_utc_ms": body[f"{which}_utc_ms"]} | terms
        body[f"{which}_signature"] = _sign(key, b"tallylight-act-v1\0", statement)
    return value


def _sign(key: SigningKey, domain: bytes, statement: object) -> str:
    return key.sign(domain + canonical(statement)).signature.hex()


def differences(number: int, seed: int) -> list[tuple[str, bytes]]:
    """Return the changed lines on which the two readers differ."""
    return [
        (kind, data)
        for kind, data in mutations(number, seed)
        if site_reads(kind, data) != outsider_reads(kind, data)
    ]


def main() -> int:
    """Print how many changed lines the two readers judge differently; 0 if none."""
    parser = argparse.ArgumentParser(prog="make long-readers", description=__doc__)
    parser.add_argument("--edits", type=int, default=MUTATIONS)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    found = differences(chosen.edits, chosen.seed)
    for kind, data in found[:10]:
        print(f"{kind}: {data!r}")  # noqa: T201  # What the target is for.
    print(f"{chosen.edits:,} changes; the two readers differ in {len(found):,}")  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
