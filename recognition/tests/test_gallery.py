import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from recognition.gallery import Gallery, Pair
from recognition.template import Template, similarity_ppm


def drawn(count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int8]]:
    rng = np.random.default_rng(seed)
    handles = rng.integers(0, 256, (count, 16), dtype=np.uint8)
    return handles, rng.integers(-127, 128, (count, 128), dtype=np.int8)


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 20))
def test_the_best_is_what_comparing_one_by_one_finds(seed: int, count: int) -> None:
    handles, templates = drawn(count, seed)
    probe = Template(templates[0][::-1].copy())
    scores = [similarity_ppm(probe, Template(one)) for one in templates]
    assert Gallery(handles, templates).best(probe) == (int(np.argmax(scores)), max(scores))


@given(seed=st.integers(0, 2**32 - 1), probes=st.integers(0, 5))
def test_several_are_found_at_once_as_one_by_one(seed: int, probes: int) -> None:
    gallery = Gallery(*drawn(20, seed))
    several = [Template(one) for one in drawn(probes, seed // 2)[1]]
    assert gallery.best_each(several) == [gallery.best(one) for one in several]


def test_every_template_finds_itself() -> None:
    handles, templates = drawn(300, 7)
    gallery = Gallery(handles, templates)
    assert [gallery.best(Template(one)) for one in templates] == [
        (place, 1_000_000) for place in range(300)
    ]


def test_the_ceiling_is_the_closest_pair_of_different_handles() -> None:
    handles, templates = drawn(600, 3)
    templates[599] = templates[0]
    templates[599, 0] = -templates[0, 0]
    expected = similarity_ppm(Template(templates[0]), Template(templates[599]))
    assert Gallery(handles, templates).ceiling() == Pair(expected, 599, 0)


def test_two_pictures_of_one_person_do_not_raise_the_ceiling() -> None:
    handles, templates = drawn(3, 5)
    handles[1], templates[1] = handles[0], templates[0]
    ceiling = Gallery(handles, templates).ceiling()
    assert ceiling is not None
    assert ceiling.score_ppm < 500_000


def test_one_person_alone_has_no_ceiling() -> None:
    assert Gallery(*drawn(1, 5)).ceiling() is None


def test_an_empty_list_makes_no_gallery() -> None:
    with pytest.raises(ValueError, match="n > 0"):
        Gallery(*drawn(0, 1))


def test_a_gallery_prints_no_entry() -> None:
    assert repr(Gallery(*drawn(2, 1))) == "Gallery()"
