"""Read what `tallylight-camera doctor --json` prints: one object, bounded, checked field by field.

It comes from a camera over a cable, a pipe or a stick, and nothing signs it: it is a help for the
installer, and no evidence.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from formats.errors import FormatError
from formats.strict_json import Fields, parse
from provisioning.errors import CameraRefused

REPORT_LIMIT: Final = 64 * 1024
"""Most bytes of a report: a real one has about 4 kB."""
PARTS_LIMIT: Final = 64
WORDS_LIMIT: Final = 2000
"""Most characters of a sentence."""
NAME_LIMIT: Final = 32
STAGES: Final = (
    *("frames", "early", "grey", "faces", "refused_small", "refused_blurred", "refused_turned"),
    *("refused_dark", "refused_bright", "searched", "passers_by"),
    *("candidates", "suppressed", "events"),
)
"""The counts of a period of looking, as docs/formats/ledger.md names them."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the camera, as its doctor found it."""

    name: str
    there: bool
    words: str


@dataclass(frozen=True, slots=True)
class Report:
    """What the doctor found."""

    version: str
    armed: bool
    verdict: str
    parts: tuple[Part, ...]
    period: Mapping[str, int] | None
    """Counts of the last period of looking, by stage; None if there was none."""


def read_report(content: bytes) -> Report:
    """Return the report that a camera's doctor printed.

    Raises:
        CameraRefused: it is no such report.
    """
    try:
        return parse(content.strip(), _report, limit=REPORT_LIMIT, what="report")
    except FormatError as error:
        raise CameraRefused(
            f"This is no report of a camera ({error}): run tallylight-camera doctor --json there."
        ) from error


def _report(fields: Fields) -> Report:
    return Report(
        version=fields.text("version", at_most=NAME_LIMIT),
        armed=fields.boolean("armed"),
        verdict=fields.text("verdict", at_most=WORDS_LIMIT),
        parts=fields.objects("parts", _part, count=PARTS_LIMIT),
        period=None if fields.is_null("period") else fields.object("period", _period),
    )


def _part(fields: Fields) -> Part:
    return Part(
        fields.text("name", at_most=NAME_LIMIT),
        fields.boolean("there"),
        fields.text("words", at_most=WORDS_LIMIT),
    )


def _period(fields: Fields) -> dict[str, int]:
    return {name: fields.integer(name) for name in STAGES}
