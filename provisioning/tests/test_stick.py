"""Memory sticks between machines: what is given, what is taken in, what stays on the stick."""

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from nacl.signing import SigningKey
from tuf.api.metadata import Metadata, Targets  # type: ignore[attr-defined]  # Re-exports.

from estate.budget.statement import LIFE, Offer, write_statement_files
from formats.budget import BudgetStatement
from formats.casefile import read_casefile
from formats.keyfile import Purpose, make_key, read_key, unlock_signing, write_key
from formats.signer import Ed25519Signer
from provisioning.site.folder import Site
from provisioning.site.policy import signed_policy
from provisioning.site.roles import sign
from provisioning.site.rotation import newest_root, read_rotation
from provisioning.tests.page import commands, follow
from provisioning.tests.workshop import (
    CHEAP,
    COLLINS,
    ESTATE,
    LEDGER_KEY,
    PASSPHRASE,
    Workshop,
    contents,
    refusal,
    tallylight,
)

ROOT_HOLDERS = ("data-protection-officer", "first-spare", "oversight-body")


def give(workshop: Workshop) -> Path:
    """Give the stick; return the site's folder on it."""
    stick = workshop.folder / "stick"
    stick.mkdir(exist_ok=True)
    tallylight("give", stick, "--from", workshop.site)
    return stick / "mill-lane"


def take(workshop: Workshop) -> str:
    return tallylight("take", workshop.folder / "stick", "--into", workshop.site)


def refused(workshop: Workshop) -> str:
    return refusal("take", workshop.folder / "stick", "--into", workshop.site)


def sign_list(workshop: Workshop, folder: Path, organisation: str) -> None:
    key = workshop.key(f"list-sign-example-{organisation}")
    tallylight("list", "sign", folder, *key, *workshop.passphrase, "--yes")


def publish(workshop: Workshop) -> list[str | Path]:
    return ["list", "publish", workshop.site, *workshop.passphrase]


def handles(workshop: Workshop) -> list[str]:
    return sorted(path.stem for path in (workshop.site / "entries").iterdir())


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


def holder(workshop: Workshop, name: str) -> tuple[str | Path, ...]:
    return (*workshop.key(f"targets-{name}"), *workshop.passphrase, "--yes")


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


def reviewer(workshop: Workshop, name: str, organisation: str) -> tuple[str | Path, ...]:
    key = ("--key", workshop.folder / f"{name}.pub")
    return ("--yes", "--reviewer", name, "--organisation", organisation, *key)


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


# What a stale stick would bring back


@pytest.fixture
def stale(prepared: Workshop) -> Workshop:
    """Return a site whose stick has version 1, signed by all; version 2 has one person less."""
    prepared.add()
    prepared.add(COLLINS, case_ref="CR/2")
    prepared.build()
    prepared.sign("police")
    sign_list(prepared, give(prepared), "estate")
    tallylight("list", "remove", prepared.site, handles(prepared)[0])
    prepared.build()
    return prepared


def test_a_stale_stick_changes_nothing(stale: Workshop) -> None:
    before = contents(stale.site)
    assert "older    List, version 1; version 2 is here." in take(stale)
    assert contents(stale.site) == before


def test_the_guide_with_a_stale_stick_publishes_the_newer_list(
    stale: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Follow docs/lists.md: the stick comes back with version 1 after version 2 was built."""
    shutil.copytree(stale.site / "keys", stale.folder, dirs_exist_ok=True)
    shutil.move(stale.site, stale.folder / "mill-lane")
    monkeypatch.chdir(stale.folder)
    places = {f"/media/{name}": str(stale.folder / name) for name in ("stick", "cameras")}
    steps = commands("lists.md", "Sign: two organisations, two machines, one memory stick")
    taking = next(words for words in steps if words[1] == "take")
    assert "older    List, version 1" in follow(taking, places, stale.passphrase[1])
    for words in steps:
        if "--broker" not in words:
            follow(words, places, stale.passphrase[1])
    (listed,) = json.loads(tallylight("list", "show", "mill-lane", "--json"))["entries"]
    published = contents(stale.folder / "cameras" / "targets")
    (casefile,) = [each for name, each in published.items() if "watchlist-mill-lane.json" in name]
    assert [entry.handle.hex() for entry in read_casefile(casefile).entries] == [listed["handle"]]


def test_an_older_list_that_was_copied_over_the_newer_one_is_not_published(stale: Workshop) -> None:
    shutil.copytree(
        stale.folder / "stick/mill-lane/signed", stale.site / "signed", dirs_exist_ok=True
    )
    assert "version 2 was built" in refusal(*publish(stale))
    assert not (stale.site / "published").exists()


def test_a_list_with_a_person_who_was_removed_since_is_not_published(listed: Workshop) -> None:
    sign_both(listed)
    (handle,) = handles(listed)
    tallylight("list", "remove", listed.site, handle)
    assert f"Entry {handle} is on this list and was removed" in refusal(*publish(listed))
    assert not (listed.site / "published").exists()


def test_a_publication_that_was_put_back_is_followed_by_a_newer_snapshot(
    listed: Workshop,
) -> None:
    sign_both(listed)
    tallylight(*publish(listed))
    shutil.copytree(listed.site / "published", listed.folder / "old")
    tallylight(*publish(listed))
    shutil.rmtree(listed.site / "published")
    shutil.move(listed.folder / "old", listed.site / "published")
    tallylight(*publish(listed))
    assert (listed.site / "published/metadata/3.snapshot.json").exists()


def test_an_older_publication_that_was_put_back_is_not_renewed(listed: Workshop) -> None:
    sign_both(listed)
    tallylight(*publish(listed))
    shutil.copytree(listed.site / "published", listed.folder / "old")
    listed.build()
    sign_both(listed)
    tallylight(*publish(listed))
    shutil.rmtree(listed.site / "published")
    shutil.move(listed.folder / "old", listed.site / "published")
    words = ("list", "renew", listed.site, *listed.passphrase)
    assert "version 2 was published" in refusal(*words)


def sign_both(workshop: Workshop) -> None:
    for organisation in ("police", "estate"):
        sign_list(workshop, workshop.site, organisation)


def test_an_older_policy_that_was_copied_back_is_not_published(listed: Workshop) -> None:
    old = listed.folder / "old"
    shutil.copytree(listed.site, old)
    tallylight("policy", "sign", listed.site, "--renew", *holder(listed, "oversight-body"))
    tallylight("policy", "sign", listed.site, *holder(listed, "estate-security"))
    shutil.copytree(old / "signed", listed.site / "signed", dirs_exist_ok=True)
    assert "version 2 was signed" in refusal("policy", "check", listed.site)


def test_a_root_that_was_published_cannot_be_left_out(listed: Workshop) -> None:
    sign_both(listed)
    tallylight("site", "rotate", listed.site, "--yes")
    for name in ROOT_HOLDERS:
        key = listed.key(f"root-{name}")
        tallylight("site", "sign", listed.site, *key, *listed.passphrase, "--yes")
    tallylight(*publish(listed))
    shutil.rmtree(listed.site / "roots")
    assert "Version 2 of root is published" in refusal(*publish(listed))


def test_an_older_policy_on_the_stick_changes_nothing(prepared: Workshop) -> None:
    give(prepared)
    for flags, name in ((("--renew",), "oversight-body"), ((), "estate-security")):
        tallylight("policy", "sign", prepared.site, *flags, *holder(prepared, name), "--yes")
    before = contents(prepared.site)
    assert "older    Policy, version 1; version 2 is here." in take(prepared)
    assert contents(prepared.site) == before


def test_an_older_root_on_the_stick_changes_nothing(begun: Workshop) -> None:
    give(begun)
    tallylight("site", "rotate", begun.site, "--yes")
    sign_root(begun, begun.site, *ROOT_HOLDERS)
    before = contents(begun.site)
    assert "older    Root 1; root 2 counts here." in take(begun)
    assert contents(begun.site) == before


def sign_root(workshop: Workshop, folder: Path, *holders: str) -> None:
    for name in holders:
        key = workshop.key(f"root-{name}")
        tallylight("site", "sign", folder, *key, *workshop.passphrase, "--yes")


# What a stick must not be


def test_a_root_that_too_few_signed_stays_on_the_stick(begun: Workshop) -> None:
    folder = give(begun)
    tallylight("site", "rotate", folder, "--yes")
    sign_root(begun, folder, *ROOT_HOLDERS[:2])
    (folder / "roots").mkdir()
    (folder / "rotation.json").rename(folder / "roots" / "2.root.json")
    before = contents(begun.site)
    assert "stayed on the stick" in refused(begun)
    assert contents(begun.site) == before


def test_a_root_that_no_holder_signed_does_not_wait_here(begun: Workshop) -> None:
    folder = give(begun)
    tallylight("site", "rotate", folder, "--yes")
    before = contents(begun.site)
    assert "stayed on the stick" in refused(begun)
    assert contents(begun.site) == before


def test_another_list_of_the_same_version_stays_on_the_stick(prepared: Workshop) -> None:
    prepared.add()
    another = Workshop(prepared.folder / "another")
    shutil.copytree(prepared.site, another.site)
    (another.folder / "passphrase").write_text(PASSPHRASE)
    for each in (prepared, another):
        each.build()
    another.sign("estate")
    tallylight("give", another.folder, "--from", another.site)
    before = contents(prepared.site)
    words = ("take", another.folder, "--into", prepared.site)
    assert "stayed on the stick" in refusal(*words)
    assert contents(prepared.site) == before


def test_a_stick_of_another_site_is_refused(listed: Workshop, tmp_path: Path) -> None:
    folder = give(listed)
    other = Workshop(tmp_path / "other")
    other.folder.mkdir()
    other.begin()
    (folder / "root.json").write_bytes((other.site / "root.json").read_bytes())
    assert "another site" in refused(listed)


def test_a_signature_of_no_organisation_stays_on_the_stick(listed: Workshop) -> None:
    folder = give(listed)
    role = Site(folder).signed_list / "site-mill-lane.json"
    before = contents(listed.site)
    forged = listed.folder / "forged.key"
    write_key(forged, make_key(Purpose.LIST_SIGN, ESTATE, PASSPHRASE, CHEAP))
    add_signature(role, unlock_signing(read_key(forged), PASSPHRASE))
    assert "1 of these stayed on the stick" in refused(listed)
    assert contents(listed.site) == before


def add_signature(path: Path, key: Ed25519Signer) -> None:
    metadata = Metadata[Targets].from_bytes(path.read_bytes())
    sign(metadata, key)
    path.write_bytes(metadata.to_bytes())


def plant_link(path: Path) -> None:
    path.rename(path.with_suffix(".moved"))
    path.symlink_to(path.with_suffix(".moved"))


def plant_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def plant_huge_file(path: Path) -> None:
    os.truncate(path, 1 << 40)


def plant_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def plant_garbage(path: Path) -> None:
    path.write_bytes(b"[" * 10_000)


@pytest.mark.parametrize(
    "plant", [plant_link, plant_fifo, plant_huge_file, plant_folder, plant_garbage]
)
@pytest.mark.parametrize(
    "name",
    [
        "root.json",
        "signed/targets/targets.json",
        "signed/targets/policy.json",
        "signed/list/site-mill-lane.json",
        "signed/list/watchlist-mill-lane.json",
        "signed/list/watchlist-mill-lane.sealed",
    ],
)
def test_what_is_no_plain_file_stays_on_the_stick(
    listed: Workshop, name: str, plant: Callable[[Path], None]
) -> None:
    folder = give(listed)
    sign_list(listed, folder, "estate")
    before = contents(listed.site)
    plant(folder / name)
    refused(listed)
    after = contents(listed.site)
    if name.startswith("signed/targets"):  # The list is whole, and comes.
        for each in (before, after):
            del each["signed/list/site-mill-lane.json"]
    assert after == before


@pytest.mark.parametrize("plant", [plant_link, plant_fifo, plant_huge_file, plant_garbage])
@pytest.mark.parametrize("name", ["history/000001.json", "history/000001.role.json"])
def test_a_signer_at_the_stick_is_told_which_file_of_its_history_is_bad(
    listed: Workshop, name: str, plant: Callable[[Path], None]
) -> None:
    sign_both(listed)
    tallylight(*publish(listed))
    listed.build()
    folder = give(listed)
    plant(folder / name)
    key = (*listed.key("list-sign-example-estate"), *listed.passphrase)
    assert str(folder / name) in refusal("list", "sign", folder, *key, "--yes")


def test_a_folder_that_is_a_link_stays_on_the_stick(listed: Workshop) -> None:
    folder = give(listed)
    plant_link(folder / "signed")
    before = contents(listed.site)
    refused(listed)
    assert contents(listed.site) == before
