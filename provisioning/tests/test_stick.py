"""Memory sticks between machines: what is given, and what is taken in."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from estate.budget.statement import LIFE, Offer, write_statement_files
from formats.budget import BudgetStatement
from formats.keyfile import Purpose, make_key, write_key
from provisioning.site.folder import Site
from provisioning.site.policy import signed_policy
from provisioning.site.rotation import newest_root, read_rotation
from provisioning.tests.sticks import (
    ROOT_HOLDERS,
    give,
    holder,
    publish,
    refused,
    reviewer,
    sign_both,
    sign_list,
    take,
)
from provisioning.tests.workshop import (
    CHEAP,
    COLLINS,
    LEDGER_KEY,
    PASSPHRASE,
    Workshop,
    contents,
    refusal,
    tallylight,
)

# Giving


def test_a_stick_gets_what_signers_need_and_no_key_and_no_entry(listed: Workshop) -> None:
    folder = give(listed)
    names = {name.split("/")[0] for name in contents(folder)}
    assert names == {"policy.json", "recipients", "root.json", "signed"}


def test_a_stick_with_signatures_that_were_not_taken_is_not_overwritten(listed: Workshop) -> None:
    folder = give(listed)
    sign_list(listed, folder, "estate")
    before = contents(folder)
    stick = listed.folder / "stick"
    assert "take it first" in refusal("give", stick, "--from", listed.site)
    assert contents(folder) == before


def test_without_a_site_here_the_option_that_names_it_is_told(
    listed: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    stick = give(listed).parent
    monkeypatch.chdir(listed.folder)
    assert "name it with --into" in refusal("take", stick)
    monkeypatch.chdir(listed.site)
    assert "known    List" in tallylight("take", stick)


def minutes_root(workshop: Workshop) -> str:
    """Return the digest of the first root as the minutes of the ceremony print it."""
    lines = (workshop.site / "ceremony-1.txt").read_text().splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("SHA-256"))
    return " ".join(" ".join(lines[at + 1 : at + 3]).split())


def test_who_signs_or_takes_sees_the_root_as_the_minutes_print_it(listed: Workshop) -> None:
    folder = give(listed)
    root = minutes_root(listed)
    key = listed.key("list-sign-example-estate")
    shown = tallylight("list", "sign", folder, *key, *listed.passphrase, "--yes")
    assert root in " ".join(shown.split())
    assert root in tallylight("take", folder, "--into", listed.site)
    holder = listed.key("targets-oversight-body")
    words = ("policy", "sign", listed.site, *holder, *listed.passphrase, "--renew", "--yes")
    assert root in " ".join(tallylight(*words).split())
    (folder / "root.json").write_bytes(b"{}")
    said = refusal("take", folder, "--into", listed.site)
    assert root in said
    assert "of another site" in said


def test_a_site_is_not_given_into_itself(listed: Workshop) -> None:
    home = listed.folder / "home"
    shutil.copytree(listed.site, home / "mill-lane")
    before = contents(home)
    assert "a whole site" in refusal("give", home, "--from", home / "mill-lane")
    assert contents(home) == before


def test_a_signer_at_the_stick_sees_what_changes_since_the_published_list(listed: Workshop) -> None:
    sign_both(listed)
    tallylight(*publish(listed))
    listed.add(COLLINS, case_ref="CR/2")
    listed.build()
    folder = give(listed)
    key = listed.key("list-sign-example-estate")
    output = tallylight("list", "sign", folder, *key, *listed.passphrase, "--yes")
    assert "Compared with version 1" in output
    assert output.count("ADDED    Entry") == 1


def test_a_holder_at_the_stick_sees_what_changes_in_the_policy(listed: Workshop) -> None:
    sign_both(listed)
    tallylight(*publish(listed))
    tallylight("recipients", "add", listed.site, *reviewer(listed, "two", "Another Estate"))
    folder = give(listed)
    output = tallylight("policy", "sign", folder, *holder(listed, "oversight-body"))
    assert "Compared with version 1, which is published" in output
    assert "Another Estate" in output
    assert "North gate" not in output.split("As before")[0]


# Taking


def test_signatures_of_two_machines_are_merged(listed: Workshop) -> None:
    sign_list(listed, give(listed), "estate")
    sign_list(listed, listed.site, "police")
    assert "1 signature came" in take(listed)
    assert "Version 1 is published" in tallylight(*publish(listed))


def test_a_second_taking_brings_nothing_new(listed: Workshop) -> None:
    sign_list(listed, give(listed), "estate")
    take(listed)
    before = contents(listed.site)
    assert "known    List, version 1: nothing new." in take(listed)
    assert contents(listed.site) == before


def test_policy_signatures_of_two_sticks_are_merged(prepared: Workshop) -> None:
    tallylight("recipients", "deciding", prepared.site, "--any-two")
    tallylight("policy", "sign", prepared.site, "--renew", *holder(prepared, "oversight-body"))
    tallylight("policy", "sign", give(prepared), *holder(prepared, "estate-security"))
    assert "Policy, version 2: 1 signature came." in take(prepared)
    assert signed_policy(Site(prepared.site))[0].signed.version == 2


def test_a_list_of_before_does_not_frighten_when_the_policy_comes_back(listed: Workshop) -> None:
    """Follow two holders who sign on the stick: the list on it was built before this policy."""
    sign_both(listed)
    tallylight("recipients", "add", listed.site, *reviewer(listed, "two", "Another Estate"))
    for name in ("oversight-body", "estate-security"):
        tallylight("policy", "sign", give(listed), *holder(listed, name))
        output = take(listed)
        assert "Policy, version 2: 1 signature came." in output
        assert "known    List, version 1: nothing new." in output


def test_a_newer_policy_comes_with_its_drafts_once_enough_have_signed_it(
    prepared: Workshop,
) -> None:
    folder = give(prepared)
    tallylight("recipients", "add", folder, *reviewer(prepared, "two", "Another Estate"))
    tallylight("policy", "sign", folder, *holder(prepared, "oversight-body"))
    before = contents(prepared.site)
    assert "stayed on the stick" in refused(prepared)
    assert contents(prepared.site) == before
    tallylight("policy", "sign", folder, *holder(prepared, "estate-security"))
    assert "Policy, version 2: 2 signatures came." in take(prepared)
    assert "Version 2 is signed by enough" in tallylight("policy", "check", prepared.site)


def test_a_draft_that_was_changed_here_is_not_lost(prepared: Workshop) -> None:
    folder = give(prepared)
    tallylight("recipients", "add", folder, *reviewer(prepared, "two", "Another Estate"))
    for name in ("oversight-body", "estate-security"):
        tallylight("policy", "sign", folder, *holder(prepared, name))
    tallylight("recipients", "add", prepared.site, *reviewer(prepared, "two", "Third Estate"))
    before = contents(prepared.site)
    assert "stayed on the stick" in refused(prepared)
    assert contents(prepared.site) == before


def test_a_root_that_three_signed_on_sticks_counts(begun: Workshop) -> None:
    new = begun.folder / "new.key"
    write_key(new, make_key(Purpose.ROOT, "Newcomer", PASSPHRASE, CHEAP))
    leaving = begun.site / "keys" / "root-maker.key"
    tallylight("site", "rotate", begun.site, "--from", leaving, "--to", new, "--yes")
    for name in ROOT_HOLDERS:
        folder = give(begun)
        key = begun.key(f"root-{name}")
        tallylight("site", "sign", folder, *key, *begun.passphrase, "--yes")
        take(begun)
    assert newest_root(Site(begun.site)).signed.version == 2
    assert read_rotation(begun.site) is None
    assert "older    Root, which" not in take(begun)


def test_the_estates_statement_comes_with_the_stick(listed: Workshop) -> None:
    folder = give(listed)
    state(folder, 1, LEDGER_KEY)
    assert "Statement of the estate, version 1 came." in take(listed)
    state(folder, 2, LEDGER_KEY)
    assert "Statement of the estate, version 2 came." in take(listed)
    assert "version 2: nothing new" in take(listed)


def test_a_statement_that_the_estate_did_not_sign_stays_on_the_stick(listed: Workshop) -> None:
    state(give(listed), 1, SigningKey(bytes([9]) * 32))
    before = contents(listed.site)
    assert "stayed on the stick" in refused(listed)
    assert contents(listed.site) == before


def state(folder: Path, version: int, key: SigningKey) -> None:
    """Let the estate put a statement into the site's folder on the stick."""
    statement = BudgetStatement("mill-lane", int(datetime.now(UTC).timestamp()), ())
    offer = Offer(statement, version, datetime.now(UTC).replace(microsecond=0) + LIFE)
    write_statement_files(folder / "estate", offer, key)
