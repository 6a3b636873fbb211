"""`tallylight list build|sign`: show a signer the changes of the list, and sign it.

The other commands of `tallylight list` are in `list_entries`, `list_publication`, `list_overview`.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from formats.keyfile import Purpose, unlock_opening
from provisioning.commands import list_entries, list_overview, list_publication
from provisioning.commands.options import Folder, Json, PassphraseFile, Yes, print_result
from provisioning.keys.passphrase import ask_passphrase, unlock_key_file
from provisioning.lists.build import (
    Headroom,
    SignedList,
    build_list,
    open_list,
    sign_list,
    supplier_of,
)
from provisioning.lists.changes import compare_lists, last_published
from provisioning.lists.entry_text import describe_entry, entry_line, moment
from provisioning.site.folder import Site, open_site
from recognition.template import PPM

app = typer.Typer(help="Put people on the list; build, sign, publish, verify it.")
app.add_typer(list_entries.app)

SealKey = Annotated[Path, typer.Option("--key", help="A key file named list-seal-....")]
SignKey = Annotated[Path, typer.Option("--key", help="A key file named list-sign-....")]


@app.command()
def build(
    folder: Folder,
    key: SealKey,
    passphrase_file: PassphraseFile = None,
    desk_passphrase_file: PassphraseFile = None,
    *,
    json: Json = False,
) -> None:
    """Build and seal a new version of the list, without signatures."""
    site = open_site(folder)
    sealer = unlock_key_file(key, Purpose.LIST_SEAL, passphrase_file)
    desk = site.key(Purpose.DESK)
    opener = unlock_opening(desk, ask_passphrase(desk, desk_passphrase_file or passphrase_file))
    built = build_list(site, sealer=sealer, desk=opener, now=datetime.now(UTC))
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
    )


def _headroom_sentences(headroom: Headroom) -> str:
    """Return how far the list is from its limits, in figures."""
    threshold = f"{headroom.threshold.score_ppm / PPM:.3f}"
    alike = (
        "There are no two people to mistake for each other"
        if headroom.ceiling_ppm is None
        else f"The two people most alike reach {headroom.ceiling_ppm / PPM:.3f}"
    )
    return (
        f"Templates: {headroom.templates}.\n{alike}; the threshold of this list is {threshold}, "
        f"which at most {headroom.threshold.predicted_fpir_ppb / 1e7:.3f} % of strangers pass."
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
    site = open_site(folder)
    signer = unlock_key_file(key, Purpose.LIST_SIGN, passphrase_file)
    supplier = supplier_of(site, signer)
    shown = open_list(site)
    if not json:
        typer.echo(_describe_list(site, shown, supplier.organisation))
    if not yes:
        typer.confirm("Sign?", abort=True, err=True)
    signed = sign_list(site, shown, signer)
    count = f"{len(signed.organisations)} of {signed.needed}"
    print_result(
        f"{supplier.organisation} has signed: {count} organisations.",
        json=json,
        version=signed.case.version,
        organisations=list(signed.organisations),
        needed=signed.needed,
    )


def _describe_list(site: Site, signed: SignedList, organisation: str) -> str:
    """Return what a signer must know of the list: first what changes, then who stays."""
    case, before = signed.case, last_published(site)
    changes = compare_lists(before, case)
    lines = [
        f"{organisation} is asked to sign version {case.version} for {case.site}.",
        f"Until {moment(case.expires_utc_s)} its cameras may look for these people only.",
        "Nothing was published before: every entry is new."
        if before is None
        else f"Compared with version {before.case.version}, which "
        f"{' and '.join(before.organisations)} signed:",
    ]
    for title, people, full in (
        ("Added", changes.added, True),
        ("Changed, in the new form", changes.altered, True),
        ("Removed", changes.removed, False),
        ("On it as before", changes.kept, False),
    ):
        lines += ["", f"{title}: {len(people) or 'none'}"]
        lines += [describe_entry(entry) if full else entry_line(entry) for entry in people]
    signers = " and ".join(signed.organisations) or "no organisation"
    lines += ["", f"Signed so far by: {signers}."]
    return "\n".join(lines)


app.add_typer(list_publication.app)
app.add_typer(list_overview.app)
