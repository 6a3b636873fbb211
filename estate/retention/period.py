"""The retention period in days: from the site's policy, or a fallback without a verified site.

If the site's repository cannot be verified, the policy of the newest stored list counts. If no
list was ever stored, `RETENTION_DAYS_LIMIT` counts, the longest period that any policy may set.
"""

from collections.abc import Callable

from estate.errors import SiteRefused
from estate.signed_site import VerifiedSite, store_list, stored_lists
from estate.store.envelopes import Store
from formats.policy import RETENTION_DAYS_LIMIT


def retention_days(store: Store, read_site: Callable[[], VerifiedSite]) -> int:
    """Return the retention period in days; store the site's list if the site verifies."""
    try:
        site = read_site()
    except (SiteRefused, OSError):
        with store.reading() as connection:
            lists = stored_lists(connection)
        return lists[-1][1].retention_days if lists else RETENTION_DAYS_LIMIT
    with store.writing() as connection:
        store_list(connection, site)
    return site.policy.retention_days
