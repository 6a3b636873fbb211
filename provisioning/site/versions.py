"""Rollback at the desk: the highest version of policy, list and snapshot that were ever here.

The folders `signed/` and `published/` can be replaced by older ones, from a memory stick or a
backup. `versions.json` lies beside them and only grows. So an older policy or list is refused
before it is published, and no snapshot is published twice under one version. The file proves
nothing to others: cameras keep floors of their own.
"""

from enum import StrEnum

from formats.errors import FormatError
from formats.strict_json import Fields, dumps, parse
from provisioning.disk import write_atomically
from provisioning.errors import SiteRefused
from provisioning.foreign_file import read_foreign
from provisioning.site.folder import Site

_FILE = "versions.json"
_LIMIT = 1024


class Versioned(StrEnum):
    """What only grows."""

    POLICY = "policy"
    LIST = "list"
    SNAPSHOT = "snapshot"
    """Also of the timestamp: both are made anew, with one version, by each publication."""


def highest_version(site: Site, of: Versioned) -> int:
    """Return the highest version that was noted; 0 if none was.

    Raises:
        SiteRefused: the file is broken.
    """
    return _versions(site)[of]


def note_version(site: Site, of: Versioned, version: int) -> None:
    """Note a version that was built, signed or taken in; a lower one changes nothing."""
    versions = _versions(site)
    if version > versions[of]:
        versions[of] = version
        content = dumps({str(name): number for name, number in versions.items()})
        write_atomically(site.folder / _FILE, content)


def _versions(site: Site) -> dict[Versioned, int]:
    try:
        content = read_foreign(site.folder, _FILE, limit=_LIMIT)
        return parse(content, _read, limit=_LIMIT, what="versions")
    except FileNotFoundError:  # A site of a version that did not note them, or a new one.
        return dict.fromkeys(Versioned, 0)
    except FormatError as error:
        path = site.folder / _FILE
        raise SiteRefused(
            f"{path} is broken: take it from a copy of the folder, or remove it."
        ) from error


def _read(fields: Fields) -> dict[Versioned, int]:
    return {each: fields.integer(str(each)) for each in Versioned}
