"""A few rounds beside attackers of the estate; `make long-estate-adversary` has the many."""

import pytest

from estate.tests.postgres import Missing, cluster
from hil_tests.long.estate_adversary.__main__ import table, table_of_leaks
from hil_tests.long.estate_adversary.judgement import PROMISES
from hil_tests.long.estate_adversary.other_user import share_a_machine, why_not
from hil_tests.long.estate_adversary.run import Outcome, open_folder, run


def judged(outcome: Outcome) -> None:
    assert outcome.sound, outcome.findings.words
    assert any(act.endswith("\tdone") for act in outcome.acts)
    rows = len(outcome.acts) + len(outcome.ends) + len(PROMISES)
    assert table("A database", outcome).row_count == rows


def test_beside_a_writer_of_the_database_no_promise_of_the_estate_breaks() -> None:
    with open_folder() as folder:
        judged(run(folder, rounds=1, seed=7))


@pytest.mark.long
@pytest.mark.timeout(900)
def test_beside_a_writer_of_postgresql_no_promise_of_the_estate_breaks() -> None:
    try:
        with cluster() as server, open_folder() as folder:
            judged(run(folder, rounds=30, seed=8, database=server.new_database()))
    except Missing as reason:
        pytest.skip(str(reason))


@pytest.mark.skipif(bool(why_not()), reason=why_not())
@pytest.mark.timeout(240)
def test_another_user_of_the_machine_gives_no_verdict_and_sees_no_face() -> None:
    with open_folder() as folder:
        leaks = share_a_machine(folder, seed=7)
    assert leaks.sound, leaks
    assert min(leaks.tried.values()) > 0
    assert table_of_leaks(leaks).row_count == len(leaks.tried) + 2
