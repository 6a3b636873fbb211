"""Offer a bundle to the site's cameras: put version, board and digest into the draft of the policy.

Holders sign the policy, and the next list carries it to the cameras (docs/formats/policy.md). An
offer that is older than the one before it is refused: the cameras would refuse it, too.
"""

import shutil
from dataclasses import replace
from pathlib import Path

from formats.firmware_offer import FirmwareOffer
from formats.policy import read_policy, write_policy
from formats.whole_file import naming
from provisioning.disk import write_atomically
from provisioning.errors import UpdateRefused
from provisioning.site.folder import Site
from provisioning.site.policy import policy_in_force


def offer_bundle(site: Site, offer: FirmwareOffer) -> None:
    """Make this the offer for its board in the draft of the policy.

    Raises:
        UpdateRefused: the policy in force, or its draft, offers a newer version.
        SiteRefused: the draft is broken.
    """
    draft = site.policy
    before = (*draft.firmware, *offers_in_force(site))
    for other in before:
        if other.board == offer.board and offer.version < other.version:
            raise UpdateRefused(
                f"Version {other.version} is offered already, and cameras refuse an older one: "
                "build a newer version."
            )
    others = tuple(other for other in draft.firmware if other.board != offer.board)
    content = write_policy(replace(draft, firmware=(*others, offer)))
    write_atomically(site.folder / "policy.json", content)


def offers_in_force(site: Site) -> tuple[FirmwareOffer, ...]:
    """Return what the last published policy offers."""
    signed = policy_in_force(site)
    return read_policy(signed.policy).firmware if signed else ()


def give_bundle(file: Path, offer: FirmwareOffer, folder: Path) -> Path:
    """Copy a bundle into a folder under the name by which a camera looks for it.

    Raises:
        UpdateRefused: the folder is none.
    """
    if not folder.is_dir():
        raise UpdateRefused(f"{folder} is no folder: name one with --to.")
    to = folder / f"{offer.digest.hex()}.raucb"
    part = to.with_suffix(".part")
    try:
        with naming(part):
            shutil.copyfile(file, part)
            part.replace(to)
    finally:
        part.unlink(missing_ok=True)
    return to
