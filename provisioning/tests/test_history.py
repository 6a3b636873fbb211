"""What a signer is shown of the changes, the history, reviews that are due, renewed freshness."""

import json
from datetime import UTC, datetime, timedelta

from formats.site_bundle import read_bundle
from provisioning.lists.publication import published_bundle, verify_publication
from provisioning.site.folder import Site
from provisioning.tests.sticks import reviewer
from provisioning.tests.workshop import COLLINS, Workshop, contents, refusal, tallylight


def publish(workshop: Workshop) -> None:
    workshop.sign("police")
    workshop.sign("estate")
    tallylight("list", "publish", workshop.site, *workshop.passphrase)


def handles(workshop: Workshop) -> list[str]:
    entries = json.loads(tallylight("list", "show", workshop.site, "--json"))["entries"]
    return [entry["handle"] for entry in entries]


def asked_to_sign(workshop: Workshop) -> str:
    key = workshop.key("list-sign-example-police")
    return tallylight("list", "sign", workshop.site, *key, *workshop.passphrase, "--yes")


def day(ahead: int) -> str:
    return (datetime.now(UTC) + timedelta(days=ahead)).date().isoformat()


def test_a_signer_of_the_first_list_is_told_that_every_entry_is_new(listed: Workshop) -> None:
    output = asked_to_sign(listed)
    assert "all is new" in output
    (handle,) = handles(listed)
    assert f"ADDED    Entry {handle}" in output


def test_a_signer_is_told_who_comes_who_goes_and_who_stays(listed: Workshop) -> None:
    publish(listed)
    (stays,) = handles(listed)
    listed.add(COLLINS)
    (comes,) = set(handles(listed)) - {stays}
    listed.build()
    output = asked_to_sign(listed)
    compared = "Compared with version 1, which Example Police and Example Estate signed"
    assert compared in " ".join(output.split())
    assert "1 added, none removed, 2 as before" in " ".join(output.split())
    assert output.index(f"ADDED    Entry {comes}") < output.index("As before")
    assert output.index("As before") < output.index(stays)
    listed.sign("estate")
    tallylight("list", "publish", listed.site, *listed.passphrase)
    tallylight("list", "remove", listed.site, stays, "--yes")
    listed.build()
    output = asked_to_sign(listed)
    assert f"REMOVED  Entry {stays}" in output


def test_a_draft_that_waits_for_signatures_hides_no_history(listed: Workshop) -> None:
    publish(listed)
    before = tallylight("list", "history", listed.site)
    tallylight("recipients", "add", listed.site, *reviewer(listed, "two", "Another Estate"))
    assert tallylight("list", "history", listed.site) == before
    assert "1 as before" in " ".join(tallylight("list", "diff", listed.site).split())


def test_a_changed_history_hides_no_new_entry(listed: Workshop) -> None:
    publish(listed)
    role = listed.site / "history" / "000001.role.json"
    document = json.loads(role.read_bytes())
    document["signatures"] = document["signatures"][:1]
    role.write_text(json.dumps(document))
    listed.build()
    assert "all is new" in asked_to_sign(listed)


def test_history_tells_who_came_and_went_and_who_signed(listed: Workshop) -> None:
    assert "Nothing has been published" in tallylight("list", "history", listed.site)
    publish(listed)
    (gone,) = handles(listed)
    tallylight("list", "remove", listed.site, gone, "--yes")
    listed.build()
    publish(listed)
    first, second = json.loads(tallylight("list", "history", listed.site, "--json"))["lists"]
    assert first["added"] == second["removed"] == [gone]
    assert second["entries"] == 0
    assert first["organisations"] == ["Example Police", "Example Estate"]
    assert gone[:8] in tallylight("list", "history", listed.site)


def test_history_keeps_no_template(listed: Workshop) -> None:
    sealed = next((listed.site / "signed" / "list").glob("*.sealed")).read_bytes()
    publish(listed)
    kept = contents(listed.site / "history")
    assert len(kept) == 2
    assert all(sealed[-200:] not in content for content in kept.values())


def test_renewing_works_while_a_draft_waits_for_signatures(listed: Workshop) -> None:
    publish(listed)
    before = verify_publication(
        listed.site / "published", Site(listed.site).root, datetime.now(UTC)
    )
    listed.add(COLLINS)
    listed.build()
    output = tallylight(
        *("list", "renew", listed.site, "--to", listed.folder / "stick", *listed.passphrase)
    )
    assert "Version 1 is renewed" in output
    found = verify_publication(listed.folder / "stick", Site(listed.site).root, datetime.now(UTC))
    assert found.case == before.case
    timestamp = json.loads((listed.folder / "stick/metadata/timestamp.json").read_bytes())
    assert timestamp["signed"]["version"] == 2


def test_a_broken_entry_does_not_stop_renewing(listed: Workshop) -> None:
    publish(listed)
    (path,) = (listed.site / "entries").iterdir()
    path.write_bytes(b"{")
    output = tallylight("list", "renew", listed.site, *listed.passphrase)
    assert "Version 1 is renewed" in output
    assert path.exists()


def test_nothing_is_renewed_before_it_is_published(listed: Workshop) -> None:
    assert "list publish" in refusal("list", "renew", listed.site, *listed.passphrase)


def test_reviews_that_are_due_are_shown_and_can_be_held(listed: Workshop) -> None:
    (handle,) = handles(listed)
    output = tallylight("list", "review", listed.site)
    assert handle in output  # Whole, so that it can be copied.
    assert f"tallylight list remove {listed.site} HANDLE" in output.replace("\n", "")
    assert "No review is due" in tallylight("list", "review", listed.site, "--within-days", "0")
    listed.add(COLLINS, until=day(100), review=day(3))
    (other,) = set(handles(listed)) - {handle}
    tallylight("list", "review", listed.site, other, "--until", day(60))
    due = json.loads(tallylight("list", "review", listed.site, "--json"))["entries"]
    assert [entry["handle"] for entry in due] == [handle]
    listed.build()  # The template still opens.


def test_no_review_outlives_its_entry(listed: Workshop) -> None:
    (handle,) = handles(listed)
    before = contents(listed.site)
    assert "own end" in refusal("list", "review", listed.site, handle, "--until", day(5))
    assert "--until" in refusal("list", "review", listed.site, handle)
    assert "no entry" in refusal("list", "review", listed.site, "0" * 32, "--until", day(1)).lower()
    assert contents(listed.site) == before


def test_what_travels_through_the_broker_is_what_was_published(listed: Workshop) -> None:
    publish(listed)
    files = contents(listed.site / "published")
    assert read_bundle(published_bundle(Site(listed.site))) == files


def test_a_broker_without_a_port_is_refused(listed: Workshop) -> None:
    publish(listed)
    output = refusal("list", "renew", listed.site, "--broker", "nowhere", *listed.passphrase)
    assert "not an address" in output


def test_a_site_without_a_broker_says_so(listed: Workshop) -> None:
    publish(listed)
    output = refusal("list", "renew", listed.site, "--broker", "localhost:1", *listed.passphrase)
    assert "tallylight broker config" in output


def test_what_an_entry_says_is_shown_and_not_obeyed(listed: Workshop) -> None:
    listed.add(COLLINS, requested_by="[red]Chief[/] [/x]")
    listed.build()
    assert "[red]Chief[/] [/x]" in asked_to_sign(listed)
    listed.sign("estate")
    tallylight("list", "publish", listed.site, *listed.passphrase)
    for words in (("show",), ("review", "--within-days", "60")):
        assert "[/x]" in tallylight("list", words[0], listed.site, *words[1:])
