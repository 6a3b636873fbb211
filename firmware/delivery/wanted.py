"""The wanted bundle: `update` asks the program `fetch` to download an update, by one file.

`update` has no network. It verifies the offer in the signed policy and writes it here, in a folder
that root alone writes, while the bundle is not on the card. `fetch` has the network. It reads the
digest and the size here, and brings these bytes or none.

This module verifies nothing and downloads nothing.
"""

from typing import Final

from firmware.config import State
from firmware.folder import Folder
from formats.firmware_offer import FirmwareOffer, read_offer, write_offer
from formats.strict_json import dumps, parse

_FILE: Final = "offer.json"
_LIMIT: Final = 1024
_READ_BY_ALL: Final = 0o644


def write_wanted(state: State, offer: FirmwareOffer) -> None:
    """Ask for the bundle of a verified offer; it is on the disk when this returns."""
    with Folder.made(state.wanted, 0o755) as folder:
        folder.replace(_FILE, dumps({"offer": write_offer(offer)}), mode=_READ_BY_ALL)


def drop_wanted(state: State) -> None:
    """Ask for no bundle any more."""
    with Folder.made(state.wanted, 0o755) as folder:
        folder.remove(_FILE)


def read_wanted(state: State) -> FirmwareOffer | None:
    """Return the offer whose bundle is to be downloaded; None if there is none.

    Raises:
        ForeignFile: the file is a link, a FIFO, or of another kind.
        Malformed, TooLarge: it is no offer.
    """
    try:
        with Folder(state.wanted) as folder:
            content = folder.read(_FILE, limit=_LIMIT)
    except FileNotFoundError:
        return None
    return parse(
        content,
        lambda fields: fields.object("offer", read_offer),
        limit=_LIMIT,
        what="wanted bundle",
    )


def bundle_name(offer: FirmwareOffer) -> str:
    """Return the name of a bundle's file, on a camera and on the machine that serves it."""
    return f"{offer.digest.hex()}.raucb"
