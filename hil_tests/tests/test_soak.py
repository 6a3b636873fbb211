"""Half a minute of what `make long-soak` does for ten."""

from pathlib import Path

import pytest

from hil_tests.long.soak import soak
from hil_tests.rig.contract import Edge, Look
from hil_tests.rig.desk.rig import DeskRig
from hil_tests.rig.desk.site_maker import DeskSite, list_person, make_site, publish_list
from hil_tests.rig.judgement import EARLY_MS, judge
from hil_tests.scenes.portraits import Person, portrait

MS = 1_000_000


@pytest.mark.alone
@pytest.mark.hil
@pytest.mark.timeout(240)
def test_while_something_breaks_every_second_every_look_is_in_light(tmp_path: Path) -> None:
    desk = DeskSite(tmp_path / "desk", 1)
    make_site(desk)
    list_person(desk, portrait(Person.HOPPER))
    publish_list(desk)
    with DeskRig(desk) as rig:
        verdict = soak(rig, 30, 2016, print)
    print(verdict)
    assert verdict.looks > 0
    assert verdict.outside == 0
    assert verdict.early_ms >= EARLY_MS


def look(at_ms: int) -> Look:
    return Look(at_ms * MS, (at_ms + 40) * MS)


LIGHT = [Edge(0, high=False), Edge(100 * MS, high=True), Edge(1000 * MS, high=False)]


@pytest.mark.parametrize(("at_ms", "outside"), [(160, 0), (999, 0), (1250, 0), (1251, 1), (50, 1)])
def test_a_look_more_than_a_quarter_second_after_the_light_is_outside(
    at_ms: int, outside: int
) -> None:
    assert judge(LIGHT, [look(at_ms)]).outside == outside


def test_a_look_before_any_light_was_seen_is_outside() -> None:
    assert judge([], [look(1)]).outside == 1


def test_the_shortest_light_before_and_the_longest_look_after_are_told() -> None:
    verdict = judge(LIGHT, [look(170), look(500), look(1100), look(1200)])
    assert (verdict.early_ms, verdict.late_ms, verdict.looks) == (70, 200, 4)
