"""The retention period in days: from the site's policy, or a fallback without a verified site.

If the site's repository cannot be verified, the newest stored policy counts that the verified
ledger names. If there is none, `RETENTION_DAYS_LIMIT` counts, the longest period that any policy
may set.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256

from sqlalchemy import Connection

from estate.errors import SiteRefused
from estate.signed_site import VerifiedSite, store_list, stored_lists
from estate.store.envelopes import Store
from formats.ledger import Happening, Record
from formats.policy import RETENTION_DAYS_LIMIT, write_policy


def retention_days(
    store: Store,
    read_site: Callable[[], VerifiedSite],
    read_records: Callable[[Connection], Sequence[Record]],
) -> int:
    """Return the retention period in days; store the site's list if the site verifies.

    Args:
        store: with the lists that were met.
        read_site: reads the site's repository.
        read_records: returns the estate's ledger, verified.

    Raises:
        BooksRefused: the site does not verify, and the ledger neither.
        SiteRefused: the site does not verify, and a stored list was changed.
    """
    try:
        site = read_site()
    except (SiteRefused, OSError):
        with store.reading() as connection:
            return _stored_days(connection, read_records(connection))
    with store.writing() as connection:
        store_list(connection, site)
    return site.policy.retention_days


def _stored_days(connection: Connection, records: Sequence[Record]) -> int:
    stored = {
        sha256(write_policy(policy)).hexdigest(): policy.retention_days
        for _, policy in stored_lists(connection)
    }
    named = [
        each.body["policy_digest"] for each in records if each.event is Happening.LIST_ACCEPTED
    ]
    return next((stored[each] for each in named if each in stored), RETENTION_DAYS_LIMIT)
