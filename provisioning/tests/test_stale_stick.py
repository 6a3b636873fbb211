"""Rollback at the desk: what is older, and who was removed, does not come back."""

import json
import shutil

import pytest

from formats.casefile import read_casefile
from provisioning.tests.page import commands, follow
from provisioning.tests.sticks import (
    ROOT_HOLDERS,
    give,
    handles,
    holder,
    publish,
    sign_both,
    sign_list,
    sign_root,
    take,
)
from provisioning.tests.workshop import (
    COLLINS,
    Workshop,
    contents,
    refusal,
    tallylight,
)


@pytest.fixture
def stale(prepared: Workshop) -> Workshop:
    """Return a site whose stick has version 1, signed by all; version 2 has one person less."""
    prepared.add()
    prepared.add(COLLINS, case_ref="CR/2")
    prepared.build()
    prepared.sign("police")
    sign_list(prepared, give(prepared), "estate")
    tallylight("list", "remove", prepared.site, handles(prepared)[0], "--yes")
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
    tallylight("list", "remove", listed.site, handle, "--yes")
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
