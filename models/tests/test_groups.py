"""Groups: labels, factor of the worst group, what was promised and measured, and its words."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.evaluate.group_trials import Compared, Group, centre
from models.evaluate.groups import (
    compared_nets,
    factor,
    measured,
    rounded_up_centi,
    share,
    verdict,
    worst_group,
)
from models.evaluate.labels import Labelled, label
from models.evaluate.lfw import Found
from models.evaluate.trials import Trial, in_turn
from recognition.calibration import Calibration, Grade, Groups, Rate
from recognition.quality import Quality

PEOPLE = 40
GOOD = Quality(120, 60, 30, 50, 20, 0, 0)
TABLE = Calibration(bytes(32), "none", "none", 1, "none", (Rate(500_000, 10_000_000, 20_000_000),))
"""A hundredth of all pairs reaches 0.5, by the point estimate."""


def found(names: list[str]) -> Found:
    count = len(names)
    people = np.arange(count, dtype=np.int32)
    return replace(
        Found(Path("set.zip"), "", (), count, people.astype(np.int64), people, (), ()),
        qualities=(GOOD,) * count,
    )


class Named(Found):
    """A set without an archive, whose pictures have these names."""

    @property
    def names(self) -> list[str]:
        return [f"{place}.jpg" for place in self.places]


def labelled() -> Labelled:
    """Return 40 people, one picture each: 20 women and 20 men, 10 of each Black."""
    genders = ["female", "male"] * (PEOPLE // 2)
    ethnicities = ["african-american"] * 20 + ["white-american"] * 20
    rows = [f"{at}.jpg,{genders[at]},{ethnicities[at]}" for at in range(PEOPLE)]
    base = found([f"{at}.jpg" for at in range(PEOPLE)])
    named = Named(**{name: getattr(base, name) for name in base.__dataclass_fields__})
    return label(named, "\n".join(["file,gender,ethnicity", *rows]))


def group(name: str = "women", alike: int = 0) -> Group:
    """Return a group of which so many people have one vector, and each other its own."""
    vectors = np.eye(PEOPLE)
    vectors[:alike] = vectors[0]
    people = np.arange(PEOPLE, dtype=np.int32)
    return Group(labelled(), name, Compared((Trial.of(vectors, people),), Grade.FAIR))


def test_a_person_is_in_the_groups_that_the_labels_say() -> None:
    groups = labelled().groups
    assert sorted(groups) == [
        *("Black men", "Black people", "Black women", "men"),
        *("white men", "white people", "white women", "women"),
    ]
    assert groups["Black women"].nonzero()[0].tolist() == list(range(0, 20, 2))


def test_a_centre_weighs_every_cell_the_same() -> None:
    raw = np.array([[0.0], [0.0], [0.0], [4.0]])
    assert centre(raw, np.array(["a", "a", "a", "b"])).tolist() == [2.0]


def test_the_factor_is_the_rate_of_a_group_over_that_of_all() -> None:
    # Five people alike are 10 of the 780 pairs of 40 people.
    highest = factor(group(alike=5).compared, TABLE.rates)
    assert highest is not None
    assert highest[0] == pytest.approx(10 / 780 / 0.01)


def test_a_factor_of_too_few_pairs_is_none() -> None:
    assert factor(group(alike=4).compared, TABLE.rates) is None


def test_the_worst_group_counts() -> None:
    found_worst = worst_group([group("men", alike=5), group("women", alike=8)], TABLE)
    assert found_worst is not None
    assert found_worst.times_centi == 400
    assert re.fullmatch(
        r"20 women of set.zip: 3.59 times \([12]\.\d to [5-7]\.\d\) at 0.50", found_worst.worst
    )


def test_without_a_measured_group_there_is_no_worst() -> None:
    assert worst_group([group(alike=2)], TABLE) is None


@pytest.mark.parametrize(
    ("times", "centi"), [(0.4, 100), (1.0, 100), (1.01, 150), (2.5, 250), (2.51, 300)]
)
def test_a_factor_is_rounded_up_to_the_next_half(times: float, centi: int) -> None:
    assert rounded_up_centi(times) == centi


@pytest.mark.parametrize(
    ("fpir", "word"),
    [
        ([0.004, 0.001, 0.009], "kept"),
        ([0.004, 0.0, 0.02], "too few people to tell"),
        ([0.02, 0.005, 0.04], "above, too few people to be sure"),
        ([0.04, 0.02, 0.06], "broken"),
    ],
)
def test_a_verdict_says_whether_the_interval_holds_the_budget(fpir: list[float], word: str) -> None:
    assert verdict(fpir, 0.01) == word


def test_no_alarm_among_54_people_does_not_exclude_five_in_a_hundred() -> None:
    assert share(np.zeros(54)) == [0.0, 0.0, pytest.approx(0.054, abs=0.001)]


def test_a_breach_by_people_who_are_alike_is_reported_as_one() -> None:
    table = replace(TABLE, groups=Groups(100, "w", "m"))
    row = measured(group(alike=20), replace(table, rates=(Rate(500_000, 1, 1),)))
    search = row["searches"][0]
    assert search["fpir"][0] > search["promised"]
    assert search["verdict"] == "broken"


def test_nets_are_compared_where_every_group_is_kept_within() -> None:
    everyone = Trial.of(np.eye(4)[[0, 0, 1, 1]], np.array([0, 0, 1, 1], np.int32))
    told = compared_nets("net", [group(alike=5)], everyone)
    # The five who are alike are taken for each other below a cosine of 1.
    assert told["threshold"] == pytest.approx(1.0, abs=0.001)


def test_looks_in_turn_take_either_side_first() -> None:
    plain, mirrored = np.array([[127.0, 0.0]] * 3), np.array([[0.0, 127.0]] * 3)
    groups = np.array([[0, 1, 2], [0, 1, 2]])
    assert in_turn(plain, mirrored, groups).tolist() == [[127.0, 64.0], [64.0, 127.0]]
