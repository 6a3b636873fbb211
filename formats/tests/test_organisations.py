"""Names of organisations: what looks like one organisation is not counted as two."""

import json
from pathlib import Path

import pytest

from formats.errors import Malformed
from formats.organisations import folded, organisation_key, refuse_confusable

VECTORS = json.loads((Path(__file__).parent / "vectors" / "organisations.json").read_text())


@pytest.mark.parametrize("names", VECTORS["accepted"])
def test_different_organisations_are_told_apart(names: list[str]) -> None:
    refuse_confusable(names)
    assert len({organisation_key(name) for name in names}) == len(names)


@pytest.mark.parametrize("case", VECTORS["one_organisation"])
def test_names_that_look_the_same_count_as_one(case: str) -> None:
    names = VECTORS["one_organisation"][case]
    assert len({organisation_key(name) for name in names}) == 1
    with pytest.raises(Malformed, match="look the same"):
        refuse_confusable(names)


@pytest.mark.parametrize("case", VECTORS["two_scripts"])
def test_letters_of_two_scripts_are_refused(case: str) -> None:
    with pytest.raises(Malformed, match="in one script"):
        refuse_confusable(VECTORS["two_scripts"][case])


@pytest.mark.parametrize("case", VECTORS["hidden"])
def test_what_a_reader_could_miss_is_refused(case: str) -> None:
    with pytest.raises(Malformed, match="readers could miss"):
        refuse_confusable([VECTORS["hidden"][case]])


@pytest.mark.parametrize("name", ["", "---", "47", " "])
def test_a_name_without_a_letter_is_refused(name: str) -> None:
    with pytest.raises(Malformed, match="has no letter"):
        refuse_confusable([name])


def test_one_organisation_may_be_named_several_times() -> None:
    refuse_confusable(["police", "estate", "police"])


def test_a_folded_name_has_no_case_and_no_blanks_around_it() -> None:
    assert folded(" \uff30olice  Unit\u30001 ") == "police unit 1"
