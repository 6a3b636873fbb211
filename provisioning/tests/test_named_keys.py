"""Each command takes only the key that it is for: purpose, holder and site stand in its file."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from formats.keyfile import Purpose, make_key
from formats.public_key_file import write_public_key
from provisioning.__main__ import app
from provisioning.site.folder import Site
from provisioning.tests.workshop import (
    CHEAP,
    ESTATE,
    PASSPHRASE,
    POLICE,
    Workshop,
    contents,
    refusal,
    tallylight,
)


def key(workshop: Workshop, name: str, purpose: Purpose, holder: str, site: str = "") -> Path:
    path = workshop.folder / f"{name}.pub"
    write_public_key(path, make_key(purpose, holder, PASSPHRASE, CHEAP), site)
    return path


def add_reviewer(key: Path, workshop: Workshop, name: str = "17") -> list[str | Path]:
    who = ("--reviewer", name, "--organisation", ESTATE)
    return ["recipients", "add", workshop.site, *who, "--key", key]


def test_a_reviewer_is_added_by_files_that_name_them(begun: Workshop) -> None:
    opening = key(begun, "17", Purpose.REVIEWER, "17", "mill-lane")
    key(begun, "17.verdict", Purpose.VERDICT, "17", "mill-lane")
    assert "Note:" not in tallylight(*add_reviewer(opening, begun))
    assert [each.name for each in Site(begun.site).reviewers()] == ["17"]


def test_a_key_of_an_earlier_version_is_taken_with_a_notice(begun: Workshop) -> None:
    words = add_reviewer(begun.folder / "one.pub", begun, "one")
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0
    assert done.stderr.count("is of an earlier version and does not say whose key it is") == 2


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ((Purpose.VERDICT, "17"), (Purpose.VERDICT, "17"), "a reviewer key is needed"),
        ((Purpose.REVIEWER, "17"), (Purpose.REVIEWER, "17"), "a verdict key is needed"),
        ((Purpose.RECEIPT, "17"), (Purpose.VERDICT, "17"), "a reviewer key is needed"),
        ((Purpose.REVIEWER, "18"), (Purpose.VERDICT, "18"), "is the reviewer key of 18"),
        ((Purpose.REVIEWER, "17"), (Purpose.VERDICT, "18"), "is the verdict key of 18"),
        ((Purpose.REVIEWER, "17", "other"), (Purpose.VERDICT, "17"), "for the site other"),
    ],
)
def test_a_file_of_another_key_makes_no_reviewer(
    begun: Workshop, first: tuple[Purpose, str], second: tuple[Purpose, str], reason: str
) -> None:
    opening = key(begun, "17", *first)
    key(begun, "17.verdict", *second)
    before = contents(begun.site)
    assert reason in refusal(*add_reviewer(opening, begun))
    assert contents(begun.site) == before


@pytest.mark.parametrize(
    ("command", "purpose"),
    [("receipt", Purpose.LEDGER), ("ledger", Purpose.RECEIPT), ("receipt", Purpose.MODEL)],
)
def test_the_estates_keys_do_not_change_places(
    begun: Workshop, command: str, purpose: Purpose
) -> None:
    file = key(begun, "swapped", purpose, "Books")
    words = ("recipients", command, begun.site, "--key", file)
    assert f"the {purpose} key of Books; a {command} key is needed" in refusal(*words)


def test_an_organisation_is_named_by_its_own_keys(begun: Workshop) -> None:
    sign = key(begun, "sign", Purpose.LIST_SIGN, "Example County")
    seal = key(begun, "seal", Purpose.LIST_SEAL, "Example County")
    named = ("organisation", "add", begun.site, "--name", "Example County")
    swapped = refusal(*named, "--sign-key", seal, "--seal-key", sign)
    assert "a list-sign key is needed" in swapped
    files = ("--sign-key", sign, "--seal-key", seal)
    other = ("organisation", "add", begun.site, "--name", POLICE)
    assert "the list-sign key of Example County" in refusal(*other, *files)
    tallylight(*named, *files)


def test_nets_are_trusted_by_a_key_for_nets(begun: Workshop) -> None:
    file = key(begun, "books", Purpose.LEDGER, "Books")
    words = ("model", "verify", begun.folder / "models", "--trust", file)
    assert "a model key is needed" in refusal(*words)


def test_a_private_key_is_not_named_as_a_public_one(begun: Workshop) -> None:
    _, file = begun.key("root-maker")
    assert "private key's file" in refusal("recipients", "receipt", begun.site, "--key", file)


def test_a_key_made_for_a_site_says_so(tmp_path: Path) -> None:
    (tmp_path / "passphrase").write_text(PASSPHRASE)
    words = ("--purpose", "list-sign", "--holder", POLICE, "--site", "mill-lane")
    secret = ("--passphrase-file", tmp_path / "passphrase")
    tallylight("site", "key", tmp_path / "own.key", *words, *secret)
    assert '"site":"mill-lane"' in (tmp_path / "own.pub").read_text()
