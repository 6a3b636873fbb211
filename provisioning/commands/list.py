"""`tallylight list build|sign`: show what changes on the list, seal it and sign it.

The other commands of `tallylight list` are in `list_entries`, `list_publication`, `list_overview`.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from formats.casefile import CaseFile
from formats.keyfile import Purpose, read_key, unlock_opening
from formats.policy import read_policy
from formats.public_keys import signing_key
from provisioning.commands import list_entries, list_overview, list_publication
from provisioning.commands.options import Folder, Json, PassphraseFile, Yes, print_result
from provisioning.keys.passphrase import ask_passphrase, refuse_other_purpose, unlock_key
from provisioning.lists.build import (
    Headroom,
    build_list,
    open_list,
    sign_list,
    supplier_of,
)
from provisioning.lists.changes import PublishedList, last_published
from provisioning.lists.draft import Draft, draft_list
from provisioning.lists.list_items import case_items, entry_item
from provisioning.site.folder import Site, open_site
from provisioning.site.minutes import root_sentence
from provisioning.site.policy import policy_in_force
from provisioning.site.policy_items import camera_item
from recognition.calibration import Groups
from recognition.template import PPM
from terminal import consent as screen
from terminal.differences import Line

app = typer.Typer(help="Put people on the list; build, sign, publish, verify it.")
app.add_typer(list_entries.app)

SealKey = Annotated[Path, typer.Option("--key", help="A key file named list-seal-....")]
SignKey = Annotated[Path, typer.Option("--key", help="A key file named list-sign-....")]


@app.command()
def build(  # noqa: PLR0913  # Each is an option.
    folder: Folder,
    key: SealKey,
    passphrase_file: PassphraseFile = None,
    desk_passphrase_file: PassphraseFile = None,
    *,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Read who is to be on the list, then build and seal a new version, without signatures."""
    site, locked = open_site(folder), read_key(key)
    refuse_other_purpose(locked, Purpose.LIST_SEAL)
    draft = draft_list(site, signing_key(locked.public), datetime.now(UTC))
    desk = site.key(Purpose.DESK)
    asked = f"{locked.holder} is asked to seal the list of {draft.policy.site} for these cameras."
    screen.agree(_draft_compared(asked, site, draft), "Seal it?", yes=yes, json=json)
    sealer = unlock_key(locked, passphrase_file)
    opener = unlock_opening(desk, ask_passphrase(desk, desk_passphrase_file or passphrase_file))
    built = build_list(site, draft, sealer=sealer, desk=opener)
    case, headroom = built.case, built.headroom
    people = f"Version {case.version} must be signed now. Entries: {len(case.entries)}."
    print_result(
        f"{people} {_headroom_sentences(headroom)}" if headroom else people,
        json=json,
        version=case.version,
        entries=len(case.entries),
        templates=headroom.templates if headroom else 0,
        ceiling_ppm=headroom.ceiling_ppm if headroom else None,
        threshold_ppm=headroom.threshold.score_ppm if headroom else None,
        predicted_fpir_ppb=headroom.threshold.predicted_fpir_ppb if headroom else None,
        mixed_fpir_ppb=headroom.threshold.mixed_fpir_ppb if headroom else None,
    )


def _headroom_sentences(headroom: Headroom) -> str:
    """Return how far the list is from its limits, in figures."""
    threshold = f"{headroom.threshold.score_ppm / PPM:.3f}"
    mixed, group = (
        ppb / 1e7
        for ppb in (headroom.threshold.mixed_fpir_ppb, headroom.threshold.predicted_fpir_ppb)
    )
    alike = (
        "There are no two people to mistake for each other"
        if headroom.ceiling_ppm is None
        else f"The two people most alike reach {headroom.ceiling_ppm / PPM:.3f}"
    )
    return (
        f"Templates: {headroom.templates}.\n{alike}; the threshold of this list is {threshold}.\n"
        f"False alarms: at most {mixed:.3f} % of passers-by on average, and at most {group:.3f} % "
        f"where list and passers-by are all of one group. {_measured(headroom.groups)}"
    )


def _measured(groups: Groups | None) -> str:
    """Return the group, the set and the number of people that the promise was measured on."""
    if groups is None:
        return "No group was measured with these nets: eight times the average is assumed."
    return (
        f"The worst group measured is {groups.worst}; a group that was not measured can be worse."
    )


@app.command()
def sign(
    folder: Folder,
    key: SignKey,
    passphrase_file: PassphraseFile = None,
    *,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Read what changes on the list and who stays on it, then add your organisation's signature."""
    site, locked = open_site(folder), read_key(key)
    refuse_other_purpose(locked, Purpose.LIST_SIGN)
    shown = open_list(site)
    supplier = supplier_of(site, shown, signing_key(locked.public))
    signers = " and ".join(shown.organisations) or "no organisation"
    asked = (
        f"{supplier.organisation} is asked to sign version {shown.case.version} of the list of "
        f"{shown.case.site}. Its cameras may look for these people only. Signed so far by: "
        f"{signers}. {root_sentence(site.root)}"
    )
    screen.agree(_compared(asked, site, shown.case), "Sign it?", yes=yes, json=json)
    signed = sign_list(site, shown, unlock_key(locked, passphrase_file))
    count = f"{len(signed.organisations)} of {signed.needed}"
    print_result(
        f"{supplier.organisation} has signed: {count} organisations.",
        json=json,
        version=signed.case.version,
        organisations=list(signed.organisations),
        needed=signed.needed,
    )


def _draft_compared(asked: str, site: Site, draft: Draft) -> list[Line]:
    """Return the people and cameras of a draft, compared with those that are published."""
    published, policy = last_published(site), policy_in_force(site)
    if published is None or policy is None:
        return screen.compared(asked, None, draft.items, since="")
    cameras = read_policy(policy.policy).places
    before = [*map(entry_item, published.case.entries), *map(camera_item, cameras)]
    return screen.compared(asked, before, draft.items, since=_since(published))


def _compared(asked: str, site: Site, case: CaseFile) -> list[Line]:
    """Return all that a signature over a list covers, compared with the published list."""
    published = last_published(site)
    if published is None:
        return screen.compared(asked, None, case_items(case), since="")
    before = case_items(published.case)
    return screen.compared(asked, before, case_items(case), since=_since(published))


def _since(published: PublishedList) -> str:
    signers = " and ".join(published.organisations)
    return f"version {published.case.version}, which {signers} signed"


app.add_typer(list_publication.app)
app.add_typer(list_overview.app)
