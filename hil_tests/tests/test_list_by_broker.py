"""A list that is published by the broker: the camera looks for the people on the new list."""

from pathlib import Path

import pytest

from estate.store.envelopes import Store
from firmware.config import State
from firmware.identity import watch_keys
from formats.envelope import verify
from formats.keyfile import read_key, unlock_opening
from formats.ledger import Happening, Program
from formats.message import open_event
from formats.site_bundle import LAST, read_bundle, write_bundle
from formats.topics import Channel, Topic
from hil_tests.rig.contract import Feature, Rig, records_of
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
from provisioning.broker.configuration import client_files
from provisioning.broker.listener import PUBLISHER
from provisioning.broker.mosquitto_files import AUTHORITY_FILE
from provisioning.lists.publication import published_bundle
from provisioning.site.folder import Site
from wire.certificate import Address, Certificate
from wire.connection import Connection

pytestmark = [pytest.mark.alone, pytest.mark.long, pytest.mark.broker, pytest.mark.timeout(240)]

LOOKS = 10
"""Looks at a listed person that make an event."""
MADE_UP = 52
"""Bundles that the broker's operator makes up."""


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
    tallylight("list", "remove", str(rig.desk.site), gone, "--yes")
    handle = list_person(rig.desk, portrait(person))
    publish_list(rig.desk, by_broker=True)
    rig.wait_until(lambda: not rig.running(Program.WATCH))  # Watch ends when a newer list comes.
    rig.restart(Program.WATCH)
    looked = len(rig.looks())
    rig.wait_until(lambda: len(rig.looks()) > looked + LOOKS)
    return handle


def send_made_up_bundles(desk: DeskSite) -> None:
    """Send bundles whose timestamp nobody signed, each another one, to every camera."""
    site = Site(desk.site)
    files = read_bundle(published_bundle(site))
    chain, key = client_files(site, PUBLISHER)
    certificate = Certificate(site.broker / AUTHORITY_FILE, chain, key)
    connection = Connection(Address("localhost", desk.port, PUBLISHER, certificate), ())
    (place,) = site.policy.places
    topic, acknowledged = str(Topic(place.camera.camera_id, Channel.SITE)), 0
    while not connection.connected:
        connection.run_network(0.05)
    for number in range(MADE_UP):
        files[LAST] = b'{"made_up":%d}' % number
        connection.publish(topic, write_bundle(files), retain=True)
        while acknowledged <= number:
            connection.run_network(0.1)
            acknowledged += sum(1 for _ in connection.take_acknowledged())
    connection.close()


@pytest.mark.needs(Feature.BROKER)
@pytest.mark.needs(Feature.SCENES)
def test_made_up_bundles_end_no_recognition_and_the_next_list_is_taken_up(rig: Rig) -> None:
    absent = list_person(rig.desk, portrait(Person.COLLINS))
    publish_list(rig.desk)
    rig.start()
    rig.connect_estate()
    send_made_up_bundles(rig.desk)
    last = rig.desk.camera / "inbox" / LAST
    rig.wait_until(lambda: last.read_bytes() == b'{"made_up":%d}' % (MADE_UP - 1))
    assert rig.running(Program.WATCH)
    looked = len(rig.looks())
    rig.wait_until(lambda: len(rig.looks()) > looked + LOOKS)
    assert len(records_of(rig, Program.WATCH, Happening.PERIOD_BEGIN)) == 1
    assert len(records_of(rig, Program.WATCH, Happening.LIST_REFUSED)) <= 1
    present = publish_instead(rig, absent, Person.HOPPER)
    rig.wait_until(lambda: named(rig) == [present])


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
