"""A reminder before something ends: list, policy, root, freshness, assessment, reviews of entries.

What ends is read from the published repository and from the desk's entries. Nothing here proves a
signature: `tallylight list verify` does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata

from formats.site_tuf import METADATA_FOLDER, estate_role, site_role
from provisioning.errors import SiteRefused
from provisioning.lists.entries import due_for_review
from provisioning.lists.rollback import role_versions
from provisioning.site.folder import Site

_FRESHNESS_LEFT: Final = 4
"""Freshness is renewed twice in its life. With a quarter of it left, a renewal is overdue."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Something that ends, and what to do before that."""

    what: str
    end: datetime
    """UTC."""
    due: datetime
    """UTC: from then on it is time to do it."""
    do: str

    def sentence(self, now: datetime) -> str:
        """Return what ends and when, and what to do if it is due."""
        is_over = self.end <= now
        text = f"{self.what} {'ended' if is_over else 'ends'} {self.end:%Y-%m-%d %H:%M} UTC"
        return f"{text}: {self.do}." if self.due <= now else f"{text}."


def endings(site: Site, within: timedelta, now: datetime) -> Iterator[Ending]:
    """Yield everything of a site that ends; it is due `within` this time before its end.

    Raises:
        EntryRefused: an entry's file is broken.
    """
    yield from _published_endings(site, within)
    review = datetime.fromtimestamp(site.policy.assessment.review_utc_s, UTC)
    do = "review it, then tallylight policy edit"
    yield Ending("The assessment's time", review, review - within, do)
    for entry in due_for_review(site, now + within):
        end = datetime.fromtimestamp(entry.review_utc_s, UTC)
        what = f"The time of entry {entry.handle.hex()}"
        yield Ending(what, end, end - within, "tallylight list review, or list remove")


def _published_endings(site: Site, within: timedelta) -> Iterator[Ending]:
    folder, policy = site.published / METADATA_FOLDER, site.policy
    words = {
        "root": ("The root", "tallylight site rotate"),
        "targets": ("The policy", "tallylight policy sign --renew, then build a list"),
        site_role(policy.site): ("The list", "tallylight list build, then sign and publish"),
        estate_role(policy.site): ("The estate's statement", "tallylight-estate budget --sign"),
    }
    for role, version in role_versions(path.name for path in folder.glob("*.json")).items():
        if role in words:
            end = _expiry(folder / f"{version}.{role}.json")
            yield Ending(words[role][0], end, end - within, words[role][1])
    if (folder / "timestamp.json").exists():
        end = _expiry(folder / "timestamp.json")
        due = end - timedelta(hours=policy.freshness_h) / _FRESHNESS_LEFT
        yield Ending("The freshness", end, due, "tallylight list renew")


def _expiry(path: Path) -> datetime:
    try:
        return Metadata.from_bytes(path.read_bytes()).signed.expires
    except RepositoryError as error:
        raise SiteRefused(f"{path} is broken: tallylight list publish.") from error
