"""What becomes of events when the power fails or the estate cannot be reached, on any rig."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from formats.ledger import Program
from hil_tests.rig.contract import Feature, Outage
from hil_tests.rig.desk.programs import choose_port
from hil_tests.rig.desk.rig import DeskRig
from hil_tests.rig.desk.site_maker import DeskSite, list_person, make_site, publish_list
from hil_tests.rig.judgement import judge
from hil_tests.scenes.portraits import Person, portrait

pytestmark = [pytest.mark.hil, pytest.mark.alone, pytest.mark.broker, pytest.mark.timeout(240)]


@pytest.fixture
def rig(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[DeskRig]:
    """A camera in front of somebody who is listed, and an estate that hears it."""
    desk = DeskSite(tmp_path / "desk", choose_port(0))
    make_site(desk)
    list_person(desk, portrait(Person.HOPPER))
    publish_list(desk)
    with DeskRig(desk) as rig:
        for marker in request.node.iter_markers("needs"):
            if marker.args[0] not in rig.features:
                pytest.skip(f"this rig cannot do that: {marker.args[0]}")
        rig.deliver()
        yield rig


def makes_an_event(rig: DeskRig) -> None:
    """Whoever stays in view is one event for each start of watch."""
    before = len(rig.sealed())

    def made() -> bool:
        if not rig.running(Program.WATCH):
            rig.restart(Program.WATCH)
        return len(rig.sealed()) > before

    rig.restart(Program.WATCH)
    rig.until(made)


def arrives_once(rig: DeskRig, *, at_least: int) -> None:
    """Everything that was sealed is stored, and nothing twice."""
    took_s = rig.until(lambda: set(rig.stored()) >= set(rig.sealed()), within_s=90)
    print(f"\n  {len(rig.sealed())} events, the last stored {took_s:.1f} s later")
    assert sorted(rig.stored()) == sorted(rig.sealed())
    assert len(rig.stored()) >= at_least


@pytest.mark.needs(Feature.BROKER)
@pytest.mark.parametrize("outage", list(Outage))
def test_what_is_seen_during_an_outage_arrives_after_it(rig: DeskRig, outage: Outage) -> None:
    rig.start()
    makes_an_event(rig)
    arrives_once(rig, at_least=1)
    arrived = set(rig.stored())
    rig.outage(outage)
    makes_an_event(rig)
    assert set(rig.stored()) == arrived
    rig.outage(None)
    arrives_once(rig, at_least=len(arrived) + 1)


@pytest.mark.needs(Feature.BROKER)
@pytest.mark.needs(Feature.POWER)
def test_a_power_cut_ends_the_light_and_loses_no_event(rig: DeskRig) -> None:
    rig.start()
    rig.outage(Outage.BROKER)
    makes_an_event(rig)
    rig.power(on=False)
    assert not rig.light()[-1].high
    looked = len(rig.looks())
    rig.outage(None)
    rig.power(on=True)
    rig.until(lambda: len(rig.looks()) > looked)
    arrives_once(rig, at_least=1)
    verdict = judge(rig.current(), rig.looks())
    print(f"  {verdict}")
    assert verdict.outside == 0
