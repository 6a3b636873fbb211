"""Give a memory stick what holders and organisations need to read and sign: no key, no entry.

The stick gets roots, drafts, policy, recipients, the list that waits, and the last published list
with its policy and recipients, so that a signer sees what changes. It gets no private key, no
entry, no picture and nothing of the broker. A stick with signatures that this site does not have
yet is refused: they would be lost.
"""

from datetime import datetime
from pathlib import Path
from typing import Final

from formats.whole_file import READABLE
from provisioning.disk import write_atomically
from provisioning.errors import StickRefused
from provisioning.foreign_file import refuse_links
from provisioning.site.folder import Site
from provisioning.stick.part import Result
from provisioning.stick.take import find_parts, site_folder

_PATTERNS: Final = (
    "policy.json",
    "recipients/*",
    "roots/*.root.json",
    "rotation.json",
    "signed/targets/*.json",
    "signed/list/*",
    "published/metadata/*.targets.json",
    "published/targets/*.policy.json",
    "published/targets/*.recipients.json",
    "estate/*.json",
    "registrations/*.jsonl",
    "wiped/*.json",
    "root.json",  # Last: a folder without it is no site's.
)
_FOLDERS: Final = (
    *(
        "",
        "recipients",
        "roots",
        "signed",
        "signed/targets",
        "signed/list",
        "history",
        "estate",
        "registrations",
        "wiped",
    ),
    *("published", "published/metadata", "published/targets"),
)
_OWN: Final = ("keys", "entries", "broker")
"""Folders of a whole site that a stick never has."""


def give_stick(site: Site, stick: Path, now: datetime) -> Path:
    """Write what signers need into the site's folder on a stick; return that folder.

    Raises:
        StickRefused: the folder is a whole site, is of another site, or holds signatures that this
            site does not have.
        FileRefused: a folder on the stick is a link.
    """
    to = stick / site.policy.site
    for name in _OWN:
        if (to / name).exists():
            raise StickRefused(f"{to} is a whole site, with {name}/: name a memory stick.")
    refuse_links(to, _FOLDERS)
    if (to / "root.json").exists():
        _refuse_unseen(site, to, now)
    given = _files(site.folder)
    for path in set(_files(to)) - set(given):
        (to / path).unlink()
    for path in given:
        (to / path).parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        write_atomically(to / path, (site.folder / path).read_bytes(), mode=READABLE)
    return to


def _refuse_unseen(site: Site, to: Path, now: datetime) -> None:
    for part in find_parts(site, site_folder(site, to), now):
        if part.result is Result.NEW:
            raise StickRefused(
                f"The stick holds what this site does not have: tallylight take it first. "
                f"{part.sentence}"
            )


def _files(folder: Path) -> list[Path]:
    """Return every file of a site's folder that travels, relative to it, in order.

    Of the history only the last published list: a signer is shown what changes since then.
    """
    newest = max((path.stem for path in folder.glob("history/*[0-9].json")), default="")
    patterns = (f"history/{newest}*.json", *_PATTERNS)
    found = [path for pattern in patterns for path in sorted(folder.glob(pattern))]
    return [path.relative_to(folder) for path in found if not path.name.startswith(".")]
