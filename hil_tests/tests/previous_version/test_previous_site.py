"""A site's folder of the previous version is read, and its work goes on."""

import json
from dataclasses import replace
from typing import Any

import pytest
from nacl.signing import VerifyKey

from formats.keyfile import (
    OPENING,
    Purpose,
    find_keys,
    read_key,
    unlock_opening,
    unlock_signing,
)
from formats.model_bundle import verify_bundle
from formats.policy import read_policy
from formats.public_key_file import read_public_key
from hil_tests.rig.site_maker import tallylight
from hil_tests.tests.previous_version.unpacked import PASSPHRASE, Previous
from provisioning.lists.build import open_list
from provisioning.lists.kept_entries import kept_entries
from provisioning.lists.publication import OnlineKeys, renew_freshness, verify_publication
from provisioning.site.folder import Site, open_site
from provisioning.site.plan import read_plan
from provisioning.site.policy import signed_policy
from provisioning.site.rotation import newest_root

ORGANISATIONS = ["Example Estate", "Example Police"]


@pytest.fixture
def site(previous: Previous) -> Site:
    return open_site(previous.desk.site)


def told(command: str, previous: Previous, *words: str) -> dict[str, Any]:
    """What a command of the list desk answers a machine."""
    said = tallylight(*command.split(), str(previous.desk.site), *words, "--json")
    answer: dict[str, Any] = json.loads(said)
    return answer


def test_list_show_names_the_one_entry(previous: Previous) -> None:
    (entry,) = told("list show", previous)["entries"]
    assert entry["handle"] == previous.facts["entry"]
    assert entry["source"] == "public-domain portrait"


def test_policy_show_names_the_camera_and_what_was_edited(previous: Previous) -> None:
    policy = told("policy show", previous)
    assert policy["site"] == "demo-street"
    assert policy["status"] is True
    assert [place["place"] for place in policy["places"]] == ["the street of the demo"]


def test_list_history_names_the_one_list_and_who_signed_it(previous: Previous) -> None:
    (published,) = told("list history", previous)["lists"]
    assert published["version"] == 1
    assert published["added"] == [previous.facts["entry"]]
    assert sorted(published["organisations"]) == ORGANISATIONS


def test_the_published_repository_holds_from_its_root(previous: Previous, site: Site) -> None:
    found = verify_publication(site.published, site.root, previous.now)
    assert (found.case.site, found.case.version) == ("demo-street", 1)
    assert sorted(found.organisations) == ORGANISATIONS
    assert found.policy == replace(site.policy, version=2)


def test_the_published_repository_is_renewed_with_the_same_online_keys(
    previous: Previous, site: Site
) -> None:
    root = newest_root(site)
    snapshot, timestamp = (
        unlock_signing(site.online_key(purpose, root), PASSPHRASE)
        for purpose in (Purpose.SNAPSHOT, Purpose.TIMESTAMP)
    )
    before = verify_publication(site.published, site.root, previous.now)
    online = OnlineKeys(snapshot, timestamp)
    renewed = renew_freshness(site, online=lambda _: online, inboxes=[], now=previous.now)
    assert renewed.digest == before.digest
    assert renewed.expires > before.expires


def test_policy_and_list_still_have_their_signatures(site: Site) -> None:
    targets, policy, _ = signed_policy(site)
    assert len(targets.signatures) == 2
    assert read_policy(policy) == replace(site.policy, version=2)
    assert sorted(open_list(site).organisations) == ORGANISATIONS


def test_the_template_of_the_entry_opens_with_the_desks_key(site: Site) -> None:
    (entry,) = kept_entries(site)
    desk = unlock_opening(site.key(Purpose.DESK), PASSPHRASE)
    assert len(entry.unlock(desk)) == open_list(site).case.dim


def test_every_key_file_opens_with_its_passphrase_and_has_its_public_half(
    previous: Previous, site: Site
) -> None:
    paths = sorted([*site.keys.glob("*.key"), *previous.desk.estate.glob("*.key")])
    assert len(paths) == 22
    for path in paths:
        key = read_key(path)
        if key.purpose in OPENING:
            assert bytes(unlock_opening(key, PASSPHRASE).public_key) == key.public
        else:
            assert bytes(unlock_signing(key, PASSPHRASE).verify_key) == key.public


def test_the_words_of_a_key_are_those_of_the_ceremonys_minutes(site: Site) -> None:
    minutes = " ".join((site.folder / "ceremony-1.txt").read_text("utf-8").split())
    keys = sorted(site.keys.glob("root-*.key"))
    assert len(keys) == 5
    for path in keys:
        assert json.loads(tallylight("site", "words", str(path), "--json"))["words"] in minutes


def test_the_recipients_name_both_reviewers_and_the_estates_keys(
    previous: Previous, site: Site
) -> None:
    recipients = site.recipients(1)
    assert [each.name for each in recipients.reviewers] == ["reviewer-1", "reviewer-2"]
    named = {Purpose.LEDGER: recipients.ledger_key, Purpose.RECEIPT: recipients.receipt_key}
    for purpose, key in named.items():
        file = previous.desk.estate / f"{purpose}.pub"
        assert read_public_key(file, purpose).public == bytes(key)


def test_the_brokers_authority_is_still_a_key_of_the_site(site: Site) -> None:
    assert len(find_keys(site.keys, Purpose.BROKER)) == 1


def test_the_plan_that_was_agreed_on_is_read(previous: Previous) -> None:
    assert read_plan(previous.desk.folder / "plan.toml").site == "demo-street"


def test_the_nets_manifest_is_signed_by_the_key_that_the_site_trusts(site: Site) -> None:
    trusted = VerifyKey(read_public_key(site.model_key, Purpose.MODEL).public)
    assert verify_bundle(site.models, trusted).manifest
