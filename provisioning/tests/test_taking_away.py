"""Taking away: reviewers, cameras, organisations and nets leave, and what then has to follow."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from formats.recipients import read_recipients
from provisioning.site.folder import Site
from provisioning.site.policy import signed_policy
from provisioning.tests.workshop import ESTATE, POLICE, Workshop, contents, refusal, tallylight


def test_a_reviewer_who_leaves_is_not_in_the_next_policy(prepared: Workshop) -> None:
    key = ("--key", prepared.folder / "three.pub")
    (prepared.folder / "three.pub").write_bytes((prepared.folder / "one.pub").read_bytes())
    verdict = (prepared.folder / "one.verdict.pub").read_bytes()
    (prepared.folder / "three.verdict.pub").write_bytes(verdict)
    output = tallylight("recipients", "remove", prepared.site, "--reviewer", "one", "--yes")
    assert "Add another one: two must stay" in output
    who = ("--reviewer", "three", "--organisation", ESTATE)
    tallylight("recipients", "add", prepared.site, *who, *key)
    prepared.sign_policy()
    _, _, recipients = signed_policy(Site(prepared.site))
    names = {each.name for each in read_recipients(recipients).reviewers}
    assert names == {"two", "three"}


def test_an_unknown_reviewer_is_not_removed(prepared: Workshop) -> None:
    before = contents(prepared.site)
    words = ("recipients", "remove", prepared.site, "--reviewer", "onne", "--yes")
    assert "There is no reviewer 'onne', only one, two." in refusal(*words)
    assert contents(prepared.site) == before


def test_a_camera_is_taken_out_by_the_first_digits_of_its_id(prepared: Workshop) -> None:
    (request,) = (prepared.site / "cameras").iterdir()
    output = tallylight("camera", "remove", prepared.site, request.stem[:4], "--yes")
    assert f"tallylight broker revoke {prepared.site} {request.stem[:8]}" in output
    assert Site(prepared.site).policy.places == ()


@pytest.mark.parametrize("beginning", ["", "abc", "0000000"])
def test_a_camera_that_is_not_named_by_its_id_stays(prepared: Workshop, beginning: str) -> None:
    before = contents(prepared.site)
    words = ("camera", "remove", prepared.site, beginning, "--yes")
    assert f"an id that begins with {beginning!r}" in refusal(*words)
    assert contents(prepared.site) == before


def test_an_organisation_leaves_with_its_entries(listed: Workshop) -> None:
    (handle,) = (path.stem for path in (listed.site / "entries").iterdir())
    sign, seal = (listed.public(name, new_public_key()) for name in ("sign", "seal"))
    keys = ("--sign-key", sign, "--seal-key", seal)
    tallylight("organisation", "add", listed.site, "--name", "Example County", *keys)
    words = ("organisation", "remove", listed.site, "--name", POLICE, "--json", "--yes")
    assert json.loads(tallylight(*words).splitlines()[-1])["entries"] == [handle]
    listed.sign_policy()
    build = ("list", "build", listed.site, *listed.key("list-seal-example-estate"))
    assert f"Entry {handle} is of {POLICE}" in refusal(*build, *listed.passphrase)
    tallylight("list", "remove", listed.site, handle, "--yes")
    assert "Entries: 0" in tallylight(*build, *listed.passphrase, "--yes")


def new_public_key() -> bytes:
    return bytes(SigningKey.generate().verify_key)


def test_two_organisations_stay(prepared: Workshop) -> None:
    before = contents(prepared.site)
    words = ("organisation", "remove", prepared.site, "--name", POLICE, "--yes")
    assert "2 to 16 suppliers" in refusal(*words)
    assert contents(prepared.site) == before


def test_an_unknown_organisation_is_not_removed(prepared: Workshop) -> None:
    words = ("organisation", "remove", prepared.site, "--name", "Example Polity", "--yes")
    assert POLICE in refusal(*words)


def test_without_nets_no_list_is_built_until_others_are_adopted(listed: Workshop) -> None:
    tallylight("model", "remove", listed.site)
    words = ("list", "build", listed.site, *listed.key("list-seal-example-police"))
    assert "no nets yet" in refusal(*words, *listed.passphrase)
    assert "nothing to remove" in refusal("model", "remove", listed.site)
    bundle, trusted = listed.bundle_again()
    tallylight("model", "adopt", listed.site, bundle, "--trust", trusted, "--yes")
    assert "Entries: 1" in tallylight(*words, *listed.passphrase, "--yes")


REMOVING: dict[str, Callable[[Workshop], tuple[str | Path, ...]]] = {
    "recipients remove": lambda _: ("--reviewer", "one"),
    "camera remove": lambda it: (next((it.site / "cameras").iterdir()).stem,),
    "organisation remove": lambda _: ("--name", POLICE),
    "list remove": lambda it: (next((it.site / "entries").iterdir()).stem,),
}


@pytest.mark.parametrize("command", REMOVING)
def test_what_is_taken_away_is_shown_and_asked_back(listed: Workshop, command: str) -> None:
    before = contents(listed.site)
    words = (*command.split(), listed.site, *REMOVING[command](listed))
    assert "repeat with --yes" in refusal(*words)
    assert contents(listed.site) == before
