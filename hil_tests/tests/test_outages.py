"""Delivery of events after a power cut or a network outage, on any rig."""

import time

import pytest

from firmware.looking.pauses import PAUSE_S
from formats.ledger import Happening, Program
from hil_tests.rig.contract import Feature, Outage, Rig, records_of
from hil_tests.rig.judgement import judge

pytestmark = [pytest.mark.hil, pytest.mark.alone, pytest.mark.broker, pytest.mark.timeout(240)]


def makes_an_event(rig: Rig, *, number: int) -> None:
    """Await so many events; the listed person stays in view, and is a new passer-by after a start.

    The entry pauses after each event, also over a restart.
    """
    began_s = time.monotonic()

    def made() -> bool:
        nonlocal began_s
        if not rig.running(Program.WATCH) or time.monotonic() - began_s > PAUSE_S:
            rig.restart(Program.WATCH)
            began_s = time.monotonic()
        return len(rig.sealed_events()) >= number

    rig.wait_until(made, within_s=4 * PAUSE_S)


def arrives_once(rig: Rig, *, at_least: int) -> None:
    """Assert that each sealed event is stored, and none twice."""
    took_s = rig.wait_until(
        lambda: set(rig.stored_events()) >= set(rig.sealed_events()), within_s=90
    )
    print(f"\n  {len(rig.sealed_events())} events, the last stored {took_s:.1f} s later")
    assert sorted(rig.stored_events()) == sorted(rig.sealed_events())
    assert len(rig.stored_events()) >= at_least


@pytest.mark.needs(Feature.BROKER)
@pytest.mark.needs(Feature.SCENES)
@pytest.mark.long  # Each waits for the pause of an entry.
@pytest.mark.parametrize("outage", [Outage.BROKER_DOWN, Outage.HALF_OPEN])
def test_what_is_seen_during_an_outage_arrives_after_it(rig: Rig, outage: Outage) -> None:
    rig.connect_estate()
    rig.start()
    makes_an_event(rig, number=1)
    arrives_once(rig, at_least=1)
    arrived = set(rig.stored_events())
    rig.set_outage(outage)
    makes_an_event(rig, number=len(arrived) + 1)
    assert set(rig.stored_events()) == arrived
    rig.set_outage(None)
    arrives_once(rig, at_least=len(arrived) + 1)
    rig.wait_until(lambda: arrived <= deleted(rig))


def deleted(rig: Rig) -> set[str]:
    """Return the digests of the events that `watch` has deleted on a receipt, in hex."""
    gone = records_of(rig, Program.WATCH, Happening.EVENT_RECEIPTED)
    return {str(record.body["envelope"]) for record in gone}


@pytest.mark.needs(Feature.BROKER)
@pytest.mark.needs(Feature.POWER)
@pytest.mark.needs(Feature.SCENES)
def test_a_power_cut_ends_the_light_and_loses_no_event(rig: Rig) -> None:
    rig.connect_estate()
    rig.set_outage(Outage.BROKER_DOWN)
    rig.start()
    makes_an_event(rig, number=1)
    rig.set_power(on=False)
    assert not rig.lamp_light()[-1].high
    looked = len(rig.looks())
    rig.set_outage(None)
    rig.set_power(on=True)
    rig.wait_until(lambda: len(rig.looks()) > looked)
    arrives_once(rig, at_least=1)
    verdict = judge(rig.lamp_current(), rig.looks())
    print(f"  {verdict}")
    assert verdict.outside == 0
