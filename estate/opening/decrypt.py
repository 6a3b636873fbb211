"""Decryption of stored events and statuses with one reviewer's key, and their plain values.

The camera's signature is verified before an envelope is opened. This runs on the reviewer's own
machine.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from nacl.public import PrivateKey

from formats.camera_request import CameraIdentity
from formats.envelope import Sealed, verify
from formats.errors import Malformed
from formats.event import MatchEvent
from formats.message import open_message
from formats.status import Status
from formats.whole_file import PRIVATE, write_whole


def open_envelope(
    sealed: Sealed, cameras: Mapping[bytes, CameraIdentity], key: PrivateKey
) -> MatchEvent | Status:
    """Verify an envelope, open it, and return the event or the status in it.

    Raises:
        Malformed: no camera of this site sent it, or its content is not a valid message.
        Forged: its camera did not sign it.
        NotForThisKey: it was sealed to others.
    """
    camera = cameras.get(sealed.header.sender)
    if camera is None:
        raise Malformed("It comes from no camera of this site.")
    return open_message(verify(sealed, camera.sign_key), key)


def save_crop(event: MatchEvent, digest: bytes, folder: Path) -> Path | None:
    """Write the event's crop with mode 0600; return its path, or None if the event has none."""
    if event.crop_jpeg is None:
        return None
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{event.sequence}-{digest.hex()[:16]}.jpg"
    write_whole(path, event.crop_jpeg, mode=PRIVATE)
    return path


def status_json(status: Status) -> dict[str, object]:
    """Return a camera's status as plain values: bytes in hex."""
    fields = {
        name: value.hex() if isinstance(value, bytes) else value
        for name, value in asdict(status).items()
    }
    return {"kind": "status", **fields}


def event_json(event: MatchEvent, crop: Path | None) -> dict[str, object]:
    """Return the event as plain values for other programs: bytes in hex, the crop as a path."""
    fields = {
        name: value.hex() if isinstance(value, bytes) else value
        for name, value in asdict(event).items()
        if name != "crop_jpeg"
    }
    return {"kind": "candidate", **fields, "crop": str(crop) if crop else None}
