"""The recipients: reviewers who may open and judge events, the receipt key, the ledger key.

The site's targets role signs the file (two of three holders): a swapped key here would let its
owner read every event. There are always at least two reviewers, because two decide together.
Byte tables: docs/formats/policy.md.
"""

from dataclasses import dataclass
from typing import Final

from nacl.public import PublicKey
from nacl.signing import VerifyKey

from formats.envelope import Sealed, key_id
from formats.errors import Malformed, Misaddressed
from formats.organisations import folded, organisation_key, refuse_confusable
from formats.public_keys import recipient_key, signing_key
from formats.strict_json import Fields, JsonValue, dumps, parse

RECIPIENTS_LIMIT: Final = 64 * 1024
"""Most bytes of the file: 64 reviewers need 16 KiB."""

REVIEWERS: Final = range(2, 65)
"""How many reviewers there may be: an envelope has 2 to 64 slots."""


@dataclass(frozen=True, slots=True)
class Reviewer:
    """One person who may open match events."""

    name: str
    """An opaque name, such as a staff number."""
    organisation: str
    key: PublicKey
    """X25519: match events are sealed to it."""
    verdict_key: VerifyKey
    """Ed25519: signs this person's verdicts."""

    @property
    def key_id(self) -> bytes:
        """(8,) the name of this reviewer's slot in an envelope."""
        return key_id(self.key)


@dataclass(frozen=True, slots=True)
class Recipients:
    """All reviewers to whom a camera of the site seals, and the estate's keys."""

    version: int
    """Grows with every change; the key epoch of the events sealed under it."""
    receipt_key: VerifyKey
    """Ed25519: the estate's receiver signs receipts with it."""
    ledger_key: VerifyKey
    """Ed25519: the estate signs checkpoints and certificates of destruction with it."""
    two_organisations: bool
    """Whether the two people who decide must work for different organisations."""
    reviewers: tuple[Reviewer, ...]

    def __post_init__(self) -> None:
        if len(self.reviewers) not in REVIEWERS:
            raise Malformed("There must be 2 to 64 reviewers: no reviewer decides alone.")
        if len({reviewer.key for reviewer in self.reviewers}) < len(self.reviewers):
            raise Malformed("Two reviewers have the same key.")
        if len({folded(reviewer.name) for reviewer in self.reviewers}) < len(self.reviewers):
            raise Malformed("Two reviewers have the same name.")
        if len({reviewer.verdict_key for reviewer in self.reviewers}) < len(self.reviewers):
            raise Malformed("Two reviewers sign with the same key.")
        signing = [
            self.receipt_key,
            self.ledger_key,
            *(each.verdict_key for each in self.reviewers),
        ]
        if len(set(signing)) < len(signing):
            raise Malformed("One key of the recipients has two purposes: make one for each.")
        refuse_confusable(each.organisation for each in self.reviewers)
        organisations = {organisation_key(each.organisation) for each in self.reviewers}
        if self.two_organisations and len(organisations) < 2:  # noqa: PLR2004
            raise Malformed("All reviewers work for one organisation; two must decide together.")


def write_recipients(recipients: Recipients) -> bytes:
    """Return the one spelling of `recipients`."""
    return dumps(
        {
            "ledger_key": bytes(recipients.ledger_key).hex(),
            "receipt_key": bytes(recipients.receipt_key).hex(),
            "reviewers": [write_reviewer(reviewer) for reviewer in recipients.reviewers],
            "two_organisations": recipients.two_organisations,
            "version": recipients.version,
        }
    )


def read_recipients(data: bytes) -> Recipients:
    """Return the recipients in `data`.

    Raises:
        TooLarge: longer than `RECIPIENTS_LIMIT`.
        Malformed: not in its one spelling, fewer than two reviewers, or one of them twice.
        UnusableKey: a key is refused by `formats.public_keys`.
    """
    return parse(data, _read, limit=RECIPIENTS_LIMIT, what="recipients")


def check_addressees(sealed: Sealed, recipients: Recipients) -> None:
    """Refuse an envelope whose slots are not exactly the reviewers' of `recipients`.

    The sender names a slot. A slot under a reviewer's name that this reviewer cannot open is found
    when the reviewer opens it.

    Raises:
        Misaddressed: a slot is a stranger's, or a reviewer has none.
    """
    names = {reviewer.key_id: reviewer.name for reviewer in recipients.reviewers}
    strangers = sorted(set(sealed.key_ids) - set(names))
    missing = [name for slot, name in names.items() if slot not in sealed.key_ids]
    if strangers or missing:
        slots = ", ".join(slot.hex() for slot in strangers)
        faults = [f"to strangers, with the slots {slots}"] if strangers else []
        faults += [f"not to the reviewers {', '.join(missing)}"] if missing else []
        raise Misaddressed(
            f"It is sealed {' and '.join(faults)}: take its camera out of service and have it "
            "examined."
        )


def write_reviewer(reviewer: Reviewer) -> dict[str, JsonValue]:
    """Return the fields that `read_reviewer` reads."""
    return {
        "key": bytes(reviewer.key).hex(),
        "name": reviewer.name,
        "organisation": reviewer.organisation,
        "verdict_key": bytes(reviewer.verdict_key).hex(),
    }


def read_reviewer(fields: Fields) -> Reviewer:
    """Read one reviewer, field by field.

    Raises:
        Malformed: a field is missing or out of bounds.
        UnusableKey: a key is refused by `formats.public_keys`.
    """
    return Reviewer(
        name=fields.text("name", at_most=64),
        organisation=fields.text("organisation", at_most=128),
        key=recipient_key(fields.hex_bytes("key", 32)),
        verdict_key=signing_key(fields.hex_bytes("verdict_key", 32)),
    )


def _read(fields: Fields) -> Recipients:
    return Recipients(
        version=fields.integer("version", low=1, high=2**32 - 1),
        receipt_key=signing_key(fields.hex_bytes("receipt_key", 32)),
        ledger_key=signing_key(fields.hex_bytes("ledger_key", 32)),
        two_organisations=fields.boolean("two_organisations"),
        reviewers=fields.objects("reviewers", read_reviewer, count=REVIEWERS.stop - 1),
    )
