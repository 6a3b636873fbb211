"""Read TUF metadata from a site's folder, also from one on a stick: plain file, bounded, one type.

A file is believed to be metadata of the type that its place demands, and nothing more: signatures
and thresholds are checked by the caller.
"""

from pathlib import Path
from typing import TypeVar

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import (  # type: ignore[attr-defined]  # It re-exports without saying so.
    Metadata,
    Root,
    Targets,
)

from formats.site_tuf import CONFIG
from provisioning.errors import SiteRefused
from provisioning.foreign_file import read_foreign

AnyRole = TypeVar("AnyRole", Root, Targets)


def read_metadata(folder: Path, name: str, kind: type[AnyRole]) -> Metadata[AnyRole]:
    """Return the metadata in the file `name` below `folder`.

    Raises:
        SiteRefused: it is not metadata of this kind.
        FileRefused: it is no plain file, or too large.
        FileNotFoundError: there is none.
    """
    content = read_foreign(folder, name, limit=CONFIG.targets_max_length)
    try:
        metadata = Metadata[AnyRole].from_bytes(content)
    except RepositoryError as error:
        raise SiteRefused(f"{folder / name} is broken: put the right file back.") from error
    if not isinstance(metadata.signed, kind):
        raise SiteRefused(f"{folder / name} is metadata of another role: put the right file back.")
    return metadata
