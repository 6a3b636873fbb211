"""Targets, dates and names are checked before a passphrase is asked for and before any work."""

from collections.abc import Callable
from pathlib import Path

import pytest

from provisioning.broker.send import read_address
from provisioning.errors import BrokerRefused
from provisioning.site.folder import Site
from provisioning.site.policy_text import apply_edit, policy_text
from provisioning.tests.workshop import HOPPER, Workshop, contents, refusal

NO_PASSPHRASE = ("--passphrase-file", "/no/such/file")
"""A command that reads it says so: what is refused before names something else."""


def maker(workshop: Workshop) -> Path:
    return workshop.key("root-maker")[1]


def keeping(workshop: Workshop) -> tuple[str | Path, ...]:
    return "--keep-picture", workshop.key("list-seal-example-police")[1]


Words = Callable[[Workshop], tuple[str | Path, ...]]
WRONG: dict[str, tuple[Words, str]] = {
    "site passphrase": (
        lambda it: (it.key("root-maker")[1], "--to", it.key("root-maker")[1]),
        "exists already",
    ),
    "site passphrase into no folder": (
        lambda it: (it.key("root-maker")[1], "--to", it.folder / "no" / "x.key"),
        "no folder",
    ),
    "site init": (lambda it: (it.site, "--plan", it.folder / "plan.toml"), "is not empty"),
    "site init with a key in a file": (
        lambda it: (it.folder / "new", "--plan", it.folder / "plan.toml", "--bring", maker(it)),
        "rests on no token",
    ),
    "site key": (
        lambda it: (it.key("root-maker")[1], "--purpose", "root", "--holder", "Maker"),
        "exists already",
    ),
    "site sign": (lambda it: (it.site, *it.key("root-maker")), "No new root"),
    "policy sign": (lambda it: (it.site, *it.key("targets-oversight-body")), "signed this policy"),
    "list build": (lambda it: (it.site, *it.key("list-sign-example-police")), "list-seal key"),
    "list sign": (lambda it: (it.site, *it.key("list-seal-example-police")), "list-sign key"),
    "list publish": (lambda it: (it.site,), "different organisations have signed"),
    "list renew": (lambda it: (it.site,), "Nothing is published"),
    "list add": (
        lambda it: (it.site, "--picture", HOPPER, *it.case(until="2026-01-01"), *keeping(it)),
        "has passed",
    ),
    "portrait seal": (
        lambda it: (
            *(it.site, "0a" * 16, "--picture", it.folder / "no.jpg", "--to", it.folder),
            *it.key("list-seal-example-police"),
        ),
        "no.jpg",
    ),
    "model build": (
        lambda it: (it.site, "--key", it.key("root-maker")[1]),
        "model key is needed",
    ),
    "broker revoke": (lambda it: (it.site, "0a" * 16), "No certificate was issued"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_succeed_is_refused_before_a_passphrase_is_read(
    listed: Workshop, case: str
) -> None:
    words, reason = WRONG[case]
    noun, verb, *_ = case.split()
    before = contents(listed.folder)
    given: list[str | Path] = [noun, verb, *words(listed), *NO_PASSPHRASE]
    assert reason in refusal(*given)
    assert contents(listed.folder) == before


def test_a_command_that_could_succeed_reads_the_passphrase(listed: Workshop) -> None:
    words = ("list", "sign", listed.site, *listed.key("list-sign-example-police"), "--yes")
    assert "The passphrase file /no/such/file" in refusal(*words, *NO_PASSPHRASE)


# Dates, ports and numbers


@pytest.mark.parametrize("day", ["9999-12-31", "2500-01-01", "1999-12-31", "0001-01-01"])
@pytest.mark.parametrize("option", ["until", "review"])
def test_a_day_that_no_list_can_name_is_one_sentence(
    prepared: Workshop, option: str, day: str
) -> None:
    words = ("list", "add", prepared.site, "--picture", HOPPER)
    assert f"{day} is no day of a list" in refusal(*words, *prepared.case(**{option: day}))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('"9999-12-31"', "The assessment's review is 9999-12-31: name a day from 2020-01-01 to"),
        ("2500-01-01", "The assessment's review is 2500-01-01: name a day from 2020-01-01 to"),
        ('"31.12.2026"', "The assessment's review is no day such as 2026-12-31: '31.12.2026'."),
    ],
)
def test_a_review_that_no_policy_can_name_is_one_sentence(
    begun: Workshop, text: str, sentence: str
) -> None:
    edited = edited_line(policy_text(Site(begun.site).policy), "review = ", f"review = {text}")
    (begun.folder / "edit.toml").write_text(edited)
    words = ("policy", "edit", begun.site, "--from", begun.folder / "edit.toml", "--yes")
    assert sentence in refusal(*words)
    plan = begun.folder / "plan.toml"
    plan.write_text(edited_line(plan.read_text(), "review = ", f"review = {text}"))
    assert sentence in refusal("site", "init", begun.folder / "new", "--plan", plan)


def test_a_review_may_be_written_without_quotes(begun: Workshop) -> None:
    policy = Site(begun.site).policy
    edited = edited_line(policy_text(policy), "review = ", "review = 2031-01-01")
    after = apply_edit(policy, edited.encode())
    assert after.assessment.review_utc_s == 1_924_992_000


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("cap =", "cup =", "In the policy, 'cup' is unknown (write cap)."),
        ("crop = true", "", "In the policy, crop is missing."),
        ("review =", "reviev =", "In assessment, 'reviev' is unknown (write review)."),
        ("seal_key =", "seel_key =", "In suppliers, 'seel_key' is unknown (write seal_key)."),
        ("cap = 500", "cap = 5e2", "In the policy, cap must be a whole number."),
    ],
)
def test_a_mistyped_name_of_the_policy_is_shown_beside_the_right_one(
    begun: Workshop, old: str, new: str, sentence: str
) -> None:
    edited = policy_text(Site(begun.site).policy).replace(old, new, 1)
    (begun.folder / "edit.toml").write_text(edited)
    words = ("policy", "edit", begun.site, "--from", begun.folder / "edit.toml", "--yes")
    assert sentence in refusal(*words)


@pytest.mark.parametrize("necessity", ["", "two\nlines", "x" * 501])
def test_a_text_that_no_entry_can_hold_is_named_by_its_option(
    prepared: Workshop, necessity: str
) -> None:
    words = ("list", "add", prepared.site, "--picture", HOPPER)
    sentence = refusal(*words, *prepared.case(necessity=necessity))
    assert sentence == ("Refused: --necessity must be one line of 1 to 500 printable characters.")


@pytest.mark.parametrize("port", ["0", "65536", "99999", "9" * 5000, "²", "-1", ""])
def test_a_port_that_is_none_is_one_sentence(port: str) -> None:
    with pytest.raises(BrokerRefused, match="a port from 1 to 65535"):
        read_address(f"broker.example.org:{port}")


def edited_line(text: str, begin: str, line: str) -> str:
    lines = [line if each.startswith(begin) else each for each in text.splitlines()]
    return "\n".join(lines) + "\n"
