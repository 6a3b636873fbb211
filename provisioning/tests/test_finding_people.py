"""People are found by what people know; what is there twice is said at once; what ends is said."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from provisioning.__main__ import app
from provisioning.commands.list_overview import DUE
from provisioning.tests.sticks import ROOT_HOLDERS, reviewer
from provisioning.tests.workshop import COLLINS, HOPPER, Workshop, contents, refusal, tallylight


@pytest.fixture
def two(prepared: Workshop) -> Workshop:
    """Return a site with two people for the next list, of two cases."""
    prepared.add(HOPPER, case_ref="CR/1")
    prepared.add(COLLINS, case_ref="CR/2")
    return prepared


def handles(workshop: Workshop, *words: str) -> list[str]:
    shown = json.loads(tallylight("list", "show", workshop.site, *words, "--json"))["entries"]
    return [entry["handle"] for entry in shown]


def test_an_entry_is_found_by_its_case(two: Workshop) -> None:
    (hopper,) = handles(two, "--case", "CR/1")
    (collins,) = handles(two, "--case", "CR/2")
    assert sorted((hopper, collins)) == handles(two)
    tallylight("list", "remove", two.site, "--case", "CR/1", "--yes")
    assert handles(two) == [collins]


def test_an_entry_is_found_by_the_first_digits_of_its_handle(two: Workshop) -> None:
    first, second = handles(two)
    assert handles(two, first[:8]) == [first]
    until = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    assert first in tallylight("list", "review", two.site, first[:8], "--until", until)
    tallylight("list", "remove", two.site, first[:8], "--yes")
    assert handles(two) == [second]


def test_digits_of_two_handles_name_neither(two: Workshop) -> None:
    for path, new in zip(sorted((two.site / "entries").iterdir()), ("aaaa1", "aaaa2"), strict=True):
        path.rename(path.with_name(f"{new}.json"))
    before = contents(two.site)
    assert "2 entries have a handle" in refusal("list", "remove", two.site, "aaaa", "--yes")
    assert contents(two.site) == before


@pytest.mark.parametrize("words", [(), ("--case", "CR/9"), ("abcd", "--case", "CR/1")])
def test_nobody_is_removed_who_is_not_named(two: Workshop, words: tuple[str, ...]) -> None:
    before = contents(two.site)
    refusal("list", "remove", two.site, *words)
    assert contents(two.site) == before


def test_several_people_of_one_case_are_removed_after_a_question(prepared: Workshop) -> None:
    prepared.add(HOPPER)
    (first,) = handles(prepared)
    output = tallylight("list", "add", prepared.site, "--picture", COLLINS, *prepared.case())
    assert f"The case had an entry before this one: {first}" in output
    remove = ("list", "remove", prepared.site, "--case", "CR/1")
    assert "repeat with --yes" in refusal(*remove)
    assert len(handles(prepared)) == 2
    assert f"Entry {first}" in tallylight(*remove, "--yes")
    assert handles(prepared) == []


def test_the_same_picture_is_refused_at_once(two: Workshop) -> None:
    before = contents(two.site)
    (first,) = handles(two, "--case", "CR/1")
    case = two.case(case_ref="CR/3")
    output = refusal("list", "add", two.site, "--picture", HOPPER, *case)
    assert f"is on the list already, as entry {first}" in output
    assert contents(two.site) == before


# What ends


def status(workshop: Workshop, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["list", "status", str(workshop.site), *words])
    return result.exit_code, result.output


@pytest.fixture
def published(listed: Workshop) -> Workshop:
    listed.sign("police")
    listed.sign("estate")
    tallylight("list", "publish", listed.site, *listed.passphrase)
    return listed


def test_a_fresh_list_reminds_of_nothing(published: Workshop) -> None:
    code, output = status(published, "--within-days", "0")
    assert code == 0
    assert "ok   The list ends" in output
    assert "DUE" not in output


def test_a_list_that_ends_within_the_days_is_due(published: Workshop) -> None:
    code, output = status(published, "--within-days", "8")
    assert code == DUE
    assert "DUE  The list ends" in output
    assert "list build, then sign and publish" in output


def test_an_entry_whose_review_is_near_is_due(published: Workshop) -> None:
    code, output = status(published, "--within-days", "3")
    assert code == DUE
    assert f"DUE  The time of entry {handles(published)[0]} ends" in output


def test_a_site_that_has_published_nothing_is_due(listed: Workshop) -> None:
    code, output = status(listed, "--within-days", "0")
    assert code == DUE
    assert "Nothing is published yet" in output


# What is not published yet


def test_a_removed_person_on_the_published_list_is_due(published: Workshop) -> None:
    (hopper,) = handles(published)
    tallylight("list", "remove", published.site, hopper, "--yes")
    code, output = status(published, "--within-days", "0")
    assert code == DUE
    assert f"DUE  Entry {hopper} was removed, and cameras still search for it" in output


def test_renewing_says_that_a_removed_person_is_still_searched_for(published: Workshop) -> None:
    (hopper,) = handles(published)
    tallylight("list", "remove", published.site, hopper, "--yes")
    output = tallylight("list", "renew", published.site, *published.passphrase)
    assert f"Entry {hopper} was removed, and cameras still search for it" in output


def test_an_added_person_and_a_review_that_no_camera_has_are_due(published: Workshop) -> None:
    (hopper,) = handles(published)
    today = datetime.now(UTC).date().isoformat()
    tallylight("list", "review", published.site, hopper, "--until", today)
    published.add(COLLINS, case_ref="CR/2")
    (collins,) = set(handles(published)) - {hopper}
    code, output = status(published, "--within-days", "0")
    assert code == DUE
    assert f"DUE  Entry {hopper} is reviewed here alone" in output
    assert f"DUE  Entry {collins} is not searched for yet" in output


def test_a_policy_that_no_camera_has_is_due(published: Workshop) -> None:
    tallylight("recipients", "add", published.site, *reviewer(published, "two", "Another Estate"))
    assert "DUE  The policy has changed since it was signed" in status(published)[1]
    published.sign_policy()
    code, output = status(published, "--within-days", "0", "--json")
    assert code == DUE
    (waiting,) = json.loads(output)["waiting"]
    assert "Version 2 of the policy is signed, and no camera has it" in waiting


def test_a_root_that_no_camera_has_is_due(published: Workshop) -> None:
    tallylight("site", "rotate", published.site, "--yes")
    for name in ROOT_HOLDERS:
        key = published.key(f"root-{name}")
        tallylight("site", "sign", published.site, *key, *published.passphrase, "--yes")
    code, output = status(published, "--within-days", "0")
    assert code == DUE
    assert "DUE  Root 2 counts here, and no camera has it" in output


def test_an_entry_is_not_kept_beyond_its_end_by_a_review(listed: Workshop) -> None:
    (hopper,) = handles(listed)
    output = refusal("list", "review", listed.site, hopper, "--until", "2099-01-01")
    assert "remove the entry and add the person again" in output


# What differs


def test_the_next_list_is_compared_with_the_published_one(published: Workshop) -> None:
    (hopper,) = handles(published)
    published.add(COLLINS, case_ref="CR/2")
    tallylight("list", "remove", published.site, hopper, "--yes")
    (collins,) = handles(published)
    found = json.loads(tallylight("list", "diff", published.site, "--json"))
    assert (found["added"], found["removed"], found["same"]) == ([collins], [hopper], 0)


def test_two_published_versions_are_compared(published: Workshop) -> None:
    published.add(COLLINS, case_ref="CR/2")
    published.build()
    published.sign("police")
    published.sign("estate")
    tallylight("list", "publish", published.site, *published.passphrase)
    versions = ("--since", "1", "--until", "2")
    output = tallylight("list", "diff", published.site, *versions)
    assert "none changed, 1 added, none removed, 1 as before" in " ".join(output.split())
    assert "these were: 1, 2" in refusal("list", "diff", published.site, "--since", "3")


def test_a_changed_entry_is_shown_with_what_changed(published: Workshop) -> None:
    (hopper,) = handles(published)
    file = published.site / "entries" / f"{hopper}.json"
    file.write_bytes(file.read_bytes().replace(b"Nothing else found", b"No other way found"))
    output = tallylight("list", "diff", published.site)
    changed = "because now No other way found them. was Nothing else found them."
    assert changed in " ".join(output.split())


def test_a_smaller_copy_of_a_picture_is_left_to_the_build(two: Workshop, tmp_path: Path) -> None:
    copy = tmp_path / "copy.png"
    with Image.open(HOPPER) as picture:
        picture.convert("RGB").resize((480, 566)).save(copy)
    two.add(copy, case_ref="CR/3")
    assert len(handles(two)) == 3
