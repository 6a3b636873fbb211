"""A camera's state of the previous version is read, and the camera goes on with it."""

import pytest

from firmware.delivery.chain_check import check_chain
from firmware.delivery.outbox import Outbox
from firmware.doctor import examination
from firmware.errors import FirmwareError, NotRegistered
from firmware.identity import camera_identity, courier_key, ledger_signer, make_identity, watch_keys
from firmware.record.ledger import Ledger
from firmware.registration.kept import check_registration
from firmware.trust.floors import floors_of, read_floors
from firmware.trust.site_verifier import verify_accepted, verify_site
from firmware.trust.watchlist import Watchlist
from formats.envelope import verify
from formats.ledger import Happening, Program, Record, verify_against, verify_checkpoint
from formats.message import open_event
from hil_tests.tests.previous_version.unpacked import Previous

PROGRAMS = (Program.WATCH, Program.COURIER, Program.LAMPGUARD)


def records(previous: Previous, program: Program) -> list[Record]:
    return list(Ledger(previous.config.state.root / program, program).records())


def accepted(previous: Previous) -> Watchlist:
    root = previous.config.trusted_root.read_bytes()
    return verify_accepted(previous.metadata, root, camera=previous.this_camera, now=previous.now)


def test_the_settings_are_read(previous: Previous) -> None:
    assert previous.config.broker_host == "localhost"
    assert previous.config.state.root.samefile(previous.desk.camera)


def test_every_program_has_its_keys(previous: Previous) -> None:
    state = previous.config.state
    identity = camera_identity(state)
    assert identity.camera_id.hex() == previous.facts["camera"]
    assert watch_keys(state).sign.verify_key == identity.sign_key
    assert watch_keys(state).list.public_key == identity.list_key
    assert courier_key(state).public_key == identity.receipt_key
    for program in PROGRAMS:
        assert ledger_signer(state, program).key.verify_key == identity.ledger_keys[program]


def test_a_camera_that_has_its_keys_makes_no_others(previous: Previous) -> None:
    state = previous.config.state
    before = camera_identity(state)
    assert make_identity(state) == before


def test_the_list_that_was_accepted_last_is_accepted_still(previous: Previous) -> None:
    watchlist = accepted(previous)
    assert watchlist.version == 1
    assert watchlist.handles.hex() == previous.facts["entry"]
    assert len(watchlist.templates) == watchlist.dim


def test_the_inbox_is_verified_into_what_was_accepted_before(previous: Previous) -> None:
    config, camera = previous.config, previous.this_camera
    root, metadata = config.trusted_root.read_bytes(), previous.metadata
    found = verify_site(config.state.inbox, metadata, root, camera=camera, now=previous.now)
    assert found == accepted(previous)


def test_a_repository_with_the_estates_statement_of_budgets_follows_the_accepted_one(
    previous: Previous,
) -> None:
    root, metadata = previous.config.trusted_root.read_bytes(), previous.metadata
    published = previous.desk.site / "published"
    assert list((published / "targets").glob("*.budget-demo-street.json"))
    now = previous.now
    found = verify_site(published, metadata, root, camera=previous.this_camera, now=now)
    assert found.handles.hex() == previous.facts["entry"]
    assert read_floors(floors_of(metadata)).versions["snapshot"] == 2


def test_the_floors_are_those_of_what_was_accepted(previous: Previous) -> None:
    floors = read_floors(floors_of(previous.metadata))
    assert floors.versions == {"root": 1, "targets": 2, "site": 1, "snapshot": 1, "timestamp": 1}
    assert 0 < previous.facts["made_utc_s"] - floors.utc_s < 600


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_ledger_agrees_with_its_checkpoint_and_goes_on(
    previous: Previous, program: Program
) -> None:
    state = previous.config.state
    folder, signer = state.root / program, ledger_signer(state, program)
    signed = verify_checkpoint((folder / "checkpoint.json").read_bytes(), signer.key.verify_key)
    assert signed.origin == f"{previous.facts['camera']}/{program}"
    ledger = Ledger(folder, program)
    ledger.sign_with(signer)
    assert ledger.head.size >= signed.head.size > 0
    ledger.append(Happening.STOP)
    ledger.sign()
    lines = (folder / "ledger.jsonl").read_bytes().splitlines()
    latest = verify_checkpoint((folder / "checkpoint.json").read_bytes(), signer.key.verify_key)
    assert latest.head.size > signed.head.size
    verify_against(lines, latest)


def test_the_ledgers_tell_of_light_of_looking_and_of_delivery(previous: Previous) -> None:
    lamp = [one.body["to"] for one in records(previous, Program.LAMPGUARD) if "to" in one.body]
    assert {"off", "arming", "on"} <= set(lamp)
    looked = [one.event for one in records(previous, Program.WATCH)]
    assert {Happening.PERIOD_BEGIN, Happening.PERIOD_END, Happening.STATUS_SEALED} <= set(looked)
    receipted = [
        one.body["envelope"]
        for one in records(previous, Program.COURIER)
        if one.event is Happening.EVENT_RECEIPTED
    ]
    assert sorted(receipted) == sorted([previous.facts["confirmed"], *previous.facts["destroyed"]])


def test_the_outbox_continues_after_the_event_that_waits(previous: Previous) -> None:
    state = previous.config.state
    outbox = Outbox(state.outbox)
    link, set_aside = outbox.recover()
    assert set_aside == ()
    assert link is not None
    assert (link.number, link.digest.hex()) == (3, previous.facts["waiting"])
    assert outbox.names() == ["000000000003"]
    assert outbox.set_aside_broken(camera_identity(state).sign_key) == []
    assert check_chain(outbox, Ledger(state.watch, Program.WATCH), link) == link


def test_the_outbox_knows_whose_receipts_count(previous: Previous) -> None:
    terms = Outbox(previous.config.state.outbox).terms()
    assert terms is not None
    assert terms.keep_days == 30
    assert terms.receipts_from == bytes(previous.site_now.recipients.receipt_key)


def test_the_event_that_waits_opens_for_a_reviewer(previous: Previous) -> None:
    state = previous.config.state
    sealed = Outbox(state.outbox).read_sealed("000000000003")
    event = open_event(verify(sealed, camera_identity(state).sign_key), previous.reviewer_key)
    assert event.entry.hex() == previous.facts["entry"]
    assert event.list_digest == accepted(previous).digest


def test_the_doctor_finds_keys_list_and_outbox(
    previous: Previous, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(FirmwareError, match="parts are missing"):  # There is no camera here.
        examination.examine(previous.config)
    lines = {
        line.split()[1]: line for line in capsys.readouterr().out.split("\n\n")[0].splitlines()
    }
    assert lines["keys"].startswith("ok")
    assert previous.facts["camera"] in lines["keys"]
    assert "version 1, accepted" in lines["list"]
    assert "1 event without a receipt yet" in lines["outbox"]


def test_a_camera_that_was_registered_by_hand_says_that_it_must_be_registered(
    previous: Previous,
) -> None:
    with pytest.raises(NotRegistered, match=r"register it over its cable with tallylight register"):
        check_registration(previous.config.state)
