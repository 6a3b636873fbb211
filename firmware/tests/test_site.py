"""Which lists a camera accepts, and that a refusal changes nothing."""

import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from tuf.api.metadata import Targets  # type: ignore[attr-defined]  # Re-exports.

from firmware.record.ledger import Ledger
from firmware.tests.desk import (
    LIST_KEY,
    MODEL,
    NOW_S,
    SEALERS,
    SIGNERS,
    STRANGER,
    THIS_CAMERA,
    Desk,
    entry,
    opening,
    template_row,
)
from firmware.tests.verifier import Camera, only, refused
from firmware.trust.list_destruction import DestructionLog, destroy_body, held_list
from firmware.trust.watchlist import Refusal, ThisCamera
from formats.ledger import Program
from formats.list_end import End


@pytest.fixture
def camera(tmp_path: Path) -> Camera:
    return Camera(tmp_path)


def test_a_list_of_two_organisations_is_accepted(camera: Camera) -> None:
    watchlist = camera.takes(Desk())
    assert [each.handle for each in watchlist.entries] == [bytes([1]) * 16, bytes([2]) * 16]
    assert watchlist.handles == bytes([1]) * 16 + bytes([2]) * 16
    assert watchlist.templates == template_row(0) + template_row(1)
    assert watchlist.version == 1
    assert watchlist.policy.site == "mill"
    assert len(watchlist.recipients.reviewers) == 2


def test_digests_are_those_of_the_published_files(camera: Camera) -> None:
    watchlist = camera.takes(Desk())
    case = only(camera.inbox, "targets/*.watchlist-mill.json")
    policy = only(camera.inbox, "targets/*.policy.json")
    assert watchlist.digest == sha256(case.read_bytes()).digest()
    assert watchlist.policy_digest == sha256(policy.read_bytes()).digest()


def test_a_list_ends_with_its_freshness(camera: Camera) -> None:
    assert camera.takes(Desk()).expires_utc_s == NOW_S + 86400


def test_an_empty_list_is_accepted(camera: Camera) -> None:
    assert camera.takes(Desk(entries=[])).entries.handles == b""


def test_the_same_list_is_accepted_again(camera: Camera) -> None:
    camera.takes(Desk())
    assert camera.looks().version == 1


def test_a_newer_list_replaces_the_older(camera: Camera) -> None:
    camera.takes(Desk())
    camera.takes(Desk(entries=[entry(3)]), version=2)
    assert [each.handle for each in camera.reloads().entries] == [bytes([3]) * 16]


def test_the_accepted_list_is_kept_where_its_folder_lies_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "state").symlink_to("data")
    camera = Camera(tmp_path / "state")
    camera.takes(Desk())
    camera.takes(Desk(entries=[entry(3)]), version=2)
    assert camera.reloads().version == 2
    assert len(list(camera.metadata.glob("tmp*"))) == 1


def test_the_accepted_list_is_kept_where_its_folder_is_a_relative_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    camera = Camera(Path("state"))
    camera.takes(Desk())
    assert camera.reloads().version == 1


def test_the_accepted_list_outlives_the_inbox(camera: Camera) -> None:
    camera.takes(Desk())
    shutil.rmtree(camera.inbox)
    assert camera.reloads().version == 1


def test_a_list_prints_nothing_of_its_entries(camera: Camera) -> None:
    shown = repr(camera.takes(Desk()))
    assert "entries" not in shown
    assert "templates" not in shown


def test_a_list_for_another_camera_is_refused(camera: Camera) -> None:
    Desk().publish(camera.inbox)
    with refused(Refusal.CAMERA):
        camera.looks(camera=ThisCamera(bytes(16), LIST_KEY, MODEL))


def test_a_body_sealed_to_another_camera_is_refused(camera: Camera) -> None:
    with refused(Refusal.CAMERA):
        camera.takes(Desk(sealed_to=opening(98)))


def test_a_list_for_another_model_is_refused(camera: Camera) -> None:
    Desk().publish(camera.inbox)
    other = replace(THIS_CAMERA, model_digest=bytes(32))
    with refused(Refusal.MODEL):
        camera.looks(camera=other)


def test_a_list_for_another_site_is_refused(camera: Camera) -> None:
    def rename(site: Targets) -> None:
        for info in site.targets.values():
            info.path = info.path.replace("barn", "mill")
        site.targets = {info.path: info for info in site.targets.values()}

    with refused(Refusal.SITE):
        camera.takes(Desk(amend_case=lambda case: replace(case, site="barn"), amend_site=rename))


def test_a_list_for_another_policy_is_refused(camera: Camera) -> None:
    with refused(Refusal.POLICY):
        camera.takes(Desk(amend_case=lambda case: replace(case, policy_digest=bytes(32))))


def test_a_body_sealed_by_no_supplier_is_refused(camera: Camera) -> None:
    with refused(Refusal.SUPPLIER):
        camera.takes(Desk(sealer=STRANGER))


def test_a_signing_key_cannot_seal(camera: Camera) -> None:
    with refused(Refusal.SUPPLIER):
        camera.takes(Desk(sealer=SIGNERS["police"]))


def test_a_sealing_key_cannot_sign(camera: Camera) -> None:
    with refused(Refusal.SIG):
        camera.takes(Desk(signers=[SEALERS["police"], SEALERS["estate"]]))


def test_an_entry_of_no_supplier_is_refused(camera: Camera) -> None:
    with refused(Refusal.SUPPLIER):
        camera.takes(Desk(entries=[entry(1, organisation="a friend")]))


def test_an_entry_outside_the_categories_is_refused(camera: Camera) -> None:
    with refused(Refusal.POLICY):
        camera.takes(Desk(entries=[entry(1, category="of interest")]))


def test_a_list_over_the_cap_is_refused(camera: Camera) -> None:
    with refused(Refusal.CAP):
        camera.takes(Desk(policy=replace(Desk().policy, cap=1)))


def test_a_refused_list_leaves_the_accepted_one(camera: Camera) -> None:
    camera.takes(Desk())
    before = camera.kept()
    with refused(Refusal.CAP):
        camera.takes(Desk(policy=replace(Desk().policy, cap=1, version=2)), version=2)
    assert camera.kept() == before
    assert camera.reloads().version == 1


def test_a_refused_first_list_leaves_nothing(camera: Camera) -> None:
    with refused(Refusal.CAP):
        camera.takes(Desk(policy=replace(Desk().policy, cap=1)))
    assert camera.kept() == {}


def test_the_body_of_a_list_that_was_replaced_is_overwritten(camera: Camera) -> None:
    camera.takes(Desk())
    with only(camera.metadata / "accepted" / "targets", "*.sealed").open("rb") as still_open:
        camera.takes(Desk(), version=2)
        assert set(still_open.read()) == {0}


def test_the_body_of_a_list_that_ended_is_overwritten(camera: Camera, tmp_path: Path) -> None:
    camera.takes(Desk())
    ended = held_list(camera.metadata)
    assert ended is not None
    log = DestructionLog(tmp_path / "ended", STRANGER, Ledger(tmp_path, Program.WATCH))
    with ended.bodies[0].open("rb") as still_open:
        destroy_body(ended, End.EXPIRED, log, NOW_S)
        assert set(still_open.read()) == {0}


def test_what_a_power_cut_left_behind_is_cleared_away(camera: Camera) -> None:
    camera.takes(Desk())
    half = camera.metadata / "tmphalf"
    half.mkdir()
    (half / "timestamp.json").write_bytes(b"{")
    (half / "root.json").symlink_to("root_history/1.root.json")  # The folder went first.
    (camera.metadata / "tmphalf.link").symlink_to("tmphalf")
    camera.looks()
    accepted = camera.metadata / "accepted"
    assert set(camera.metadata.iterdir()) == {accepted, accepted.resolve()}
