"""Signing a list: what a signer is shown, and which lists and keys are refused."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from provisioning.__main__ import app
from provisioning.tests.workshop import (
    HOPPER,
    PASSPHRASE,
    Workshop,
    contents,
    refusal,
    tallylight,
)
from terminal import questions


def sign(workshop: Workshop, key: str, *flags: str) -> list[str | Path]:
    return ["list", "sign", workshop.site, *workshop.key(key), *workshop.passphrase, *flags]


def test_a_signer_is_shown_the_list(listed: Workshop) -> None:
    output = tallylight(*sign(listed, "list-sign-example-police", "--yes"))
    for words in ("Example Police is asked", "missing person", "Nothing else found them", "none"):
        assert words in output


def test_minors_are_named_to_a_signer(prepared: Workshop) -> None:
    prepared.add(HOPPER, "--minor", "--vulnerable")
    prepared.build()
    output = tallylight(*sign(prepared, "list-sign-example-police", "--yes"))
    assert "MINOR and VULNERABLE" in output
    assert "1 of 3 organisations" in output


def test_one_organisation_cannot_sign_twice(listed: Workshop) -> None:
    listed.sign("police")
    before = contents(listed.site)
    assert "another organisation" in refusal(*sign(listed, "list-sign-example-police", "--yes"))
    assert contents(listed.site) == before


def test_a_sealing_key_does_not_sign(listed: Workshop) -> None:
    output = refusal(*sign(listed, "list-seal-example-police", "--yes"))
    assert "list-sign key is needed" in output


def test_a_wrong_passphrase_does_not_sign(listed: Workshop) -> None:
    (listed.folder / "passphrase").write_text(PASSPHRASE[::-1])
    before = contents(listed.site)
    assert "does not open" in refusal(*sign(listed, "list-sign-example-police", "--yes"))
    assert contents(listed.site) == before


def test_no_list_is_signed_before_it_is_built(prepared: Workshop) -> None:
    assert "no list yet" in refusal(*sign(prepared, "list-sign-example-police", "--yes"))


def test_a_list_that_was_tampered_with_is_not_signed(listed: Workshop) -> None:
    path = listed.site / "signed" / "list" / "watchlist-mill-lane.json"
    path.write_bytes(path.read_bytes().replace(b"Inspector", b"Inspecting officer"))
    assert "was changed" in refusal(*sign(listed, "list-sign-example-police", "--yes"))


def test_a_list_of_an_older_policy_is_not_signed(listed: Workshop) -> None:
    tallylight(
        *("policy", "sign", listed.site, "--renew", "--yes"),
        *listed.key("targets-oversight-body"),
        *listed.passphrase,
    )
    key = listed.key("targets-estate-security")
    tallylight("policy", "sign", listed.site, *key, *listed.passphrase, "--yes")
    output = refusal(*sign(listed, "list-sign-example-police", "--yes"))
    assert "policy has changed" in output


def test_a_signer_who_answers_no_has_not_signed(listed: Workshop) -> None:
    before = contents(listed.site)
    words = sign(listed, "list-sign-example-police")
    result = CliRunner().invoke(app, [str(word) for word in words], input="n\n")
    assert result.exit_code == 1
    assert contents(listed.site) == before


def test_a_passphrase_can_be_typed(listed: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "getpass", lambda _: PASSPHRASE)
    key = listed.key("list-sign-example-police")
    output = tallylight("list", "sign", listed.site, *key, "--yes")
    assert PASSPHRASE not in output
    assert "Example Police has signed" in output


def test_a_signing_key_of_another_site_does_not_sign(listed: Workshop, tmp_path: Path) -> None:
    other = Workshop(tmp_path / "other")
    other.folder.mkdir()
    other.begin()
    key = other.key("list-sign-example-police")
    words = ("list", "sign", listed.site, *key, *listed.passphrase, "--yes")
    assert "signs no lists" in refusal(*words)
