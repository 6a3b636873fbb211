"""The corpus of attacks on a list, each with the code with which the camera must refuse it."""

from dataclasses import replace
from datetime import timedelta

from firmware.tests import desk
from firmware.tests.desk import DIM, NOW, SEALERS, STRANGER, entry, template_row
from firmware.tests.forgeries import (
    DAY,
    ESTATE,
    OTHER_CAMERA,
    OTHER_KEY,
    OTHER_MODEL,
    POLICE,
    SITE,
    Attack,
    another_key,
    another_version,
    body,
    broken_floors,
    case,
    elsewhere,
    file,
    fresh,
    here,
    metadata,
    mixed,
    old_card,
    one,
    one_key_under_two_names,
    overdue,
    pictures,
    policy,
    published,
    roll_back,
    signatures,
    strip,
    swap,
    threshold_of_one,
    without,
)
from firmware.trust.watchlist import Refusal
from formats.entry_columns import entries_of

ATTACKS = [
    # Who signs.
    Attack("signed by one organisation", published(signers=[POLICE]), Refusal.SIG),
    Attack("without a signature", published(signers=[]), Refusal.SIG),
    Attack("signed twice by one key", published(signers=[POLICE, POLICE]), Refusal.SIG),
    Attack("signed by a stranger", published(signers=[POLICE, STRANGER]), Refusal.SIG),
    Attack("signed by sealing keys", published(signers=list(SEALERS.values())), Refusal.SIG),
    Attack("signed by policy holders", published(signers=desk.HOLDERS), Refusal.SIG),
    Attack(
        "signed by online keys", published(signers=[desk.SNAPSHOT, desk.TIMESTAMP]), Refusal.SIG
    ),
    Attack(
        "a threshold of one",
        published(signers=[POLICE], amend_targets=threshold_of_one),
        Refusal.SIG,
    ),
    Attack(
        "a stranger in the delegation",
        published(signers=[POLICE, ESTATE, STRANGER], amend_targets=another_key),
        Refusal.SUPPLIER,
    ),
    Attack(
        "one key under two names", published(amend_targets=one_key_under_two_names), Refusal.FORM
    ),
    Attack("a signature left out", signatures(SITE, lambda all_: all_.pop()), Refusal.SIG),
    Attack("a signature twice", signatures(SITE, lambda all_: all_.append(all_[0])), Refusal.FORM),
    Attack(
        "a signature under another's name",
        signatures(SITE, lambda all_: all_[0].update(sig=all_[1]["sig"])),
        Refusal.SIG,
    ),
    Attack("a minor with two signatures", one(minor=True), Refusal.SIG),
    Attack("a vulnerable person with two signatures", one(vulnerable=True), Refusal.SIG),
    # Roles changed after they were signed.
    Attack(
        "a later end of the list",
        metadata(SITE, lambda it: it.update(expires="2027-01-01T00:00:00Z")),
        Refusal.SIG,
    ),
    Attack(
        "a later end of the policy",
        metadata("metadata/2.targets.json", lambda it: it.update(expires="2029-01-01T00:00:00Z")),
        Refusal.SIG,
    ),
    Attack(
        "a later timestamp",
        metadata("metadata/timestamp.json", lambda it: it.update(expires="2027-01-01T00:00:00Z")),
        Refusal.SIG,
    ),
    Attack(
        "a later snapshot",
        metadata("metadata/2.snapshot.json", lambda it: it.update(version=9)),
        Refusal.SIG,
    ),
    Attack(
        "a timestamp of no form", file("metadata/timestamp.json", lambda _: b"{}"), Refusal.FORM
    ),
    Attack(
        "a timestamp without end",
        file("metadata/timestamp.json", lambda it: it + bytes(8192)),
        Refusal.ALTERED,
    ),
    # Older things.
    Attack("an older list", roll_back, Refusal.ROLLBACK),
    Attack("an older card", old_card, Refusal.ROLLBACK),
    Attack(
        "a case file of another version", published(amend_site=another_version), Refusal.ROLLBACK
    ),
    Attack("nothing new for a day", fresh, Refusal.EXPIRED, now=NOW + DAY, dark=True),
    Attack("nothing new for a year", fresh, Refusal.EXPIRED, now=NOW + 366 * DAY, dark=True),
    # Files that do not belong together.
    Attack("another list's body", mixed, Refusal.ALTERED),
    Attack(
        "a case file altered",
        file("targets/*.watchlist-mill.json", swap(b"Inspector", b"Constable")),
        Refusal.ALTERED,
    ),
    Attack(
        "a policy altered",
        file("targets/*.policy.json", swap(b'"cap":100', b'"cap":999')),
        Refusal.ALTERED,
    ),
    Attack("a body cut off", file("targets/*.sealed", lambda it: it[:-1]), Refusal.ALTERED),
    Attack("a body with more", file("targets/*.sealed", lambda it: it + b"\0"), Refusal.ALTERED),
    Attack("a body of another digest", case(body_digest=bytes(32)), Refusal.ALTERED),
    # Things withheld.
    Attack("no timestamp", without("metadata/timestamp.json"), Refusal.MISSING),
    Attack("no snapshot", without("metadata/2.snapshot.json"), Refusal.MISSING),
    Attack("no role of the site", without(SITE), Refusal.MISSING),
    Attack("no body", without("targets/*.sealed"), Refusal.MISSING),
    Attack("no case file", without("targets/*.watchlist-mill.json"), Refusal.MISSING),
    Attack("nothing at all", strip, Refusal.MISSING),
    # For another camera, site or policy.
    Attack("for another site", published(amend_case=elsewhere, amend_site=here), Refusal.SITE),
    Attack("for another policy", case(policy_digest=bytes(32)), Refusal.POLICY),
    Attack("for another model", case(model_digest=bytes(32)), Refusal.MODEL),
    Attack(
        "a camera with another model", published(), Refusal.MODEL, camera=OTHER_MODEL, dark=True
    ),
    Attack("a card in another camera", published(), Refusal.CAMERA, camera=OTHER_CAMERA, dark=True),
    Attack("a card with another key", published(), Refusal.CAMERA, camera=OTHER_KEY, dark=True),
    Attack("a policy without this camera", policy(places=()), Refusal.CAMERA),
    # Against the policy.
    Attack("an assessment overdue", policy(assessment=overdue()), Refusal.DPIA),
    Attack("more entries than the cap", policy(cap=1), Refusal.CAP),
    Attack("a category that the policy does not know", one(category="other"), Refusal.POLICY),
    Attack("an entry of no supplier", one(organisation="nobody"), Refusal.SUPPLIER),
    Attack("a body sealed by a stranger", published(sealer=STRANGER), Refusal.SUPPLIER),
    Attack("a body sealed by a signing key", published(sealer=POLICE), Refusal.SUPPLIER),
    # False bodies, sealed and signed by a supplier.
    Attack("a body with another magic", body(swap(b"TALLYLST", b"TALLYWL\0")), Refusal.FORM),
    Attack("a body with trailing bytes", body(lambda it: it + b"\0"), Refusal.FORM),
    Attack("a body cut off within its head", body(lambda it: it[:12]), Refusal.FORM),
    Attack(
        "a body of too many rows", body(lambda it: it[:8] + b"\xff" * 4 + it[12:]), Refusal.FORM
    ),
    Attack(
        "a template of zeros, which would hide all others",
        body(lambda it: it[:-DIM] + bytes(DIM)),
        Refusal.FORM,
    ),
    Attack("a body of no dimension", body(lambda it: it[:12] + bytes(4) + it[16:]), Refusal.FORM),
    Attack(
        "a body of another dimension",
        body(lambda it: it[:12] + b"\x08\0\0\0" + it[16:] + b"\x7f" * 8),
        Refusal.ALTERED,
    ),
    Attack(
        "a body with handles out of order",
        body(lambda it: it[:16] + it[32:48] + it[16:32] + it[48:]),
        Refusal.FORM,
    ),
    Attack(
        "a body with a handle twice",
        body(lambda it: it[:16] + it[16:32] * 2 + it[48:]),
        Refusal.ALTERED,
    ),
    Attack(
        "a body of other handles", body(lambda it: it[:16] + bytes(16) + it[32:]), Refusal.ALTERED
    ),
    # Several pictures of one person.
    Attack(
        "a template more than pictures",
        body(
            lambda it: it[:8] + b"\3" + it[9:16] + it[16:32] + it[16:48] + it[48:] + template_row(0)
        ),
        Refusal.ALTERED,
    ),
    Attack(
        "a template fewer than pictures",
        published(
            entries=[entry(1, pictures=pictures(2))],
            amend_body=lambda it: it[:8] + b"\1" + it[9:16] + it[16:32] + it[48 : 48 + DIM],
        ),
        Refusal.ALTERED,
    ),
    Attack(
        "one person's template under another's handle",
        published(
            entries=[entry(1, pictures=pictures(2)), entry(2)],
            amend_body=lambda it: it[:32] + it[48:64] * 2 + it[64:],
        ),
        Refusal.ALTERED,
    ),
    Attack(
        "a case file that hides a picture",
        published(
            entries=[entry(1, pictures=pictures(2))],
            amend_case=lambda it: replace(it, entries=entries_of([entry(1)])),
        ),
        Refusal.ALTERED,
    ),
    # Clocks and cards.
    Attack(
        "a clock before the signature",
        published(),
        Refusal.CLOCK,
        now=NOW - timedelta(hours=1),
        dark=True,
    ),
    Attack(
        "a clock set back a little",
        published(),
        Refusal.CLOCK,
        now=NOW - timedelta(seconds=1),
        dark=True,
    ),
    Attack("both floors broken", broken_floors, Refusal.FLOORS, dark=True),
]
"""SECURITY notes, docs/threat-model.md: every kind of attack, at least once."""
