"""`tallylight list`: put people on it, build it, sign it, publish it, look back at it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from formats.keyfile import Purpose, unlock_opening
from provisioning.commands import entries, publish
from provisioning.commands.options import (
    Folder,
    Json,
    PassphraseFile,
    Yes,
    passphrase_of,
    say,
    unlocked,
)
from provisioning.lists.build import Room, SignedList, build_list, open_list, sign_list, supplier_of
from provisioning.lists.changes import changes, last_published
from provisioning.site.folder import Site, open_site
from recognition.template import PPM

app = typer.Typer(help="Put people on the list; build, sign, publish, verify it.")
app.add_typer(entries.app)

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
    """Build and seal a new version of the list; nobody has signed it yet."""
    site = open_site(folder)
    sealer = unlocked(key, Purpose.LIST_SEAL, passphrase_file)
    desk = site.key(Purpose.DESK)
    opener = unlock_opening(desk, passphrase_of(desk, desk_passphrase_file or passphrase_file))
    built = build_list(site, sealer=sealer, desk=opener, now=datetime.now(UTC))
    case, room = built.case, built.room
    people = f"Version {case.version} must be signed now. Entries: {len(case.entries)}."
    say(
        f"{people} {_told(room)}" if room else people,
        json=json,
        version=case.version,
        entries=len(case.entries),
        templates=room.templates if room else 0,
        ceiling_ppm=room.ceiling_ppm if room else None,
        threshold_ppm=room.threshold.score_ppm if room else None,
        predicted_fpir_ppb=room.threshold.predicted_fpir_ppb if room else None,
    )


def _told(room: Room) -> str:
    """How far the list is from its limits, in figures."""
    threshold = f"{room.threshold.score_ppm / PPM:.3f}"
    alike = (
        "There are no two people to mistake for each other"
        if room.ceiling_ppm is None
        else f"The two people most alike reach {room.ceiling_ppm / PPM:.3f}"
    )
    return (
        f"Templates: {room.templates}.\n{alike}; the threshold of this list is {threshold}, which "
        f"at most {room.threshold.predicted_fpir_ppb / 1e7:.3f} % of strangers pass."
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
    signing = unlocked(key, Purpose.LIST_SIGN, passphrase_file)
    supplier = supplier_of(site, signing)
    shown = open_list(site)
    if not json:
        typer.echo(_described(site, shown, supplier.organisation))
    if not yes:
        typer.confirm("Sign?", abort=True, err=True)
    signed = sign_list(site, shown, signing)
    count = f"{len(signed.organisations)} of {signed.needed}"
    say(
        f"{supplier.organisation} has signed: {count} organisations.",
        json=json,
        version=signed.case.version,
        organisations=list(signed.organisations),
        needed=signed.needed,
    )


def _described(site: Site, signed: SignedList, organisation: str) -> str:
    """Everything that somebody must know before signing, in the order of its weight."""
    case, before = signed.case, last_published(site)
    found = changes(before, case)
    lines = [
        f"{organisation} is asked to sign version {case.version} for {case.site}.",
        f"Until {entries.moment(case.expires_utc_s)} its cameras may look for these people only.",
        "Nothing was published before: everybody on it is new."
        if before is None
        else f"Compared with version {before.case.version}, which "
        f"{' and '.join(before.organisations)} signed:",
    ]
    for title, people, full in (
        ("Added", found.added, True),
        ("Changed, as they shall be", found.altered, True),
        ("Removed", found.removed, False),
        ("On it as before", found.kept, False),
    ):
        lines += ["", f"{title}: {len(people) or 'nobody'}"]
        lines += [entries.describe(entry) if full else entries.brief(entry) for entry in people]
    lines += ["", f"Signed so far: {' and '.join(signed.organisations) or 'nobody'}."]
    return "\n".join(lines)


app.add_typer(publish.app)
