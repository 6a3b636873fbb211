"""The archive of a match that is handed over (zip): page, pictures, signed verdicts, JSON.

The recipient decrypts it with age and opens it with a double click. The same match gives the same
bytes. Its SHA-256 stands in the ledger's record of the hand-over. No file is named after a person.
Table: docs/formats/hand-over.md. This module encrypts nothing and records nothing.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Final, Protocol
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from nacl.public import PrivateKey

from estate.accounts.match_page import Match, render_match
from estate.accounts.verifier_answer import verifier_answer
from estate.opening.portraits import find_portrait
from estate.signed_site import VerifiedSite, find_entry
from estate.store.ledger import ledger_records
from estate.verdicts.export import Agreed, Exporter
from formats.event import MatchEvent
from formats.recipients import Reviewer
from formats.strict_json import dumps
from formats.verdict import NO_PORTRAIT, Verdict, named_reviewer, portrait_digest, read_verdict

PAGE: Final = "match.html"
README: Final = """\
A confirmed match, handed over for one recipient.

Open {page} in any browser. It needs no network, and it prints on A4.

{files}

To check it
-----------
1. Keep the archive that you decrypted as it is. This prints its SHA-256:
       sha256sum match.zip
2. Ask the estate for its books, which it exports with
       tallylight-estate ledger export BOOKS
   Ask a person outside the estate for the checkpoints that they keep.
3. Verify the books. tallylight-verify is one Python file of the Tallylight
   project; it needs Python and PyNaCl.
       tallylight-verify BOOKS --kept FOLDER-OF-CHECKPOINTS
4. In BOOKS/estate.jsonl find the record "exported" of the event
       {event}
   Its "archive" is the SHA-256 of step 1, and "recipient" is your key.
5. The records "verdict" of the same event hold what the files verdict-1.json
   and verdict-2.json say, with the same signatures.
"""
ABOUT: Final = {
    "seen-by-the-camera": "the camera's picture, as it was in the event",
    "on-the-list": "the enrolment picture, as the authority sealed it",
    "verdict-1": "one reviewer's signed verdict",
    "verdict-2": "the other reviewer's signed verdict",
    "match": "the opened event and both verdicts, for programs",
    "verifier": "what tallylight-verify said of the estate's books",
    "README": "how to check all this",
}
"""What each file is, by its name without the ending."""
AS_SHOWN: Final = "On the list, as both reviewers saw it"
OF_ENTRY: Final = "On the list; the verdicts do not say which picture was shown"
NONE_SEALED: Final = "The authority sealed no enrolment picture to the reviewers."
NONE_SHOWN: Final = "The reviewers were shown no enrolment picture."
ANOTHER: Final = "The enrolment picture that the reviewers saw is not kept here any more."
BEGINNING: Final = (1980, 1, 1, 0, 0, 0)
"""The time of each file in the archive: the earliest that a zip can hold."""
UNIX: Final = 3
"""The system of the files' modes, the same on each system that makes an archive."""
PNG: Final = b"\x89PNG"


class Opener(Exporter, Protocol):
    """What an archive needs of a reviewer's desk."""

    @property
    def key(self) -> PrivateKey:
        """Opens the enrolment picture."""


def pack_match(desk: Opener, books: Path, agreed: Agreed) -> bytes:
    """Return the archive of a match that two people agreed to hand over.

    Args:
        desk: of the reviewer who signed second.
        books: the office's folder with checkpoints and portraits.
        agreed: who signed, for which recipient.

    Raises:
        Refused: the ledger or the store cannot be read.
        OSError: the disk is full.
    """
    event, candidate, site = agreed.first.event, agreed.candidate, desk.site
    at_ms = agreed.second.given_utc_ms
    answer = verifier_answer(desk.store, site, books, event, at_ms)
    with desk.store.reading() as connection:
        entry = find_entry(connection, candidate.list_digest, candidate.entry)
        records = ledger_records(connection)
    verdicts = [_verdict(site, each) for each in agreed.confirmed.signed]
    kept = find_portrait(books / "portraits", candidate.entry, site, desk.key)
    portrait, about_portrait = shown_portrait(candidate, kept, [each for _, each in verdicts])
    match = Match(
        agreed=agreed,
        candidate=candidate,
        site=site,
        entry=entry,
        verdicts=verdicts,
        records=[each for each in records if each.body.get("envelope") == event.hex()],
        ledger_size=len(records),
        seen=_picture("seen-by-the-camera", candidate.crop_jpeg),
        listed=_picture("on-the-list", portrait),
        about_portrait=about_portrait,
        answer=answer,
    )
    return write_archive(match)


def shown_portrait(
    candidate: MatchEvent, kept: bytes | None, verdicts: Sequence[Verdict]
) -> tuple[bytes | None, str]:
    """Return the enrolment picture that both verdicts rest on, or None; and what it is, in words.

    Args:
        candidate: the opened event.
        kept: the picture of its entry that this office has now.
        verdicts: the two that confirmed the event; their portraits agree.
    """
    named = {each.portrait for each in verdicts} - {None}
    if not named:  # Verdicts of an earlier version.
        return kept, OF_ENTRY if kept else NONE_SEALED
    if named == {NO_PORTRAIT}:
        return None, NONE_SHOWN if kept else NONE_SEALED
    if kept is not None and portrait_digest(candidate, kept) in named:
        return kept, AS_SHOWN
    return None, ANOTHER


def _verdict(site: VerifiedSite, signed: bytes) -> tuple[Reviewer, Verdict]:
    reviewer = site.reviewers[named_reviewer(signed)]
    return reviewer, read_verdict(signed, reviewer.verdict_key)


def write_archive(match: Match) -> bytes:
    """Return the archive with all its files."""
    payload = b64encode(match.candidate.to_payload()).decode()
    verdicts = match.agreed.confirmed.signed
    encoded = [b64encode(each).decode() for each in verdicts]
    content = dumps({"event": match.event.hex(), "payload": payload, "verdicts": encoded})
    files = {
        **({match.seen[0]: match.seen[1]} if match.seen else {}),
        **({match.listed[0]: match.listed[1]} if match.listed else {}),
        **{f"verdict-{number}.json": each for number, each in enumerate(verdicts, 1)},
        "match.json": content,
        "verifier.txt": match.answer.text.encode(),
    }
    about = {name: ABOUT[name.partition(".")[0]] for name in (*files, "README.txt")}
    listed = "\n".join(f"  {name:<24}{words}" for name, words in about.items())
    readme = README.format(page=PAGE, files=listed, event=match.event.hex())
    page = render_match(match, about)
    return _zip({PAGE: page.encode(), **files, "README.txt": readme.encode()})


def _picture(name: str, content: bytes | None) -> tuple[str, bytes] | None:
    if content is None:
        return None
    return f"{name}.{'png' if content.startswith(PNG) else 'jpg'}", content


def _zip(files: Mapping[str, bytes]) -> bytes:
    """Return an archive without compression, whose bytes depend on the files alone."""
    archive = BytesIO()
    with ZipFile(archive, "w", ZIP_STORED) as opened:
        for name, content in files.items():
            entry = ZipInfo(name, BEGINNING)
            entry.create_system = UNIX
            entry.external_attr = 0o600 << 16
            opened.writestr(entry, content)
    return archive.getvalue()
