"""`tallylight-estate export`: hand a confirmed match over, encrypted with age; two people sign."""

from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from estate.accounts.match_archive import pack_match
from estate.commands.options import (
    AsJson,
    Event,
    OwnKey,
    Settings,
    current_site,
    named_event,
    open_office,
    print_result,
)
from estate.commands.own_keys import unlock_reviewer_keys
from estate.console.desk import Desk
from estate.console.standing import Standing
from estate.errors import NotConfirmed
from estate.opening.facts import capture_time, place_of
from estate.passphrase import PassphraseFile
from estate.verdicts.export import export_match, take_back
from formats.whole_file import PRIVATE, write_whole
from terminal import consent as screen
from terminal.differences import Item

ASKED: Final = (
    "You have signed the hand-over. A second person must sign it, in their console, or with "
    "tallylight-estate export and their own key; until then nothing leaves."
)
To = Annotated[
    str | None,
    typer.Option(help="Name of the recipient, for the ledger. The second person leaves it out."),
]
Recipient = Annotated[
    str | None,
    typer.Option(help="The recipient's age public key. The second person leaves it out."),
]
File = Annotated[
    Path | None, typer.Option("--file", help="Where the second person puts the encrypted match.")
]
Agreed = Annotated[bool, typer.Option("--yes", help="Sign without being asked.")]


def export(  # noqa: PLR0913, PLR0917  # Each is an option.
    config: Settings,
    event: Event,
    key: OwnKey,
    to: To = None,
    recipient: Recipient = None,
    file: File = None,
    passphrase_file: PassphraseFile = None,
    *,
    yes: Agreed = False,
    back: Annotated[bool, typer.Option("--take-back", help="Take back what you asked.")] = False,
    as_json: AsJson = False,
) -> None:
    """Hand a confirmed match over. Two people run this, each with their own key.

    The first names the recipient and the recipient's age key. The second is shown who asks, and
    signs the same; only then the encrypted file is made.
    """
    office, store = open_office(config)
    if file is not None and file.exists():
        raise NotConfirmed(f"There is a file {file} already: name another with --file.")
    opening, signing = unlock_reviewer_keys(key, current_site(office), passphrase_file)
    desk = Desk(store, lambda: current_site(office), opening, signing)
    desk.refresh()
    standings = {each.event: each for each in desk.standings()}
    standing = standings[named_event(standings, event)]
    digest = standing.event
    if back:
        take_back(desk, digest)
        store.close()
        print_result("Taken back.", as_json=as_json, event=digest.hex(), handed_over=False)
        return
    target = file or Path(f"match-{digest.hex()[:16]}.age")
    if target.exists():
        raise NotConfirmed(f"There is a file {target} already: name another with --file.")
    to, recipient = _shown(desk, standing, to, recipient, yes=yes, as_json=as_json)
    pack = partial(pack_match, desk, office.books)
    deliver = partial(write_whole, target, mode=PRIVATE)
    try:
        handed_over = export_match(desk, digest, recipient, to, pack, deliver)
    except Exception:
        target.unlink(missing_ok=True)  # The store did not take the record.
        raise
    store.close()
    print_result(
        f"Give {target} to {to}: it opens with their age key alone." if handed_over else ASKED,
        as_json=as_json,
        event=digest.hex(),
        to=to,
        recipient=recipient,
        handed_over=handed_over,
        file=str(target) if handed_over else None,
    )


def _shown(  # noqa: PLR0913  # Who signs, what, for whom, and how they are asked.
    desk: Desk,
    standing: Standing,
    to: str | None,
    recipient: str | None,
    *,
    yes: bool,
    as_json: bool,
) -> tuple[str, str]:
    """Show what is signed; return the recipient's name and key, given or asked for by another.

    Raises:
        Refused: nothing was named and nothing is asked for, or this person does not agree.
    """
    asked = standing.asked
    if (to is None) != (recipient is None):
        raise NotConfirmed("Name both the recipient, with --to, and the age key, with --recipient.")
    who = "You ask"
    if to is None or recipient is None:
        if asked is None or asked.reviewer == desk.identity:
            raise NotConfirmed(
                "No other person has asked for this: name the recipient with --to and --recipient."
            )
        to, recipient, who = asked.to, asked.recipient, f"{asked.name} ({asked.organisation}) asks"
    facts = {
        "event": standing.event.hex()[:16],
        "place": place_of(desk.site, standing.candidate)[0],
        "time": capture_time(standing.candidate),
        "recipient": to,
        "age key": recipient,
    }
    shown = screen.described(f"{who} to hand this match over.", [Item("hand-over", facts)])
    screen.agree(shown, "Sign this hand-over?", yes=yes, json=as_json)
    return to, recipient
