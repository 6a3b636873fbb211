"""Policy and recipients as a holder sees them before signing: every field, keys as twelve words.

Each camera, supplier and reviewer is an item of its own, so that one that was swapped stands out.
Nothing here decides or compares (`terminal.differences` does). Days and hours are UTC.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from formats.counts import counted
from formats.firmware_offer import FirmwareOffer
from formats.keyfile import Purpose
from formats.policy import Place, Policy, Supplier
from formats.recipients import Recipients, Reviewer
from provisioning.site.schedule_text import schedule_lines
from terminal.differences import Item, digest_text, moment_text
from terminal.fingerprints import fingerprint_text


def version_item(policy: Policy, recipients: Recipients, expires: datetime) -> Item:
    """Return what says which version is signed, and until when it counts."""
    facts = {
        "site": policy.site,
        "version": str(policy.version),
        "key epoch": str(recipients.version),
        "valid until": moment_text(int(expires.timestamp())),
    }
    return Item("This version", facts)


def policy_items(policy: Policy) -> Sequence[Item]:
    """Return every field of a policy but its site and version."""
    return [
        *map(supplier_item, policy.suppliers),
        *map(camera_item, policy.places),
        Item("Hours of recognition, UTC", {"open": _lines(schedule_lines(policy.schedule))}),
        Item("Categories of people", {"any of": _lines(policy.categories)}),
        Item(
            "Bounds",
            {
                "entries at most": str(policy.cap),
                "false alarms": f"{policy.fpir_ppm} in a million passers-by, by group: "
                "the worst that was measured counts",
                "events kept": counted(policy.retention_days, "day"),
                "list gone within": counted(policy.freshness_h, "hour"),
                "consoles lock after": f"{policy.idle_lock_s} s without a reviewer's action",
            },
        ),
        Item(
            "What cameras send",
            {
                "face crops": "in match events" if policy.crop else "no",
                "status": "published" if policy.status else "no",
            },
        ),
        Item(
            "Clocks of cameras",
            {
                "no time server": "accepted" if policy.unsynchronised else "refused",
                "time servers": "must prove their identity (NTS)"
                if policy.authenticated_time
                else "any",
            },
        ),
        *map(_firmware, policy.firmware),
        Item(
            "Nets",
            {
                "on a processor": "allowed" if policy.processor else "refused",
                "evaluated as": _lines(map(digest_text, policy.evaluations)) or "any",
            },
        ),
        Item(
            "Data-protection impact assessment",
            {
                "review before": moment_text(policy.assessment.review_utc_s),
                "document": _document(policy.assessment.digest),
            },
        ),
        Item(
            "Agreement",
            {"reference": policy.agreement.reference, "address": policy.agreement.url},
        ),
    ]


def recipients_items(recipients: Recipients) -> Sequence[Item]:
    """Return every field of the recipients but their version, the key epoch."""
    apart = recipients.two_organisations
    return [
        *map(reviewer_item, recipients.reviewers),
        Item(
            "Who decides on an event",
            {"two reviewers": "of two organisations" if apart else "of any organisation"},
        ),
        estate_key_item(Purpose.RECEIPT, bytes(recipients.receipt_key)),
        estate_key_item(Purpose.LEDGER, bytes(recipients.ledger_key)),
    ]


def reviewer_item(reviewer: Reviewer) -> Item:
    """Return a reviewer with organisation, and both keys in words."""
    facts = {
        "works for": reviewer.organisation,
        "opens events": fingerprint_text(bytes(reviewer.key)),
        "signs verdicts": fingerprint_text(bytes(reviewer.verdict_key)),
    }
    return Item(f"Reviewer {reviewer.name}", facts)


def estate_key_item(purpose: Purpose, public: bytes) -> Item:
    """Return one of the estate's own keys, receipt or ledger, in words."""
    duty = "signs receipts" if purpose is Purpose.RECEIPT else "signs books"
    return Item(f"The estate's {purpose} key", {duty: fingerprint_text(public)})


def camera_item(place: Place) -> Item:
    """Return a camera with place and grounds; its words are of all its keys together."""
    facts = {
        "place": place.place,
        "because": place.grounds,
        "all its keys": fingerprint_text(b"".join(place.camera.public_keys)),
    }
    return Item(f"Camera {place.camera.camera_id.hex()}", facts)


def supplier_item(supplier: Supplier) -> Item:
    """Return an organisation that supplies lists, with its two keys in words."""
    facts = {
        "signs lists": fingerprint_text(bytes(supplier.sign_key)),
        "seals lists": fingerprint_text(bytes(supplier.seal_key)),
    }
    return Item(f"Supplier {supplier.organisation}", facts)


def _firmware(offer: FirmwareOffer) -> Item:
    facts = {
        "version": str(offer.version),
        "bundle": digest_text(offer.digest),
        "size": f"{offer.size} bytes",
    }
    return Item(f"Firmware of {offer.board} cameras", facts)


def _lines(texts: Iterable[str]) -> str:
    return "\n".join(texts)


def _document(digest: bytes) -> str:
    """Return an assessment's digest; say so if it is the example plan's placeholder."""
    placeholder = "" if any(digest) else "\nA PLACEHOLDER: no document is named"
    return f"{digest_text(digest)}{placeholder}"
