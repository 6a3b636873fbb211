"""`tallylight-camera doctor`: check each part, print counts, say whether the camera is armed.

The last line is *Armed*, or the first thing to do. With `--json` the same is one object for
`tallylight check`. It changes nothing: it opens neither camera nor accelerator, asks for no light,
and only reads the ledgers. Run it as root on the camera.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from firmware.config import Config
from firmware.doctor.parts import parts
from firmware.doctor.verdict import armed
from firmware.errors import FirmwareError
from firmware.record.newest import newest_record, when_written
from formats import VERSION
from formats.errors import Refused
from formats.ledger import Happening, Record
from formats.strict_json import UNPRINTABLE, JsonValue, dumps

STAGES: Final = (
    ("frames", "frames looked at"),
    ("early", "frames exposed before the light, not looked at"),
    ("grey", "frames without colour, not looked at"),
    ("still", "frames in which nothing had moved, not searched again"),
    ("faces", "faces found"),
    ("refused_small", "too small"),
    ("refused_blurred", "too blurred"),
    ("refused_turned", "turned away"),
    ("refused_dark", "too dark"),
    ("refused_bright", "too bright"),
    ("put_off", "looks that were due, and for which there was no time"),
    ("searched", "comparisons with the list"),
    ("passers_by", "passers-by who were compared"),
    ("candidates", "above the threshold"),
    (
        "suppressed",
        "passers-by whose entry had an event just before, or during a storm",
    ),
    ("events", "events sealed"),
)
"""Every stage of a period, in the order of the flow."""
FOR_PEOPLE: Final = frozenset({"still", "put_off"})
"""Stages that `--json` leaves out: a commissioning page has a closed set of counts
(docs/formats/commissioning.md)."""
WORDS_LIMIT: Final = 600
"""Most characters of what is said of a part; the longest sentence here has about 250."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one part."""

    part: str
    there: bool
    words: str


@dataclass(frozen=True, slots=True)
class Examination:
    """What the doctor found."""

    findings: tuple[Finding, ...]
    period: Record | None
    """The last period of looking that has ended."""
    fault: Record | None
    """The last fault of `watch`."""
    armed: bool
    verdict: str
    """One or two sentences: armed, or the first thing to do."""


def examine(config: Config, *, json: bool = False) -> None:
    """Print one line for each part, the stages of the last period, and whether it is armed.

    Args:
        config: the camera's settings.
        json: print one object for machines instead.

    Raises:
        FirmwareError: the camera is not armed; the error says the first thing to do.
    """
    found = _examination(config)
    for line in [_as_json(found)] if json else _lines(found):
        print(line)  # noqa: T201  # What users read.
    if not found.armed:
        raise FirmwareError(found.verdict)


def _examination(config: Config) -> Examination:
    findings = []
    for part, check in parts(config).items():
        try:
            findings.append(Finding(part, there=True, words=_one_line(check())))
        except (Refused, OSError) as error:
            findings.append(Finding(part, there=False, words=_one_line(str(error))))
    period = fault = None
    with suppress(Refused, OSError):  # The line of the list has named it.
        period = newest_record(config.state.watch, Happening.PERIOD_END)
        fault = newest_record(config.state.watch, Happening.FAULT)
    missing = [each for each in findings if not each.there]
    is_armed, verdict = False, ""
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        verdict = (
            f"Not armed: {len(missing)} of {len(findings)} parts {verb} missing. First: "
            f"{missing[0].part}: {missing[0].words}"
        )
    else:
        try:
            is_armed, verdict = True, armed(config)
        except (Refused, OSError) as error:  # Also of a ledger whose records lack a member.
            is_armed, verdict = False, str(error)
    return Examination(tuple(findings), period, fault, is_armed, _one_line(verdict))


def _as_json(found: Examination) -> str:
    period: JsonValue = None
    if found.period is not None:
        counts = _counts(found.period)
        period = {key: count for key, count in counts.items() if key not in FOR_PEOPLE}
    report: dict[str, JsonValue] = {
        "version": VERSION,
        "armed": found.armed,
        "verdict": found.verdict,
        "parts": [
            {"name": each.part, "there": each.there, "words": each.words} for each in found.findings
        ],
        "period": period,
    }
    return dumps(report).decode()


def _one_line(words: str) -> str:
    """Return a sentence without line breaks and control characters, as strict JSON wants it.

    A program that was taken over writes what it likes into its ledger and its certificate.
    """
    return " ".join(UNPRINTABLE.sub(" ", words).split())[:WORDS_LIMIT] or "no reason was given"


def _counts(period: Record) -> Mapping[str, int]:
    """Return the counts of a period by stage; 0 for what is no count."""
    said = {key: period.body.get(key, 0) for key, _ in STAGES}
    return {
        key: count if isinstance(count, int) and count >= 0 else 0 for key, count in said.items()
    }


def _lines(found: Examination) -> Iterator[str]:
    for each in found.findings:
        yield f"{'ok     ' if each.there else 'MISSING'}  {each.part:12} {each.words}"
    if found.period is not None:
        yield f"\nThe last period of looking, which ended {when_written(found.period)}:"
        counts = _counts(found.period)
        for key, words in STAGES:
            yield f"  {counts[key]:>9}  {words}"
        yield "  The period that runs now: systemctl status tallylight-watch"
    if found.fault is not None:
        code = _one_line(str(found.fault.body.get("code", "")))
        yield f"\nThe last fault of watch, {when_written(found.fault)}: {code}"
    if found.armed:
        yield f"\n{found.verdict}"
