"""The file of a registration that has begun and not ended, on the laptop: read it, and list them.

It holds the messages so far, the laptop's nonce and its key of the hour, so that a laptop that was
switched off goes on where it was.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from formats.errors import FormatError
from formats.registration import Acceptance, read_acceptance, read_hello, transcript_of
from formats.signed_members import SIGNED_LIMIT
from formats.strict_json import Fields, parse
from provisioning.errors import CameraRefused
from provisioning.foreign_file import read_foreign
from provisioning.site.installers import FOLDER
from provisioning.site.registrations import Manifest

TRIES: Final = 3
"""Nonces that may be opened in vain; docs/decisions/0028 has the chances of a stranger."""
LOOKS: Final = 3
"""Times that a camera blinks for one nonce: a device in the middle must not wait for a fit."""
_STEPS: Final = ("ephemeral", "nonce", "hello", "request", "look", "acceptance", "lamp_record")
_FILE_LIMIT: Final = 8 * SIGNED_LIMIT


class OpenRegistration(NamedTuple):
    """What the file holds."""

    steps: dict[str, bytes]
    wrong: int = 0
    """Nonces that were opened in vain."""
    looks: int = 0
    """How often the camera was asked to blink for this nonce."""


def open_folder(manifest: Manifest) -> Path:
    """Return the folder of the open registrations."""
    return manifest.site.folder / FOLDER / "open"


def read_open(manifest: Manifest, name: str) -> OpenRegistration:
    """Return an open registration; without its steps, if another installer began it.

    Raises:
        CameraRefused: the file is broken.
        FileNotFoundError: there is none.
    """
    folder, path = manifest.site.folder, open_folder(manifest) / name
    content = read_foreign(folder, str(path.relative_to(folder)), limit=_FILE_LIMIT)
    try:
        found = parse(content, _read_steps, limit=_FILE_LIMIT, what="open registration")
        kept = found.steps
        if kept and read_hello(kept["hello"]).installer != manifest.key.verify_key:
            found = found._replace(steps={}, looks=0)
    except (FormatError, KeyError) as error:
        raise CameraRefused(f"{path} is broken: remove it.") from error
    return found


def open_acceptances(manifest: Manifest) -> Iterator[Acceptance]:
    """Yield what cameras were promised that are not in the manifest yet.

    Raises:
        CameraRefused: a file is broken.
    """
    for path in sorted(open_folder(manifest).glob("*.json")):
        kept = read_open(manifest, path.name).steps
        if "acceptance" not in kept:
            continue
        try:
            transcript = transcript_of(kept["hello"], kept["request"], kept["nonce"])
            yield read_acceptance(kept["acceptance"], read_hello(kept["hello"]), transcript)
        except (FormatError, KeyError) as error:
            raise CameraRefused(f"{path} is broken: remove it.") from error


def _read_steps(fields: Fields) -> OpenRegistration:
    steps = {
        name: fields.base64_bytes(name, at_most=SIGNED_LIMIT) for name in _STEPS if fields.has(name)
    }
    looks = fields.integer("looks", high=LOOKS) if fields.has("looks") else 0
    return OpenRegistration(steps, fields.integer("wrong", high=TRIES), looks)
