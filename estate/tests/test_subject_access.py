"""Subject access: "was I on a list?" is answered from a case reference alone."""

import json

from estate.signed_site import store_list
from estate.tests.books import Office
from estate.tests.command_line import done
from firmware.tests import desk as authority
from formats.entry import case_digest


def listed_under(office: Office, reference: str, **changes: object) -> None:
    """Publish a list with one entry under a reference, and store it at the office."""
    publisher = authority.Desk(
        recipients=office.recipients,
        now=office.now,
        entries=[
            authority.entry(
                5,
                case_digest=case_digest(bytes([5]) * 16, reference),
                added_utc_s=int(office.now.timestamp()) - 60,
                review_utc_s=int(office.now.timestamp()) + 86400,
                expires_utc_s=int(office.now.timestamp()) + 86400,
                **changes,
            )
        ],
    )
    publisher.publish(office.folder / "published", version=2)
    with office.store.writing() as connection:
        store_list(connection, office.site())


def test_a_person_who_was_listed_is_told_when_and_at_which_request(office: Office) -> None:
    listed_under(office, "CR/77")
    office.publish(version=3)
    with office.store.writing() as connection:
        store_list(connection, office.site())
    letter = office.folder / "letter.html"
    config = ("--config", str(office.settings))
    (entry,) = json.loads(done("ask", "CR/77", *config, "--json", "--letter", str(letter)))[
        "entries"
    ]
    assert (entry["organisation"], entry["lists"]) == ("police", [2])
    for words in ("<strong>Yes.</strong>", "police, Inspector", "Some Act", "CR/77", "North gate"):
        assert words in letter.read_text("utf-8")


def test_a_person_who_was_not_listed_is_told_so(office: Office) -> None:
    listed_under(office, "CR/77")
    letter = office.folder / "letter.html"
    said = done("ask", "CR/78", "--config", str(office.settings), "--letter", str(letter))
    assert "No entry was made under this reference" in said
    assert "<strong>No.</strong>" in letter.read_text("utf-8")


def test_what_a_list_says_is_shown_and_not_obeyed(office: Office) -> None:
    listed_under(office, "CR/77", requested_by="[bold red]Chief[/] <b>[/x]")
    letter = office.folder / "letter.html"
    said = done("ask", "CR/77", "--config", str(office.settings), "--letter", str(letter))
    assert "[bold red]Chief[/] <b>[/x]" in said
    assert "[bold red]Chief[/] &lt;b&gt;[/x]" in letter.read_text("utf-8")


def test_an_answer_needs_no_biometrics(office: Office) -> None:
    listed_under(office, "CR/77")
    for path in (office.folder / "published" / "targets").glob("*.sealed"):
        path.unlink()
    assert "police" in done("ask", "CR/77", "--config", str(office.settings))
