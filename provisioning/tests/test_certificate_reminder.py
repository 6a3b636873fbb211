"""`tallylight list status` reminds of the broker's certificates before they end."""

from datetime import UTC, datetime, timedelta

from typer.testing import CliRunner

from provisioning.__main__ import app
from provisioning.broker.certificates import LEAF_LIFE
from provisioning.broker.configuration import RENEW_BEFORE_END
from provisioning.broker.reminder import certificate_endings
from provisioning.site.folder import open_site
from provisioning.tests.test_broker import camera_of, config
from provisioning.tests.workshop import Workshop, refusal

DAY = timedelta(days=1)


def due(workshop: Workshop, now: datetime) -> list[str]:
    ends = certificate_endings(open_site(workshop.site), 2 * DAY)
    return [each.sentence(now) for each in ends if each.due <= now]


def test_certificates_are_due_from_the_day_on_which_they_are_renewed(prepared: Workshop) -> None:
    assert due(prepared, datetime.now(UTC)) == []
    config(prepared)
    renewed = datetime.now(UTC) + LEAF_LIFE - RENEW_BEFORE_END
    assert due(prepared, renewed - DAY) == []
    broker, client = due(prepared, renewed + DAY)
    assert "tallylight broker config, then bring the new files to the broker" in broker
    first = min("auditor", camera_of(prepared))  # Of clients that end together, the first by name.
    assert f"{first}, ends" in client


def test_the_list_status_has_the_brokers_certificates(prepared: Workshop) -> None:
    config(prepared)
    result = CliRunner().invoke(app, ["list", "status", str(prepared.site)])
    assert "ok   The broker's certificate ends" in result.output
    (prepared.site / "broker" / "server.pem").write_text("nonsense")
    assert "server.pem is no certificate" in refusal("list", "status", prepared.site)
