"""A crowd with known ground truth walks past the whole camera, on the real nets.

The two people of the demo walk here. `make long-crowd` takes the people of a ZIP of pictures.
"""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hil_tests.errors import DeskRefused
from hil_tests.long.crowd.__main__ import detector, groups_of
from hil_tests.long.crowd.run import Outcome, enlist, shown, walk
from hil_tests.rig.desk_site import DeskSite
from hil_tests.scenes.crowd import Crowd, make_crowd
from hil_tests.scenes.people import Pedestrian, portrayed
from recognition.face import Box
from recognition.pixels import Pixels

pytestmark = [pytest.mark.alone, pytest.mark.timeout(300)]

GROUPS = 10
SEED = 1
NUMBER = 16
"""Return the number of a frame with both in it."""


@pytest.fixture(scope="module")
def people() -> list[Pedestrian]:
    return portrayed(detector())


@pytest.fixture(scope="module")
def crowd(people: list[Pedestrian]) -> Crowd:
    """Two dozen passers-by, less four, who cross and hide each other."""
    made = make_crowd(people, [[0, 1]] * GROUPS, SEED)
    assert len(made.passings) >= 20
    assert len(made.hidden()) >= 5
    return made


@pytest.mark.long
@pytest.mark.parametrize("listed", [1, 2])
def test_each_listed_passer_by_is_one_event_and_nobody_else_is(
    tmp_path: Path, crowd: Crowd, listed: int
) -> None:
    desk = DeskSite(tmp_path / "desk", 1024)
    outcome = walk(desk, crowd, enlist(desk, crowd.people, listed))
    print(f"\n{outcome}")
    assert len(outcome.due) == listed * GROUPS
    assert outcome.together() == (GROUPS if listed == 2 else 0)
    assert len(outcome.about) == len(outcome.right) == len(set(outcome.right))
    assert set(outcome.right) == set(outcome.due)


def test_whose_face_a_crop_shows_is_told_by_where_it_lies(crowd: Crowd) -> None:
    heads = crowd.heads(NUMBER)
    assert {head.passing.who for head in heads} == {0, 1}
    for head in heads:
        assert shown(crowd, NUMBER, cut(crowd.picture(NUMBER), head.box)) == head.passing


def test_a_crop_of_a_house_shows_nobody(crowd: Crowd) -> None:
    houses = cut(crowd.picture(NUMBER), Box(60, 60, 90, 90))
    assert shown(crowd, NUMBER, houses) is None


def test_an_event_about_somebody_else_and_a_second_one_cost_precision(crowd: Crowd) -> None:
    first, second = (one for one in crowd.passings if one.group == 0)
    about = [(first.who, first), (first.who, first), (first.who, second), (second.who, None)]
    outcome = Outcome(crowd, {"00": first.who, "01": second.who}, about, {})
    assert (outcome.precision.count, outcome.precision.of) == (1, 4)
    assert (outcome.recall.count, outcome.recall.of) == (1, 2 * GROUPS)


def test_two_of_the_list_walk_together_in_every_second_group_and_no_stranger_twice() -> None:
    groups = groups_of(100, [3, 5, 8], 20, np.random.default_rng(1))
    assert [len({3, 5, 8} & set(group)) for group in groups] == [0, 2] * 10
    strangers = [who for group in groups for who in group if who not in {3, 5, 8}]
    assert len(strangers) == len(set(strangers))


def test_too_few_people_are_refused() -> None:
    with pytest.raises(DeskRefused, match="too few people for 20 groups"):
        groups_of(10, [1, 2], 20, np.random.default_rng(1))


def cut(picture: Pixels, box: Box) -> bytes:
    """Return a camera's crop: the face with half its size around it, at most 256 px."""
    margin = max(box.width, box.height) / 2
    right, bottom = box.x + box.width + margin, box.y + box.height + margin
    corners = round(box.x - margin), round(box.y - margin), round(right), round(bottom)
    crop, file = Image.fromarray(picture).crop(corners), BytesIO()
    crop.thumbnail((256, 256))
    crop.save(file, "JPEG")
    return file.getvalue()
