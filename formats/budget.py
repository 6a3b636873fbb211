"""The budget statement: for each camera whether its false-alarm budget is kept, open or broken.

It is a target of the role `estate-<site>` in the site's repository. The estate's ledger key alone
signs that role, which can stop a camera and do nothing else. The snapshot names its version, so a
published statement cannot be left out on the way. Table: docs/formats/budget.md.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from formats.envelope_header import ID_BYTES
from formats.policy import CAMERAS_LIMIT
from formats.strict_json import Fields, dumps, parse

BUDGET_LIMIT: Final = 64 * 1024
_SITE_LIMIT: Final = 32


class BudgetState(StrEnum):
    """The result of the sequential test for one camera."""

    WITHIN = "within"
    UNDECIDED = "undecided"
    BROKEN = "broken"
    """The camera may not recognise."""


class Unit(StrEnum):
    """What a camera counted: passers-by, or in an earlier version every look at each of them."""

    PASSERS_BY = "passers_by"
    LOOKS = "searched"


@dataclass(frozen=True, slots=True)
class CameraBudget:
    """One camera's account."""

    camera: bytes
    """(16,) `sender_id`."""
    state: BudgetState
    false_alarms: int
    """Candidates that two reviewers said were no match."""
    compared: int
    """Passers-by, or looks, that were compared with the list."""
    unit: Unit = Unit.PASSERS_BY


@dataclass(frozen=True, slots=True)
class BudgetStatement:
    """The estate's statement about all its cameras."""

    site: str
    issued_utc_s: int
    cameras: tuple[CameraBudget, ...]

    def stops(self, camera: bytes) -> bool:
        """Return whether the camera has broken its budget."""
        return any(
            each.camera == camera and each.state is BudgetState.BROKEN for each in self.cameras
        )


def write_statement(statement: BudgetStatement) -> bytes:
    """Return the one spelling of `statement`."""
    return dumps(
        {
            "cameras": [
                {
                    "camera": each.camera.hex(),
                    "false_alarms": each.false_alarms,
                    str(each.unit): each.compared,
                    "state": str(each.state),
                }
                for each in statement.cameras
            ],
            "issued_utc_s": statement.issued_utc_s,
            "kind": "budget",
            "site": statement.site,
        }
    )


def read_statement(data: bytes) -> BudgetStatement:
    """Return the statement in `data`; TUF has checked who signed it.

    Raises:
        Malformed, TooLarge: not a statement in its one spelling.
    """
    return parse(data, _read, limit=BUDGET_LIMIT, what="budget")


def _read(fields: Fields) -> BudgetStatement:
    fields.constant("kind", "budget")
    return BudgetStatement(
        site=fields.text("site", at_most=_SITE_LIMIT),
        issued_utc_s=fields.utc_s("issued_utc_s"),
        cameras=fields.objects("cameras", _read_camera, count=CAMERAS_LIMIT),
    )


def _read_camera(fields: Fields) -> CameraBudget:
    unit = Unit.PASSERS_BY if fields.has(Unit.PASSERS_BY) else Unit.LOOKS
    return CameraBudget(
        camera=fields.hex_bytes("camera", ID_BYTES),
        state=fields.choice("state", BudgetState),
        false_alarms=fields.integer("false_alarms"),
        compared=fields.integer(unit),
        unit=unit,
    )
