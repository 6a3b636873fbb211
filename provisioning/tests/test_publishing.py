"""What is published, to who, and what is not published at all."""

import json
from datetime import UTC, datetime
from pathlib import Path

from nacl.public import PrivateKey
from nacl.signing import SigningKey

from estate.budget.statement import LIFE, Offer, write_statement_files
from firmware.trust.accepted import begin_trust
from firmware.trust.site_verifier import verify_site
from firmware.trust.watchlist import ThisCamera
from formats.budget import BudgetState, BudgetStatement, CameraBudget
from formats.casefile import read_casefile
from provisioning.nets.bundles import read_unverified
from provisioning.tests.workshop import (
    ESTATE,
    HOPPER,
    LEDGER_KEY,
    POLICE,
    Workshop,
    contents,
    refusal,
    tallylight,
)


def publish(workshop: Workshop, *inboxes: str) -> list[str | Path]:
    to = [word for inbox in inboxes for word in ("--to", workshop.folder / inbox)]
    return ["list", "publish", workshop.site, *to, *workshop.passphrase]


def test_a_list_of_one_organisation_is_not_published(listed: Workshop) -> None:
    listed.sign("police")
    before = contents(listed.folder)
    assert "1 of 2 different organisations" in refusal(*publish(listed, "inbox"))
    assert contents(listed.folder) == before


def test_a_minor_is_not_published_by_two(prepared: Workshop) -> None:
    prepared.add(HOPPER, "--minor")
    prepared.build()
    prepared.sign("police")
    prepared.sign("estate")
    assert "2 of 3 different organisations" in refusal(*publish(prepared, "inbox"))


def test_a_published_list_reaches_every_inbox(listed: Workshop) -> None:
    listed.sign("police")
    listed.sign("estate")
    tallylight(*publish(listed, "one", "two"))
    assert contents(listed.folder / "one") == contents(listed.folder / "two")
    assert contents(listed.folder / "one") == contents(listed.site / "published")


def test_what_was_published_can_be_verified(listed: Workshop) -> None:
    listed.sign("police")
    listed.sign("estate")
    tallylight(*publish(listed, "inbox"))
    words = ("list", "verify", listed.site, "--from", listed.folder / "inbox")
    found = json.loads(tallylight(*words, "--json"))
    case = (listed.site / "signed" / "list" / "watchlist-mill-lane.json").read_bytes()
    assert (found["version"], found["entries"]) == (1, 1)
    assert found["organisations"] == [POLICE, ESTATE]
    assert read_casefile(case).entries[0].organisation == POLICE
    assert 0 < found["expires_utc_s"] - datetime.now(UTC).timestamp() <= 24 * 3600
    assert "signed by Example Police and Example Estate" in tallylight(*words)


def test_publishing_again_renews_the_freshness(listed: Workshop) -> None:
    listed.sign("police")
    listed.sign("estate")
    tallylight(*publish(listed, "inbox"))
    tallylight(*publish(listed, "inbox"))
    names = {path.name for path in (listed.folder / "inbox" / "metadata").iterdir()}
    assert "2.snapshot.json" in names
    assert "1.snapshot.json" not in names
    assert "1.site-mill-lane.json" in names


def test_an_altered_publication_does_not_verify(listed: Workshop) -> None:
    listed.sign("police")
    listed.sign("estate")
    tallylight(*publish(listed, "inbox"))
    (policy,) = (listed.folder / "inbox" / "targets").glob("*.policy.json")
    policy.write_bytes(policy.read_bytes().replace(b"500", b"501"))
    words = ("list", "verify", listed.site, "--from", listed.folder / "inbox")
    assert "does not verify" in refusal(*words)


def test_nothing_published_does_not_verify(listed: Workshop) -> None:
    assert "does not verify" in refusal("list", "verify", listed.site)


def test_a_camera_accepts_what_was_published(listed: Workshop) -> None:
    listed.sign("police")
    listed.sign("estate")
    tallylight(*publish(listed, "inbox"))
    (request,) = (listed.site / "cameras").iterdir()
    camera = ThisCamera(
        camera_id=bytes.fromhex(request.stem),
        list_key=PrivateKey((listed.folder / "list.key").read_bytes()),
        model_digest=read_unverified(listed.site / "model" / "bundle").model_digest,
    )
    begin_trust(listed.folder / "metadata")
    watchlist = verify_site(
        listed.folder / "inbox",
        listed.folder / "metadata",
        (listed.site / "root.json").read_bytes(),
        camera=camera,
        now=datetime.now(UTC),
    )
    assert [entry.organisation for entry in watchlist.entries] == [POLICE]
    assert len(watchlist.templates) == watchlist.dim


def test_the_estates_word_is_published_with_the_list_and_with_every_renewal(
    listed: Workshop,
) -> None:
    listed.sign("police")
    listed.sign("estate")
    now_s = int(datetime.now(UTC).timestamp())
    for number, state in enumerate((BudgetState.WITHIN, BudgetState.BROKEN), 1):
        statement = BudgetStatement(
            "mill-lane", now_s, (CameraBudget(bytes(16), state, number, 10),)
        )
        offer = Offer(statement, number, datetime.now(UTC).replace(microsecond=0) + LIFE)
        write_statement_files(listed.site / "estate", offer, LEDGER_KEY)
        noun = publish(listed, "inbox")
        noun[1] = "publish" if number == 1 else "renew"
        tallylight(*noun)
        tallylight("list", "verify", listed.site, "--from", listed.folder / "inbox")
        (file,) = (listed.folder / "inbox" / "targets").glob("*.budget-mill-lane.json")
        assert f'"state":"{state}"' in file.read_text()


def test_a_word_that_the_estate_did_not_sign_is_not_published(listed: Workshop) -> None:
    listed.sign("police")
    listed.sign("estate")
    statement = BudgetStatement("mill-lane", int(datetime.now(UTC).timestamp()), ())
    offer = Offer(statement, 1, datetime.now(UTC).replace(microsecond=0) + LIFE)
    write_statement_files(listed.site / "estate", offer, SigningKey(bytes([9]) * 32))
    assert "does not verify" in refusal(*publish(listed, "inbox"))
