"""What people are shown before they sign, and the question: at a terminal, and without one."""

import json
import os
import pty
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from nacl.public import PrivateKey
from typer.testing import CliRunner

from formats.errors import Refused
from provisioning.__main__ import app
from provisioning.errors import ProvisioningError
from provisioning.site.folder import Site
from provisioning.site.root_items import root_items
from provisioning.site.rotation import open_rotation
from provisioning.tests.workshop import (
    ESTATE,
    HOPPER,
    Workshop,
    contents,
    refusal,
    tallylight,
)
from terminal.consent import NotAgreed, agree
from terminal.differences import describe
from terminal.fingerprints import fingerprint_words


def sign_policy(workshop: Workshop, *flags: str) -> list[str | Path]:
    key = workshop.key("targets-oversight-body")
    return ["policy", "sign", workshop.site, *key, *workshop.passphrase, *flags]


def swap_reviewer(workshop: Workshop, *flags: str) -> list[str | Path]:
    """Name another key for the first reviewer, as a thief of the desk would."""
    workshop.public("one", bytes(PrivateKey(bytes([9]) * 32).public_key))
    who = ("--reviewer", "one", "--organisation", ESTATE)
    key = ("--key", workshop.folder / "one.pub")
    return ["recipients", "add", workshop.site, *who, *key, *flags]


def published(workshop: Workshop) -> Workshop:
    workshop.sign("police")
    workshop.sign("estate")
    tallylight("list", "publish", workshop.site, *workshop.passphrase)
    return workshop


def flat(output: str) -> str:
    return " ".join(output.split())


# A reviewer's key is swapped


def test_a_key_takes_the_place_of_a_reviewers_only_after_a_question(prepared: Workshop) -> None:
    before = contents(prepared.site)
    assert "no terminal" in refusal(*swap_reviewer(prepared))
    assert contents(prepared.site) == before


def test_holders_see_that_a_reviewers_key_was_swapped(listed: Workshop) -> None:
    published(listed)
    new = fingerprint_words(bytes(PrivateKey(bytes([9]) * 32).public_key))
    old = fingerprint_words(bytes(Site(listed.site).reviewers()[0].key))
    tallylight(*swap_reviewer(listed, "--yes"))
    for holder in (1, 2):
        key = listed.key(("targets-oversight-body", "targets-estate-security")[holder - 1])
        words = ("policy", "sign", listed.site, *key, *listed.passphrase, "--yes")
        shown = flat(tallylight(*words))
        changed = shown.partition("CHANGED Reviewer one")[2].partition("signs verdicts")[0]
        assert changed == f" works for {ESTATE} opens events now {new} was {old} "


def test_the_policy_is_shown_with_every_reviewer_in_words(prepared: Workshop) -> None:
    shown = flat(tallylight("policy", "show", prepared.site))
    for reviewer in Site(prepared.site).reviewers():
        assert fingerprint_words(bytes(reviewer.key)) in shown
        assert fingerprint_words(bytes(reviewer.verdict_key)) in shown


def test_a_publication_that_too_few_holders_signed_is_not_compared_with(listed: Workshop) -> None:
    published(listed)
    (path,) = (listed.site / "published" / "metadata").glob("1.targets.json")
    targets = json.loads(path.read_bytes())
    targets["signatures"] = targets["signatures"][:1]
    path.write_text(json.dumps(targets))
    assert "Nothing is in force" in tallylight(*sign_policy(listed, "--renew", "--yes"))


# Asking

ASKING: dict[str, Callable[[Workshop], tuple[str | Path, ...]]] = {
    "policy sign": lambda it: (*it.key("targets-oversight-body"), "--renew"),
    "site rotate": lambda _: (),
    "list build": lambda it: it.key("list-seal-example-police"),
    "list sign": lambda it: it.key("list-sign-example-police"),
    "list add": lambda it: (
        *("--picture", HOPPER, "--keep-picture", it.key("list-seal-example-police")[1]),
        *it.case(),
    ),
    "portrait seal": lambda it: (
        *("0a" * 16, "--picture", HOPPER, "--to", it.folder / "new"),
        *it.key("list-seal-example-police"),
    ),
    "model adopt": lambda it: (it.folder / "models", "--trust", it.folder / "models.pub"),
}


@pytest.mark.parametrize("command", ASKING)
def test_without_a_terminal_and_without_yes_nothing_is_signed(
    listed: Workshop, command: str
) -> None:
    before = contents(listed.folder)
    words = (*command.split(), listed.site, *ASKING[command](listed))
    passphrase = () if command in {"site rotate", "model adopt"} else listed.passphrase
    assert "repeat with --yes" in refusal(*words, *passphrase)
    assert contents(listed.folder) == before


def test_no_site_is_made_before_its_root_was_shown(begun: Workshop) -> None:
    new = ("site", "init", begun.folder / "new", "--plan", begun.folder / "plan.toml")
    assert "repeat with --yes" in refusal(*new)  # And before a passphrase is asked for.
    assert not (begun.folder / "new").exists()


def test_what_is_shown_does_not_mix_with_json(listed: Workshop) -> None:
    words = [str(word) for word in sign_policy(listed, "--renew", "--yes", "--json")]
    result = CliRunner().invoke(app, words)
    assert json.loads(result.stdout)["version"] == 2
    assert "Reviewer one" in result.stderr


@contextmanager
def terminal(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a person at a real terminal type an answer."""
    person, program = pty.openpty()
    os.write(person, answer)
    with os.fdopen(program, encoding="utf-8") as keyboard:
        monkeypatch.setattr(sys, "stdin", keyboard)
        yield
    os.close(person)


def test_a_person_at_a_terminal_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(b"y\n", monkeypatch):
        agree([], "Sign?", yes=False)
    with terminal(b"n\n", monkeypatch), pytest.raises(NotAgreed, match="You did not agree"):
        agree([], "Sign?", yes=False)


def test_what_the_timer_signs_is_shown_and_not_asked(listed: Workshop) -> None:
    published(listed)
    shown = flat(tallylight("list", "renew", listed.site, *listed.passphrase))
    assert "CHANGED This publication version now 2 was 1 fresh until" in shown
    assert "Role targets version 1 Role site-mill-lane version 1" in shown


# Roots


def leaves(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every plain value, and of every object, to which a member can be added."""
    if isinstance(value, dict | list):
        yield path
        for name, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(part, (*path, name))
    else:
        yield path


def altered(text: bytes, path: tuple[str | int, ...]) -> bytes:
    """Return role metadata in which one value is another, or one object has one member more."""
    document = json.loads(text)
    parent: Any = {"": document["signed"]}
    name: str | int = ""
    for step in path:
        parent, name = parent[name], step
    value = parent[name]
    if isinstance(value, dict):
        value["more"] = value.get("x", "more")
    elif isinstance(value, list):
        value.append("more")
    else:
        parent[name] = value + 1 if isinstance(value, int) else f"{value[:-2]}00{value[-1:]}"
    return json.dumps(document).encode()


def test_each_field_of_a_root_is_on_the_screen_or_refused(begun: Workshop) -> None:
    tallylight("site", "rotate", begun.site, "--yes")
    site = Site(begun.site)
    good = site.rotation.read_bytes()
    before = root_items(open_rotation(site).root.signed)
    unseen = []
    for path in leaves(json.loads(good)["signed"]):
        site.rotation.write_bytes(altered(good, path))
        try:
            after = root_items(open_rotation(site).root.signed)
        except (ProvisioningError, Refused):
            continue
        if describe(after, width=80) == describe(before, width=80):
            unseen.append(path)
    assert unseen == []
