"""The estate's own keys, compared with those that the site's recipients name, before they are used.

A wrong key would make everything seem to work: only an outsider's verification, a camera that keeps
its events, or a reviewer who opens nothing would show it. The public half stands in the key file,
so it is compared before a passphrase is asked for. Where the site cannot be read, the command says
that nothing was compared.
"""

from collections.abc import Callable
from pathlib import Path

import typer
from nacl.public import PrivateKey
from nacl.signing import SigningKey

from estate.commands.options import current_site
from estate.config import Office
from estate.errors import BooksRefused, SiteRefused, VerdictRefused
from estate.passphrase import read_purpose, unlock, unlocking
from estate.signed_site import VerifiedSite
from formats.envelope import sender_id
from formats.keyfile import (
    KeyFile,
    KeyRefused,
    Purpose,
    read_key,
    unlock_opening,
    unlock_signing,
)
from formats.public_keys import signing_key


def own_ledger_key(office: Office) -> KeyFile:
    """Return the file of the estate's ledger key, if the site's recipients name this key.

    Raises:
        BooksRefused: the settings name none, or the site names another: outsiders could not verify
            what it signs.
        KeyRefused: the file is missing, broken, or for another purpose.
    """
    if not office.ledger_key:
        raise BooksRefused("This needs the estate's ledger key: set `ledger_key` in the settings.")
    path = Path(office.ledger_key)
    key = read_purpose(path, Purpose.LEDGER)
    site = _site_or_word("ledger key", lambda: current_site(office))
    if site is not None and key.public != bytes(site.recipients.ledger_key):
        raise BooksRefused(
            f"The ledger key {path} is not the one that the site's recipients name: use that one, "
            "or have this one named with tallylight recipients, signed and published."
        )
    return key


def is_ledger_key_named(office: Office, site: VerifiedSite) -> bool | None:
    """Return whether the office's ledger key is the one that the site names; None if it has none.

    A file that is missing or broken is not the one that the site names.
    """
    if not office.ledger_key:
        return None
    try:
        key = read_purpose(Path(office.ledger_key), Purpose.LEDGER)
    except KeyRefused:
        return False
    return key.public == bytes(site.recipients.ledger_key)


def unlock_ledger_key(office: Office, passphrase_file: Path | None) -> SigningKey:
    """Return the estate's ledger key, if it is the one that the site's recipients name.

    Raises:
        BooksRefused: see `own_ledger_key`.
        KeyRefused: it cannot be unlocked.
    """
    return unlock(own_ledger_key(office), passphrase_file)


def own_receipt_key(path: Path, read_site: Callable[[], VerifiedSite] | None) -> KeyFile:
    """Return the file of the receipt key, if the site's recipients name this key.

    Cameras delete an event only on a receipt of that key.

    Raises:
        BooksRefused: the site names another.
        KeyRefused: the file is missing, broken, or for another purpose.
    """
    key = read_purpose(path, Purpose.RECEIPT)
    site = _site_or_word("receipt key", read_site) if read_site is not None else None
    if site is not None and key.public != bytes(site.recipients.receipt_key):
        raise BooksRefused(
            "The receipt key in the settings is not the one that the site's recipients name: "
            "cameras would keep every event. Use that one, or have this one named and published."
        )
    return key


def unlock_reviewer_keys(
    path: Path, site: VerifiedSite, passphrase: str | Path | None
) -> tuple[PrivateKey, SigningKey]:
    """Return a reviewer's opening key and verdict key, if the site names both for one person.

    Args:
        path: the file of the opening key; that of the verdict key lies beside it.
        site: what the keys are compared with.
        passphrase: of both keys, or the file with it; None to ask.

    Raises:
        VerdictRefused: the site names other keys, or none.
        KeyRefused: a file is missing, broken, or for another purpose, or the passphrase is wrong.
    """
    locked = read_purpose(path, Purpose.REVIEWER)
    verdict = own_verdict_key(path.with_suffix(".verdict.key"), site)
    mine = site.reviewers[sender_id(signing_key(verdict.public))]
    if bytes(mine.key) != locked.public:
        raise VerdictRefused(
            f"The site's recipients name another opening key for {mine.name} than {path}: use that "
            "one, or have this one added with tallylight recipients add, signed and published."
        )
    if not isinstance(passphrase, str):
        _, passphrase = unlocking(path, Purpose.REVIEWER, passphrase)
    return unlock_opening(locked, passphrase), unlock_signing(verdict, passphrase)


def own_verdict_key(path: Path, site: VerifiedSite) -> KeyFile:
    """Return the file of a reviewer's verdict key, if the site's recipients name this key.

    Raises:
        VerdictRefused: the site does not name it.
        KeyRefused: the file is missing, broken, or for another purpose.
    """
    key = read_purpose(path, Purpose.VERDICT)
    if sender_id(signing_key(key.public)) not in site.reviewers:
        raise VerdictRefused(
            f"The site's recipients do not name this reviewer with the verdict key {path}: have it "
            "added with tallylight recipients add, signed and published."
        )
    return key


def beside(path: Path) -> Path:
    """Return the file of the verdict key that lies beside a reviewer's key, or is named itself.

    Raises:
        KeyRefused: there is no key in the file.
    """
    reviewers = read_key(path).purpose is Purpose.REVIEWER
    return path.with_suffix(".verdict.key") if reviewers else path


def own_opening_key(path: Path, read_site: Callable[[], VerifiedSite] | None) -> KeyFile:
    """Return the file of a reviewer's opening key; say so if the site does not name this key now.

    It may still open the events that were sealed to it before.

    Raises:
        KeyRefused: the file is missing, broken, or for another purpose.
    """
    key = read_purpose(path, Purpose.REVIEWER)
    site = _site_or_word("reviewer's key", read_site) if read_site is not None else None
    if site is not None and key.public not in {bytes(each.key) for each in site.reviewers.values()}:
        typer.echo(
            f"The site's recipients do not name the key {path}: no new event is sealed to it.",
            err=True,
        )
    return key


def _site_or_word(what: str, read_site: Callable[[], VerifiedSite]) -> VerifiedSite | None:
    """Return the site; None, after a word to the person, if it cannot be read now."""
    try:
        return read_site()
    except (SiteRefused, OSError) as error:
        typer.echo(f"The {what} is not compared with the site's: {error}", err=True)
        return None
