"""A stored list, policy or recipients file that was changed in the database does not count."""

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from estate.errors import SiteRefused
from estate.retention.period import retention_days
from estate.signed_site import LISTS, SITE_FILES, store_list
from estate.store.ledger import ledger_records
from estate.tests.books import Office
from estate.tests.command_line import refusal, run
from formats.policy import RETENTION_DAYS_LIMIT, read_policy, write_policy
from formats.recipients import write_recipients


def test_a_changed_list_is_not_shown_and_answers_no_question(office: Office) -> None:
    candidate = office.candidate()
    desk = office.desk(1)
    assert desk.entry(candidate)
    with office.store.writing() as connection:
        (content,) = connection.execute(select(LISTS.c.casefile)).scalars()
        connection.execute(update(LISTS).values(casefile=content.replace(b"Some Act", b"Some Law")))
    with pytest.raises(SiteRefused, match="was changed"):
        desk.entry(candidate)
    assert "was changed" in refusal(run("ask", "CR/7", "--config", str(office.settings)))


def test_a_policy_that_the_ledger_does_not_name_sets_no_retention_period(office: Office) -> None:
    office.desk(1)
    with office.store.writing() as connection:
        policy = connection.execute(select(LISTS.c.policy)).scalar_one()
        short = write_policy(replace(read_policy(policy), retention_days=1))
        connection.execute(update(LISTS).values(policy=short))
    (office.folder / "root.json").write_bytes(b"{}")

    assert retention_days(office.store, office.site, ledger_records) == RETENTION_DAYS_LIMIT


def test_recipients_under_the_name_of_others_are_not_met(office: Office) -> None:
    event = office.arrive().digest
    strange = write_recipients(replace(office.recipients, two_organisations=True))
    with office.store.writing() as connection:
        store_list(connection, office.site())
        named = SITE_FILES.c.name.like("%.recipients.json")
        connection.execute(update(SITE_FILES).where(named).values(content=strange))
    desk = office.desk(1)
    assert (desk.standings(), list(desk.unmet)) == ([], [event])
