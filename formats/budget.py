"""What the estate says of each camera's budget for being wrong: within, undecided, or broken.

It is a target of the role `estate-<site>` in the site's repository, which the estate's ledger key
alone signs: it can stop a camera and nothing else. The snapshot names its version, so once it was
published nobody on the way can leave it out. Table: docs/formats/budget.md.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from formats.envelope_header import ID_BYTES
from formats.policy import CAMERAS_LIMIT
from formats.strict_json import Fields, dumps, parse

BUDGET_LIMIT: Final = 64 * 1024
_SITE_LIMIT: Final = 32


class State(StrEnum):
    """What the sequential test says of one camera."""

    WITHIN = "within"
    UNDECIDED = "undecided"
    BROKEN = "broken"
    """It may not recognise."""


@dataclass(frozen=True, slots=True)
class CameraBudget:
    """One camera's account."""

    camera: bytes
    """(16,) `sender_id`."""
    state: State
    false_alarms: int
    """Candidates that two people said were no match."""
    searched: int
    """Faces that were compared with the list."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What the estate says of all its cameras."""

    site: str
    issued_utc_s: int
    cameras: tuple[CameraBudget, ...]

    def stops(self, camera: bytes) -> bool:
        """Whether the camera has broken its budget."""
        return any(each.camera == camera and each.state is State.BROKEN for each in self.cameras)


def write_statement(statement: Statement) -> bytes:
    """The one spelling of `statement`."""
    return dumps(
        {
            "cameras": [
                {
                    "camera": each.camera.hex(),
                    "false_alarms": each.false_alarms,
                    "searched": each.searched,
                    "state": str(each.state),
                }
                for each in statement.cameras
            ],
            "issued_utc_s": statement.issued_utc_s,
            "kind": "budget",
            "site": statement.site,
        }
    )


def read_statement(data: bytes) -> Statement:
    """The statement in `data`; TUF has checked who signed it.

    Raises:
        Malformed, TooLarge: not a statement in its one spelling.
    """
    return parse(data, _read, limit=BUDGET_LIMIT, what="budget")


def _read(fields: Fields) -> Statement:
    fields.constant("kind", "budget")
    return Statement(
        site=fields.text("site", at_most=_SITE_LIMIT),
        issued_utc_s=fields.utc_s("issued_utc_s"),
        cameras=fields.objects("cameras", _read_camera, count=CAMERAS_LIMIT),
    )


def _read_camera(fields: Fields) -> CameraBudget:
    return CameraBudget(
        camera=fields.hex_bytes("camera", ID_BYTES),
        state=fields.choice("state", State),
        false_alarms=fields.integer("false_alarms"),
        searched=fields.integer("searched"),
    )
