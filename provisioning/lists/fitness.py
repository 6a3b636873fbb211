"""What keeps a list from being built: no camera, the cap, another model, organisations."""

from collections.abc import Sequence

from formats.policy import Policy
from provisioning.errors import ListNotIssued
from provisioning.lists.kept_entries import KeptEntry
from recognition.manifest import Manifest


def refuse_unfit(policy: Policy, kept: Sequence[KeptEntry], manifest: Manifest) -> None:
    """Raise unless a list of these entries fits policy and nets.

    Raises:
        ListNotIssued: it does not.
    """
    if not policy.places:
        raise ListNotIssued("The policy names no camera yet: tallylight camera add.")
    if len(kept) > policy.cap:
        raise ListNotIssued(
            f"{len(kept)} entries are over the policy's cap of {policy.cap}: remove some, or raise "
            "the cap with tallylight policy edit."
        )
    if any(each.model_digest != manifest.model_digest for each in kept):
        raise ListNotIssued("An entry was made with another model: remove it and add it again.")
    suppliers = {supplier.organisation for supplier in policy.suppliers}
    strange = [each.entry for each in kept if each.entry.organisation not in suppliers]
    if strange:
        raise ListNotIssued(
            f"Entry {strange[0].handle.hex()} is of {strange[0].organisation}, which the policy "
            "does not name any more: remove it with tallylight list remove."
        )
    if policy.evaluations and manifest.evaluation_digest not in policy.evaluations:
        raise ListNotIssued(
            "The policy demands another evaluation of the nets than the site's bundle names: adopt "
            "a bundle with an evaluation that the policy names, or change and sign the policy."
        )
