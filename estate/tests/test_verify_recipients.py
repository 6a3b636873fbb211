"""The outsiders' verifier refuses recipients in which one person or one key stands twice."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import pytest
from nacl.signing import SigningKey

from estate.accounts import verify
from firmware.tests import desk as authority
from formats.errors import FormatError
from formats.organisations import organisation_key
from formats.recipients import read_recipients, write_recipients
from formats.strict_json import dumps, loads
from formats.tests.make_vectors import FOLDER
from formats.tests.second_encoder import canonical

KEYS = json.loads((FOLDER / "keys.json").read_text("utf-8"))
NAMES = json.loads((FOLDER / "organisations.json").read_text("utf-8"))
GOOD = write_recipients(authority.usual_recipients())
Members: TypeAlias = dict[str, Any]
Change: TypeAlias = Callable[[Members], None]
P = 2**255 - 19
WHY = "canonical|twice|too few"


def reviewers(members: Members) -> list[Members]:
    found = members["reviewers"]
    assert isinstance(found, list)
    return found


def same(name: str) -> Change:
    def change(members: Members) -> None:
        first, second = reviewers(members)
        second[name] = first[name]

    return change


def top_bit(members: Members) -> None:
    first, second = reviewers(members)
    key = bytearray.fromhex(str(first["key"]))
    key[31] |= 0x80
    second["key"] = key.hex()


def reviewer_with(name: str, value: object) -> Change:
    def change(members: Members) -> None:
        reviewers(members)[0][name] = value

    return change


def site_with(name: str, value: object) -> Change:
    return lambda members: members.update({name: value})


def alone(members: Members) -> None:
    reviewers(members).pop()


def many(members: Members) -> None:
    first = reviewers(members)[0]
    members["reviewers"] = [
        first
        | {"name": f"r{n}", "verdict_key": bytes(SigningKey(bytes([n]) * 32).verify_key).hex()}
        | {"key": bytes(authority.opening(n).public_key).hex()}
        for n in range(1, 66)
    ]


def number(value: int) -> str:
    return value.to_bytes(32, "little").hex()


def spelt_anew(members: Members) -> None:
    first, second = reviewers(members)
    second["name"] = f" {str(first['name']).upper()}"


CHANGES: dict[str, Change] = {
    "one name in two spellings": spelt_anew,
    "one key under two names": same("key"),
    "one name twice": same("name"),
    "one verdict key under two names": same("verdict_key"),
    "a key with its top bit set": top_bit,
    "a key of low order": reviewer_with("key", number(0)),
    "a key of order 8": reviewer_with(
        "key", number(325606250916557431795983626356110631294008115727848805560023387167927233504)
    ),
    "a key that is the prime": reviewer_with("key", number(P)),
    "a key that is the prime and nine": reviewer_with("key", number(P + 9)),
    "a verdict key of low order": reviewer_with("verdict_key", number(1)),
    "a verdict key that is not canonical": reviewer_with("verdict_key", number(P + 1)),
    "a key in upper case": reviewer_with("key", "AB" * 32),
    "a name that nobody sees": reviewer_with("name", "r\u200b1"),
    "a name without a letter": reviewer_with("name", ""),
    "a name of 65 letters": reviewer_with("name", "a" * 65),
    "a further member": reviewer_with("note", "a"),
    "one reviewer": alone,
    "65 reviewers": many,
    "no reviewers": site_with("reviewers", []),
    "reviewers that are a text": site_with("reviewers", "r1"),
    "version 0": site_with("version", 0),
    "a version of 33 bits": site_with("version", 2**32),
    "a number for two organisations": site_with("two_organisations", 1),
    "a ledger key of low order": site_with("ledger_key", number(1)),
    "a further member of the site": site_with("note", "a"),
}


def changed(change: Change) -> bytes:
    members = dict(loads(GOOD, limit=10**6))
    change(members)
    return canonical(members)


def test_good_recipients_are_read() -> None:
    assert verify.read_recipients(GOOD) == loads(GOOD, limit=10**6)


@pytest.mark.parametrize("why", CHANGES)
def test_bad_recipients_are_refused(why: str) -> None:
    with pytest.raises(ValueError, match=WHY):
        verify.read_recipients(changed(CHANGES[why]))


@pytest.mark.parametrize("why", CHANGES)
def test_the_sites_reader_refuses_them_too(why: str) -> None:
    with pytest.raises(FormatError):
        read_recipients(changed(CHANGES[why]))


def test_one_organisation_is_not_two() -> None:
    two = replace(authority.usual_recipients(), two_organisations=True)
    members = dict(loads(write_recipients(two), limit=10**6))
    assert verify.read_recipients(dumps(members))
    same("organisation")(members)
    with pytest.raises(ValueError, match=WHY):
        verify.read_recipients(canonical(members))


@pytest.mark.parametrize(("kind", "rule"), [("x25519", "key"), ("ed25519", "verdict_key")])
def test_the_outsiders_reader_refuses_the_keys_that_the_site_refuses(kind: str, rule: str) -> None:
    read = verify.REVIEWER[rule]
    assert all(map(read, KEYS[kind]["sound"]))
    assert not any(map(read, KEYS[kind]["refused"].values()))


def names_in(value: object) -> list[str]:
    """Return every text in the vectors of names."""
    if isinstance(value, str):
        return [value]
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [name for each in inside for name in names_in(each)]


def test_the_two_readers_take_the_same_names_for_one_organisation() -> None:
    names = names_in(NAMES)
    assert len(names) > 20
    differing = [each for each in names if verify.organisation_key(each) != organisation_key(each)]
    assert differing == []
