"""Two reviewers' desks over one store."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import event, select

from estate.console.desk import Desk
from estate.errors import SiteRefused, StoreRefused, VerdictRefused
from estate.store.changes import QUESTIONS
from estate.tests.books import Office
from estate.verdicts.decisions import VERDICTS, Outcome
from formats.verdict import Judgement


def test_two_desks_that_open_the_same_events_at_once_both_have_them(tmp_path: Path) -> None:
    office = Office(tmp_path / "office")
    desks = [office.desk(1), office.desk(2)]
    for sequence in range(1, 13):
        event = office.arrive(sequence).digest
        with ThreadPoolExecutor() as both:
            list(both.map(Desk.refresh, desks))
        assert all(desk.standing(event) for desk in desks)


def test_a_reviewer_who_was_removed_gives_no_verdict_and_sees_nothing(tmp_path: Path) -> None:
    office = Office(tmp_path / "office", organisations=("police", "estate", "council"))
    event, desk = office.arrive().digest, office.desk(3)
    office.organisations = ("police", "estate")
    office.publish(version=2)
    with pytest.raises(VerdictRefused, match="do not name this reviewer"):
        desk.judge(event, Judgement.MATCH)
    assert desk.standings() == []
    with pytest.raises(VerdictRefused, match="do not name this reviewer"):
        desk.refresh()
    with office.store.reading() as connection:
        assert connection.execute(select(VERDICTS)).all() == []


def test_what_the_site_signs_later_is_taken_up_without_a_restart(tmp_path: Path) -> None:
    office = Office(tmp_path / "office")
    desk = office.desk(1)
    office.publish(version=2)
    desk.refresh()
    assert desk.site.case.version == 1
    desk._site_due_s = 0.0  # As 20 s later.
    changes = desk.changes
    desk.refresh()
    assert (desk.site.case.version, desk.changes > changes) == (2, True)
    candidate = office.candidate(list_version=2)
    assert desk.entry(candidate) is not None


def test_a_site_that_does_not_verify_takes_no_verdict_and_loses_nothing(tmp_path: Path) -> None:
    office = Office(tmp_path / "office")
    event, desk = office.arrive().digest, office.desk(1)
    published = office.folder / "published" / "metadata"
    published.rename(office.folder / "away")
    with pytest.raises(SiteRefused):
        desk.judge(event, Judgement.MATCH)
    assert desk.standing(event)
    (office.folder / "away").rename(published)
    assert desk.judge(event, Judgement.MATCH) is None


@pytest.mark.parametrize("waiting", [1, 12])
def test_while_nothing_changes_the_desk_reads_nothing(tmp_path: Path, waiting: int) -> None:
    office = Office(tmp_path / "office")
    for sequence in range(1, waiting + 1):
        office.arrive(sequence)
    desk = office.desk(1)
    while desk._read != office.store.change_mark():
        desk.refresh()
    asked = list[str]()
    event.listen(
        office.store.engine, "before_cursor_execute", lambda *said: asked.append(str(said[2]))
    )
    desk.refresh()
    assert asked == [QUESTIONS["sqlite"]]


def test_what_another_program_writes_is_seen_at_once(tmp_path: Path) -> None:
    office = Office(tmp_path / "office")
    desk = office.desk(1)
    for _ in range(3):
        desk.refresh()
    arrived = office.arrive(1).digest
    desk.refresh()
    assert desk.standing(arrived)
    office.desk(2).judge(arrived, Judgement.MATCH)
    desk.judge(arrived, Judgement.MATCH)
    standing = desk.standing(arrived)
    assert standing is not None
    assert standing.outcome is Outcome.CONFIRMED


def test_a_desk_that_could_not_read_the_store_whole_reads_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Office(tmp_path / "office")
    desk, arrived = office.desk(1), office.arrive(1).digest

    def refuse(*_: object) -> None:
        raise StoreRefused("The store cannot be read.")

    with monkeypatch.context() as away:
        away.setattr(Desk, "_open", refuse)
        with pytest.raises(StoreRefused):
            desk.refresh()
    desk.refresh()
    assert desk.standing(arrived)
