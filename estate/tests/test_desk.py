"""Two reviewers' desks over one store."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from estate.console.desk import Desk
from estate.tests.books import Office


def test_two_desks_that_open_the_same_events_at_once_both_have_them(tmp_path: Path) -> None:
    office = Office(tmp_path / "office")
    desks = [office.desk(1), office.desk(2)]
    for sequence in range(1, 13):
        event = office.arrive(sequence).digest
        with ThreadPoolExecutor() as both:
            list(both.map(Desk.refresh, desks))
        assert all(desk.standing(event) for desk in desks)
