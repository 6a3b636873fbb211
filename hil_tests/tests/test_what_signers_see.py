"""Nothing is signed that was not shown: each field of each signed format stands on the screen."""

import ast
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from nacl.public import PublicKey
from nacl.signing import VerifyKey

from estate.accounts.books import checkpoint_items
from estate.budget.statement import statement_items
from formats.budget import BudgetState, BudgetStatement, CameraBudget, Unit
from formats.commissioning import read_commissioning, read_commissioning_acceptance
from formats.entry_columns import Entries
from formats.firmware_offer import FirmwareOffer, read_version
from formats.ledger import Checkpoint, Head
from formats.policy import Policy
from formats.recipients import Recipients
from formats.tests import site_samples as samples
from formats.tests.commissioning_vectors import PAGE, acceptance
from formats.tests.registration_vectors import INSTALLER as PAGES_INSTALLER
from formats.tests.registration_vectors import signed
from formats.wipe_certificate import WipeCertificate
from provisioning.lists.list_items import case_items
from provisioning.nets.bundles import MODELS
from provisioning.nets.manifest_items import manifest_items
from provisioning.papers.commissioning import acceptance_items, commissioning_items
from provisioning.papers.wiped import wipe_items
from provisioning.site.policy_items import policy_items, recipients_items, version_item
from recognition.errors import RecognitionError
from terminal.differences import Item, describe, describe_changes

Screen: TypeAlias = Callable[[Any], Sequence[Item]]
ROOT = Path(__file__).parents[2]
END = datetime(2027, 1, 1, tzinfo=UTC)
OFFER = FirmwareOffer("pi5", read_version("0.3.0"), bytes([6]) * 32, 1000)
POLICY = replace(samples.POLICY, evaluations=(bytes([7]) * 32,), firmware=(OFFER,))
BUDGET = BudgetStatement(
    "mill-lane", samples.MOMENT_S, (CameraBudget(bytes(16), BudgetState.WITHIN, 1, 10),)
)


MOUNTED = signed(PAGE, PAGES_INSTALLER)
ACCEPTED = acceptance(MOUNTED)
INSTALLER = samples.signing(98).verify_key


def policy_screen(policy: Policy) -> Sequence[Item]:
    return [version_item(policy, samples.RECIPIENTS, END), *policy_items(policy)]


def recipients_screen(recipients: Recipients) -> Sequence[Item]:
    return [version_item(POLICY, recipients, END), *recipients_items(recipients)]


SIGNED: dict[str, tuple[object, Screen]] = {
    "policy": (POLICY, policy_screen),
    "recipients": (samples.RECIPIENTS, recipients_screen),
    "list": (samples.CASE, case_items),
    "budget": (BUDGET, partial(statement_items, version=1, expires=END)),
    "commissioning": (read_commissioning(MOUNTED), commissioning_items),
    "acceptance": (read_commissioning_acceptance(ACCEPTED)[1], acceptance_items),
    "wipe": (
        WipeCertificate("mill", bytes(16), "1000", "card", 4096, samples.MOMENT_S, INSTALLER),
        wipe_items,
    ),
    "checkpoint": (Checkpoint("estate", Head(7, bytes([8]) * 32)), checkpoint_items),
}
"""Each format that a person signs, and what this person is shown of it."""


def variants(value: object) -> Iterator[tuple[str, object]]:
    """Yield a copy of the value for each field inside it, in which this field alone is another."""
    if isinstance(value, Entries):
        yield from variants(tuple(value))
    elif is_dataclass(value):
        for field in fields(value):
            for path, other in variants(getattr(value, field.name)):
                yield f".{field.name}{path}", changed(value, field.name, other)
    elif isinstance(value, tuple):
        assert value, "The sample leaves a list empty: what it holds would not be tried."
        yield "[:-1]", value[:-1]
        for place, part in enumerate(value):
            for path, other in variants(part):
                yield f"[{place}]{path}", (*value[:place], other, *value[place + 1 :])
    else:
        yield "", another(value)


def changed(value: object, name: str, other: object) -> object:
    """Return a copy of a dataclass with one other field, whatever the dataclass thinks of it."""
    copy = object.__new__(type(value))
    for field in fields(value):  # type: ignore[arg-type]  # A dataclass.
        new = other if field.name == name else getattr(value, field.name)
        object.__setattr__(copy, field.name, new)
    return copy


def another(value: object) -> object:
    """Return a value of the same type that differs as little as it can."""
    kinds: dict[type, Callable[[Any], object]] = {
        bool: lambda it: not it,
        BudgetState: lambda it: next(member for member in BudgetState if member is not it),
        Unit: lambda it: next(member for member in Unit if member is not it),
        int: lambda it: it + 1,
        str: lambda it: f"{it}s",
        bytes: lambda it: it[:-1] + bytes([it[-1] ^ 1]),
        VerifyKey: lambda _: samples.signing(99).verify_key,
        PublicKey: lambda _: samples.opening(99).public_key,
    }
    assert type(value) in kinds, f"Say here how a {type(value).__name__} differs."
    return kinds[type(value)](value)


def text(items: Sequence[Item]) -> str:
    return "\n".join(line.text for line in describe(items, width=80))


@pytest.mark.parametrize("name", SIGNED)
def test_each_field_of_what_is_signed_is_on_the_screen(name: str) -> None:
    sample, screen = SIGNED[name]
    before = screen(sample)
    unseen = [path for path, other in variants(sample) if text(screen(other)) == text(before)]
    assert unseen == []


@pytest.mark.parametrize("name", SIGNED)
def test_each_change_is_marked_with_a_word(name: str) -> None:
    sample, screen = SIGNED[name]
    before = screen(sample)
    unmarked = []
    for path, other in variants(sample):
        shown = describe_changes(before, screen(other), since="before", width=80)
        words = {line.mark for line in shown if line.mark}
        if not words or any(not line.text.startswith(line.mark) for line in shown if line.mark):
            unmarked.append(path)
    assert unmarked == []


def test_each_value_of_a_manifest_is_on_the_screen() -> None:
    lines = (MODELS / "manifest.toml").read_text("utf-8").splitlines()
    unseen = []
    for number, line in enumerate(lines):
        other = re.sub(r"\d(?=\D*$)", lambda digit: str((int(digit[0]) + 1) % 10), line)
        altered = [*lines[:number], other, *lines[number + 1 :]]
        if tomllib.loads("\n".join(altered)) == tomllib.loads("\n".join(lines)):
            continue  # A comment, or another spelling of the same number.
        with suppress(RecognitionError):  # It is refused: no person is asked.
            if manifest_text(altered) == manifest_text(lines):
                unseen.append(line)
    assert unseen == []


def manifest_text(lines: Sequence[str]) -> str:
    head, *rest = manifest_items("\n".join(lines).encode())
    assert "this file" in head.facts
    return text(rest)


SIGNERS = {
    "estate/budget/statement.py": "shown: test_each_field_of_what_is_signed_is_on_the_screen",
    "estate/accounts/books.py": "shown: the same test",
    "estate/console/desk.py": "a verdict: the console shows the event, and what was chosen",
    "estate/retention/destruction.py": "the timer signs that events are destroyed",
    "estate/retention/holds.py": "hold and release: the second person is shown the first's reason",
    "estate/store/ledger.py": "restore signs which checkpoints have lost their records",
    "estate/intake/receiver.py": "the receiver signs receipts",
    "estate/intake/statuses.py": "the console signs that a status was read",
    "estate/verdicts/export.py": "a hand-over: the second person is shown to whom, and the key",
    "provisioning/broker/certificates.py": "the desk's own authority for the broker",
    "provisioning/keys/token.py": "the trial signature of a new key",
    "provisioning/lists/build.py": "shown: the same test, for the list and its cameras",
    "provisioning/lists/portraits.py": "shown: each reviewer of the recipients",
    "provisioning/lists/publication.py": "shown: the same; no question",
    "provisioning/nets/bundles.py": "shown: test_each_value_of_a_manifest_is_on_the_screen",
    "provisioning/registration/practice.py": "the pretend cameras of a practice sign their own",
    "provisioning/site/ceremony.py": "shown: provisioning/tests/test_asking.py",
    "provisioning/site/policy.py": "shown: the same test, for policy and recipients",
    "provisioning/site/roles.py": "signs what the others give it",
    "provisioning/site/rotation.py": "shown: provisioning/tests/test_asking.py",
}
"""Every file at the desks that signs, and how people see what."""


def test_every_file_that_signs_is_known() -> None:
    found = {
        str(path.relative_to(ROOT))
        for package in ("provisioning", "estate")
        for path in (ROOT / package).rglob("*.py")
        if "tests" not in path.parts and path.name != "verify.py"
        if any(signs(node) for node in ast.walk(ast.parse(path.read_text("utf-8"))))
    }
    assert found == set(SIGNERS)


def signs(node: ast.AST) -> bool:
    """Return whether a piece of code calls something that signs or seals with a key."""
    if not isinstance(node, ast.Call):
        return False
    called = getattr(node.func, "attr", getattr(node.func, "id", ""))
    return re.match("(sign|seal)(_|$)", called) is not None and called not in NOT_SIGNING


NOT_SIGNING = {"sign_policy", "sign_list", "sign_rotation", "sign_bundle", "seal_for_reviewers"}
"""What the commands call after they have asked."""
