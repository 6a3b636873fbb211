"""Take away and give in the drafts: cameras, organisations, reviewers. Two holders then sign.

A change here is of the drafts alone. It is in force once two holders have signed it, a list was
built under it, and that list was published.
"""

from collections.abc import Iterable
from dataclasses import replace

from formats.errors import FormatError
from formats.organisations import folded, organisation_key
from formats.policy import Place, Policy, Supplier, read_policy, write_policy
from formats.recipients import Reviewer
from provisioning.errors import PolicyRefused
from provisioning.site.folder import Site
from provisioning.site.policy_text import store_policy

_BEGINNING = 4
"""Fewest digits of a camera's id that name it."""


def find_camera(site: Site, beginning: str) -> Place:
    """Return the camera of the draft whose id begins so.

    Raises:
        PolicyRefused: no camera's id does, or more than one.
    """
    return named_camera(site.policy, beginning)


def named_camera(policy: Policy, beginning: str) -> Place:
    """Return the camera of a policy whose id begins so.

    Raises:
        PolicyRefused: no camera's id does, or more than one.
    """
    named = {place.camera.camera_id.hex(): place for place in policy.places}
    found = [name for name in named if name.startswith(beginning.lower())]
    if len(beginning) < _BEGINNING or len(found) != 1:
        raise PolicyRefused(
            f"{len(found)} cameras have an id that begins with {beginning!r}: the policy names "
            f"{_listed(named)}."
        )
    return named[found[0]]


def remove_camera(site: Site, beginning: str) -> Place:
    """Take a camera out of the draft of the policy; return it.

    Raises:
        PolicyRefused: no camera's id begins so, or more than one.
    """
    place, policy = find_camera(site, beginning), site.policy
    _store(site, replace(policy, places=tuple(each for each in policy.places if each != place)))
    return place


def add_organisation(site: Site, supplier: Supplier) -> bool:
    """Let an organisation supply lists, or replace its keys; return whether it was there before.

    Raises:
        PolicyRefused: a key is in use already, or there are too many organisations.
    """
    policy, name = site.policy, organisation_key(supplier.organisation)
    others = [each for each in policy.suppliers if organisation_key(each.organisation) != name]
    _store(site, replace(policy, suppliers=(*others, supplier)))
    return len(others) < len(policy.suppliers)


def find_organisation(site: Site, name: str) -> Supplier:
    """Return an organisation of the draft of the policy.

    Raises:
        PolicyRefused: the policy does not name it.
    """
    suppliers = site.policy.suppliers
    for each in suppliers:
        if organisation_key(each.organisation) == organisation_key(name):
            return each
    known = _listed(each.organisation for each in suppliers)
    raise PolicyRefused(f"The policy names no organisation {name!r}, only {known}.")


def remove_organisation(site: Site, name: str) -> Supplier:
    """Take an organisation out of the draft of the policy; return it.

    Raises:
        PolicyRefused: the policy does not name it, or too few stay.
    """
    policy, gone = site.policy, find_organisation(site, name)
    stay = tuple(each for each in policy.suppliers if each != gone)
    _store(site, replace(policy, suppliers=stay))
    return gone


def find_reviewer(site: Site, name: str) -> Reviewer:
    """Return a reviewer of the draft of the recipients.

    Raises:
        PolicyRefused: the draft names no such reviewer.
    """
    reviewers = {folded(each.name): each for each in site.reviewers()}
    found = reviewers.get(folded(name))
    if found is None:
        known = _listed(each.name for each in reviewers.values())
        raise PolicyRefused(f"There is no reviewer {name!r}, only {known}.")
    return found


def _store(site: Site, policy: Policy) -> None:
    try:
        read_policy(write_policy(policy))
    except FormatError as error:
        raise PolicyRefused(f"Nothing was changed: {error}") from error
    store_policy(site, policy)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
