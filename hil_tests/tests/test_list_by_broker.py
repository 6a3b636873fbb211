"""A list that is published by the broker: the camera looks for the people on the new list."""

from pathlib import Path

import pytest

from estate.store.envelopes import Store
from firmware.config import State
from firmware.identity import watch_keys
from formats.envelope import verify
from formats.keyfile import read_key, unlock_opening
from formats.ledger import Program
from formats.message import open_event
from hil_tests.rig.contract import Feature, Rig
from hil_tests.rig.desk.programs import choose_port
from hil_tests.rig.desk_site import DeskSite
from hil_tests.rig.site_maker import (
    PASSPHRASE,
    REVIEWERS,
    list_person,
    make_site,
    publish_list,
    tallylight,
)
from hil_tests.scenes.portraits import Person, portrait

pytestmark = [pytest.mark.alone, pytest.mark.long, pytest.mark.broker, pytest.mark.timeout(240)]

LOOKS = 10
"""Looks at a listed person that make an event."""


@pytest.fixture
def site(tmp_path: Path) -> DeskSite:
    """A site that has no list yet."""
    desk = DeskSite(tmp_path / "desk", choose_port(0))
    make_site(desk)
    return desk


def named(rig: Rig) -> list[str]:
    """Return the entries that the events in the estate's store name."""
    sender = watch_keys(State(rig.desk.camera)).sign.verify_key
    key = unlock_opening(read_key(rig.desk.estate / f"{REVIEWERS[0]}.key"), PASSPHRASE)
    store = Store(f"sqlite:///{rig.desk.estate / 'events.sqlite'}")
    found = [open_event(verify(sealed, sender), key).entry.hex() for sealed in store.envelopes()]
    store.close()
    return found


def publish_instead(rig: Rig, gone: str, person: Person) -> str:
    """Replace a person on the list by another; return once the camera looks with the new list."""
    tallylight("list", "remove", str(rig.desk.site), gone)
    handle = list_person(rig.desk, portrait(person))
    publish_list(rig.desk, by_broker=True)
    rig.wait_until(lambda: not rig.running(Program.WATCH))  # Watch ends when a newer list comes.
    rig.restart(Program.WATCH)
    looked = len(rig.looks())
    rig.wait_until(lambda: len(rig.looks()) > looked + LOOKS)
    return handle


@pytest.mark.needs(Feature.BROKER)
@pytest.mark.needs(Feature.SCENES)
def test_whom_the_authority_publishes_is_looked_for_and_whom_it_withdraws_no_longer(
    rig: Rig,
) -> None:
    absent = list_person(rig.desk, portrait(Person.COLLINS))
    publish_list(rig.desk)
    rig.start()  # The other person is in view, and stays.
    rig.connect_estate()
    present = publish_instead(rig, absent, Person.HOPPER)
    rig.wait_until(lambda: named(rig) == [present])
    publish_instead(rig, present, Person.COLLINS)
    assert len(rig.sealed_events()) == 1
    assert rig.faults(Program.WATCH) == []
