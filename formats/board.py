"""What a camera says of its board when it is registered: serial, MAC, image, how its key is kept.

The board's key opens the data partition. `BoardKey` says how well that key is kept; `host` and
`none` are for training and tests, and no real camera is registered with them. Nothing here proves
these facts: the camera states them, and its keys sign the statement.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from formats.strict_json import Fields, JsonValue

MAC_BYTES: Final = 6
DIGEST_BYTES: Final = 32
_WORD_LIMIT: Final = 64


class BoardKey(StrEnum):
    """How the key of the data partition is kept."""

    SIGNED_BOOT = "otp+signed-boot"
    """In the processor, which starts signed software only."""
    OTP = "otp"
    """In the processor, which starts any software."""
    TPM = "tpm"
    HOST = "host"
    """A file of the machine on which a virtual camera runs."""
    NONE = "none"
    """The data partition is not encrypted."""


NOT_REAL: Final = frozenset({BoardKey.HOST, BoardKey.NONE})
"""A real camera is not registered with these."""


@dataclass(frozen=True, slots=True)
class Board:
    """The facts of one board and its image."""

    serial: str
    """As the board reports it, and as it is printed on it."""
    mac: bytes
    """(6,) of the link to the laptop."""
    kind: str
    """Such as `pi4`, `pi5`, `virtual`."""
    key: BoardKey
    image: str
    """Version of the image."""
    image_digest: bytes
    """(32,) root hash of the system partition that runs; zeros without one."""
    nets_digest: bytes
    """(32,) SHA-256 of the nets' manifest; zeros without nets."""
    boot_loader_utc_s: int
    """Build date of the boot loader, seconds since 1970; 0 if it is not known."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return the fields that `read_board` reads."""
        return {
            "board": self.kind,
            "board_key": str(self.key),
            "boot_loader_utc_s": self.boot_loader_utc_s,
            "image": self.image,
            "image_digest": self.image_digest.hex(),
            "mac": self.mac.hex(),
            "nets_digest": self.nets_digest.hex(),
            "serial": self.serial,
        }


def read_board(fields: Fields) -> Board:
    """Read a board in eight fields of a larger object.

    Raises:
        Malformed: a field is missing or out of bounds.
    """
    return Board(
        serial=fields.text("serial", at_most=_WORD_LIMIT),
        mac=fields.hex_bytes("mac", MAC_BYTES),
        kind=fields.text("board", at_most=_WORD_LIMIT),
        key=fields.choice("board_key", BoardKey),
        image=fields.text("image", at_most=_WORD_LIMIT),
        image_digest=fields.hex_bytes("image_digest", DIGEST_BYTES),
        nets_digest=fields.hex_bytes("nets_digest", DIGEST_BYTES),
        boot_loader_utc_s=fields.integer("boot_loader_utc_s"),
    )
