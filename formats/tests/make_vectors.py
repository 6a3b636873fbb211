"""Writes formats/tests/vectors: `make vectors`.

The vectors are made without the code that they test: envelopes by `second_encoder`, everything else
spelled out in `plain_vectors`. The same bytes come out every time, and a test compares them with
the files.
"""

import json
from pathlib import Path

from formats.tests.act_vectors import acts
from formats.tests.casefile_vectors import casefiles
from formats.tests.commissioning_vectors import commissionings
from formats.tests.envelope_vectors import envelopes
from formats.tests.estate_vectors import budgets, portraits
from formats.tests.key_vectors import keys
from formats.tests.name_vectors import organisations
from formats.tests.plain_vectors import (
    destructions,
    events,
    held_back,
    leases,
    ledgers,
    statuses,
    topics,
    verdicts,
)
from formats.tests.reader_vectors import readers
from formats.tests.registration_vectors import registrations
from formats.tests.service_vectors import services
from formats.tests.wipe_vectors import wipes

FOLDER = Path(__file__).parent / "vectors"


def vectors() -> dict[str, bytes]:
    """File names and contents."""
    contents = {
        "envelope.json": envelopes(),
        "event.json": events(),
        "held_back.json": held_back(),
        "status.json": statuses(),
        "ledger.json": ledgers(),
        "lease.json": leases(),
        "keys.json": keys(),
        "organisations.json": organisations(),
        "topics.json": topics(),
        "verdict.json": verdicts(),
        "act.json": acts(),
        "destruction.json": destructions(),
        "portrait.json": portraits(),
        "budget.json": budgets(),
        "casefile.json": casefiles(),
        "readers.json": readers(),
        "registration.json": registrations(),
        "service.json": services(),
        "wipe.json": wipes(),
        "commissioning.json": commissionings(),
    }
    return {file: json.dumps(value, indent=1).encode() + b"\n" for file, value in contents.items()}


if __name__ == "__main__":
    for file, written in vectors().items():
        (FOLDER / file).write_bytes(written)
