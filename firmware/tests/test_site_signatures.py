"""Whose signatures a list needs, and when it begins and ends."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tuf.api.metadata import TargetFile, Targets  # type: ignore[attr-defined]  # Re-exports.

from firmware.tests.desk import (
    NOW,
    NOW_S,
    SIGNERS,
    STRANGER,
    THIS_CAMERA,
    Desk,
    entry,
    template_row,
)
from firmware.tests.verifier import Camera, refused
from firmware.trust.site_verifier import verify_site
from firmware.trust.watchlist import EntryLapsed, Refusal
from formats.site_keys import SiteKey
from provisioning.site.roles import make_root, sign

ROLES = ("root", "targets", "snapshot", "timestamp")


@pytest.fixture
def camera(tmp_path: Path) -> Camera:
    return Camera(tmp_path)


def test_a_list_signed_once_is_refused(camera: Camera) -> None:
    with refused(Refusal.SIG):
        camera.takes(Desk(signers=[SIGNERS["police"]]))


def test_a_list_signed_twice_by_one_organisation_is_refused(camera: Camera) -> None:
    with refused(Refusal.SIG):
        camera.takes(Desk(signers=[SIGNERS["police"], SIGNERS["police"]]))


def test_a_lowered_threshold_does_not_help_one_organisation(camera: Camera) -> None:
    def lower(targets: Targets) -> None:
        targets.get_delegated_role("site-mill").threshold = 1

    with refused(Refusal.SIG):
        camera.takes(Desk(signers=[SIGNERS["police"]], amend_targets=lower))


def test_one_key_under_two_names_is_refused(camera: Camera) -> None:
    def double(targets: Targets) -> None:
        twin = SiteKey.of(SIGNERS["police"].verify_key)
        twin.keyid = "0" * 64
        assert targets.delegations is not None
        targets.delegations.keys[twin.keyid] = twin
        targets.get_delegated_role("site-mill").keyids.append(twin.keyid)

    with refused(Refusal.FORM):
        camera.takes(Desk(signers=[SIGNERS["police"]], amend_targets=double))


def test_a_flipped_signature_is_refused(camera: Camera) -> None:
    Desk().publish(camera.inbox)
    role = camera.inbox / "metadata" / "1.site-mill.json"
    content = json.loads(role.read_bytes())
    content["signatures"][0]["sig"] = "00" * 64
    role.write_text(json.dumps(content))
    with refused(Refusal.SIG):
        camera.looks()


def test_a_list_of_another_root_is_refused(camera: Camera) -> None:
    Desk().publish(camera.inbox)
    strange = make_root({role: [STRANGER.verify_key] for role in ROLES}, NOW)
    strange.signed.roles["root"].threshold = 1
    sign(strange, STRANGER)
    with refused(Refusal.SIG):
        verify_site(camera.inbox, camera.metadata, strange.to_bytes(), camera=THIS_CAMERA, now=NOW)


def test_a_signature_of_no_supplier_of_the_policy_is_refused(camera: Camera) -> None:
    def admit(targets: Targets) -> None:
        targets.add_key(SiteKey.of(STRANGER.verify_key), "site-mill")

    with refused(Refusal.SUPPLIER):
        camera.takes(Desk(signers=[SIGNERS["police"], STRANGER], amend_targets=admit))


def test_the_targets_role_cannot_issue_a_list_alone(camera: Camera) -> None:
    Desk().publish(camera.inbox)

    def take_over(targets: Targets) -> None:
        for file in camera.inbox.glob("targets/*.watchlist-mill.*"):
            name = file.name.partition(".")[2]
            targets.targets[name] = TargetFile.from_data(name, file.read_bytes(), ["sha256"])

    with refused(Refusal.FORM):
        camera.takes(Desk(amend_targets=take_over))


def test_the_targets_role_cannot_put_a_list_in_place_of_the_accepted_one(
    camera: Camera, tmp_path: Path
) -> None:
    camera.takes(Desk())
    forged = Desk(entries=[entry(3)]).publish(tmp_path / "forged") / "targets"

    def take_over(targets: Targets) -> None:
        targets.version = 2
        for file in forged.glob("*.watchlist-mill.*"):
            name = file.name.partition(".")[2]
            targets.targets[name] = TargetFile.from_data(name, file.read_bytes(), ["sha256"])
            (camera.inbox / "targets" / file.name).write_bytes(file.read_bytes())

    with refused(Refusal.FORM, match="signed by the site's own role"):
        camera.takes(Desk(amend_targets=take_over), version=2)


def test_a_minor_needs_a_third_organisation(camera: Camera) -> None:
    with refused(Refusal.SIG):
        camera.takes(Desk(entries=[entry(1, minor=True)]))


def test_a_vulnerable_person_needs_a_third_organisation(camera: Camera) -> None:
    with refused(Refusal.SIG):
        camera.takes(Desk(entries=[entry(1, vulnerable=True)]))


def test_three_organisations_can_list_a_minor(camera: Camera) -> None:
    desk = Desk(entries=[entry(1, minor=True)], signers=SIGNERS.values())
    assert camera.takes(desk).entries[0].minor


def test_a_list_is_refused_once_its_freshness_is_over(camera: Camera) -> None:
    Desk().publish(camera.inbox)
    with refused(Refusal.EXPIRED):
        camera.looks(now=NOW + timedelta(hours=24))


def test_the_accepted_list_is_refused_once_its_freshness_is_over(camera: Camera) -> None:
    camera.takes(Desk())
    with refused(Refusal.EXPIRED):
        camera.reloads(now=NOW + timedelta(hours=24))


def test_an_expired_list_is_refused_however_fresh(camera: Camera) -> None:
    brief = Desk(amend_case=lambda case: replace(case, expires_utc_s=NOW_S + 3600))
    brief.publish(camera.inbox)
    with refused(Refusal.EXPIRED):
        camera.looks(now=NOW + timedelta(hours=2))


def test_a_list_ends_before_a_role_that_was_signed_for_longer(camera: Camera) -> None:
    def last_longer(site: Targets) -> None:
        site.expires = NOW + timedelta(days=1)

    brief = Desk(
        amend_case=lambda case: replace(case, expires_utc_s=NOW_S + 3600), amend_site=last_longer
    )
    brief.publish(camera.inbox)
    with refused(Refusal.EXPIRED, match="The list has expired"):
        camera.looks(now=NOW + timedelta(hours=2))


def test_a_list_in_use_ends_at_its_end(camera: Camera) -> None:
    watchlist = camera.takes(Desk())
    watchlist.check(NOW + timedelta(hours=23))
    with refused(Refusal.EXPIRED):
        watchlist.check(NOW + timedelta(hours=24))


def test_a_clock_before_the_signature_is_refused(camera: Camera) -> None:
    Desk().publish(camera.inbox)
    with refused(Refusal.CLOCK):
        camera.looks(now=NOW - timedelta(seconds=1))


def test_an_overdue_assessment_is_refused(camera: Camera) -> None:
    desk = Desk()
    overdue = replace(desk.policy.assessment, review_utc_s=NOW_S)
    with refused(Refusal.DPIA):
        camera.takes(Desk(policy=replace(desk.policy, assessment=overdue)))


def test_a_lapsed_entry_is_not_searched_for(camera: Camera) -> None:
    lapsed = entry(1, review_utc_s=NOW_S)
    watchlist = camera.takes(Desk(entries=[lapsed, entry(2)]))
    assert watchlist.handles == bytes([2]) * 16
    assert watchlist.templates == template_row(1)


def test_an_entry_that_begins_later_is_not_searched_for(camera: Camera) -> None:
    later = entry(1, added_utc_s=NOW_S + 1)
    assert camera.takes(Desk(entries=[later])).entries.handles == b""


def test_an_entry_that_lapses_in_use_is_refused(camera: Camera) -> None:
    watchlist = camera.takes(Desk(entries=[entry(1, review_utc_s=NOW_S + 60)]))
    assert watchlist.entry(0, NOW).handle == bytes([1]) * 16
    with pytest.raises(EntryLapsed):
        watchlist.entry(0, NOW + timedelta(seconds=60))


def test_an_older_list_is_refused(camera: Camera) -> None:
    camera.takes(Desk(), version=2)
    with refused(Refusal.ROLLBACK):
        camera.takes(Desk(), version=1)


def test_a_case_file_of_another_version_than_its_role_is_refused(camera: Camera) -> None:
    def renew(site: Targets) -> None:
        site.version += 1

    with refused(Refusal.ROLLBACK):
        camera.takes(Desk(amend_site=renew))
