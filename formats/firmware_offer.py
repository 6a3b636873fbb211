"""A firmware offer in the policy: version, board and digest of a signed update bundle.

The policy's holders offer a version to all cameras of a board. A bundle is of a board and a
version; its SHA-256 is what the holders were shown and signed. Versions are whole numbers with dots
between them and are compared number by number, so that 0.10 comes after 0.9.
"""

import re
from dataclasses import dataclass
from typing import Final

from formats.errors import Malformed
from formats.strict_json import Fields, JsonValue

BUNDLE_LIMIT: Final = 1024 * 1024 * 1024
"""Most bytes of an update bundle: both partitions of a slot, 64 and 512 MiB, with room."""
OFFERS_LIMIT: Final = 8
"""Most offers of a policy: one for each kind of board."""
BOARD_LIMIT: Final = 32
"""Most characters of a board's name."""

_VERSION: Final = re.compile(r"(0|[1-9][0-9]{0,4})(\.(0|[1-9][0-9]{0,4})){1,3}")
_BOARD: Final = re.compile(r"[a-z0-9-]{1,32}")


@dataclass(frozen=True, slots=True, order=True)
class FirmwareVersion:
    """A version, which compares number by number."""

    numbers: tuple[int, ...]

    def __str__(self) -> str:
        """Return its one spelling."""
        return ".".join(str(number) for number in self.numbers)


@dataclass(frozen=True, slots=True)
class FirmwareOffer:
    """A bundle that the cameras of one board are to install."""

    board: str
    version: FirmwareVersion
    digest: bytes
    """(32,) SHA-256 of the bundle."""
    size: int
    """Bytes of the bundle."""

    def __post_init__(self) -> None:
        """Refuse a board that could not be one."""
        if not _BOARD.fullmatch(self.board):
            raise Malformed("A board's name is 1 to 32 lower-case letters, digits and hyphens.")


def read_version(text: str) -> FirmwareVersion:
    """Return the version in `text`, such as 0.3.0.

    Raises:
        Malformed: it is not two to four numbers with dots between them.
    """
    if not _VERSION.fullmatch(text):
        raise Malformed(f"{text[:40]!r} is no version: write two to four numbers, such as 0.3.0.")
    return FirmwareVersion(tuple(int(number) for number in text.split(".")))


def write_offer(offer: FirmwareOffer) -> JsonValue:
    """Return an offer as the policy holds it."""
    return {
        "board": offer.board,
        "digest": offer.digest.hex(),
        "size": offer.size,
        "version": str(offer.version),
    }


def read_offer(fields: Fields) -> FirmwareOffer:
    """Read one offer of a policy.

    Raises:
        Malformed: a member is missing, unknown, or out of bounds.
    """
    return FirmwareOffer(
        board=fields.text("board", at_most=BOARD_LIMIT),
        version=read_version(fields.text("version", at_most=24)),
        digest=fields.hex_bytes("digest", 32),
        size=fields.integer("size", low=1, high=BUNDLE_LIMIT),
    )
