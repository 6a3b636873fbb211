"""Half a minute of the random faults of `make long-soak`, and the judgement's bounds."""

import pytest

from hil_tests.long.soak import soak
from hil_tests.rig.contract import Edge, Feature, Look, Rig
from hil_tests.rig.judgement import EARLY_MS, judge

MS = 1_000_000


@pytest.mark.alone
@pytest.mark.long
@pytest.mark.hil
@pytest.mark.timeout(240)
@pytest.mark.needs(Feature.LAMP_DEFECTS)
@pytest.mark.needs(Feature.SIGNALS)
@pytest.mark.needs(Feature.INFERENCE_FAULTS)
@pytest.mark.needs(Feature.LOAD)
def test_while_something_breaks_every_second_every_look_is_in_light(rig: Rig) -> None:
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
