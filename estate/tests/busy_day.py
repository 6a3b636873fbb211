"""A day at an office on which everything happened that a report counts."""

from estate.tests.books import Office
from estate.tests.command_line import done
from formats.ledger import Happening
from formats.verdict import Judgement

COUNTS: dict[str, int | str] = {"frames": 900, "faces": 900, "searched": 700, "passers_by": 60}
"""Of a period: many looks of each passer-by."""
MATCH, NOT, UNSURE = Judgement.MATCH, Judgement.NOT_A_MATCH, Judgement.CANNOT_TELL


def busy_day(office: Office) -> None:
    """Let candidates arrive, two people decide, a camera send its ledger, and retention run."""
    for number, (first, second) in enumerate(
        [(MATCH, MATCH), (MATCH, NOT), (NOT, NOT), (UNSURE, UNSURE)], 1
    ):
        event = office.arrive(number).digest
        office.desk(1).judge(event, first)
        office.desk(2).judge(event, second)
    office.arrive(5)
    stick = office.camera_book()
    lists: dict[str, int | str] = {"lease_id": "06" * 16, "list_digest": office.site().digest.hex()}
    stick.append(Happening.PERIOD_BEGIN, lists)
    stick.append(Happening.PERIOD_END, COUNTS)
    stick.append(Happening.FAULT, {"code": "LampDark"})
    stick.sign()
    assert office.take_in().exit_code == 0
    config = ("--config", str(office.settings))
    done("retain", *config, *office.passphrase)
