"""Calibration table of the manifest: strict reading of false-match rates and the group factor.

A missing key, an unknown key or a value of another type is refused, and so are rates that do not
rise by score. Without the table `groups` no group was measured, and `recognition.calibration` holds
the nets to its factor for that case.
"""

from typing import Final

from recognition.calibration import Calibration, Groups, Rate
from recognition.errors import ModelRefused
from recognition.tables import Table

SAME_CENTI: Final = 100
"""The factor of a group whose people are taken for each other as often as all people."""


def read_calibration(table: Table) -> Calibration:
    """Return the calibration in a table.

    Raises:
        ModelRefused: a key is missing, unknown or wrong, or the rates do not rise by score.
    """
    calibration = Calibration(
        embedder_digest=table.digest("embedder_sha256"),
        runtime=table.text("runtime"),
        pictures=table.text("pictures"),
        pairs=table.value("pairs", int),
        command=table.text("command"),
        rates=_rates(table, "rates"),
        good=_rates(table, "good") if table.has("good") else (),
        fused=_rates(table, "fused") if table.has("fused") else (),
        groups=_groups(table.table("groups")) if table.has("groups") else None,
    )
    table.refuse_unknown()
    return calibration


def _groups(table: Table) -> Groups:
    groups = Groups(table.value("times_centi", int), table.text("worst"), table.text("measured"))
    table.refuse_unknown()
    if groups.times_centi < SAME_CENTI:
        raise ModelRefused(
            f"The worst group's factor, times_centi, must be {SAME_CENTI} or more: calibrate anew."
        )
    return groups


def _rates(table: Table, key: str) -> tuple[Rate, ...]:
    rates = tuple(_rate(one) for one in table.tables(key))
    scores = [rate.score_ppm for rate in rates]
    if not scores or scores != sorted(set(scores)):
        raise ModelRefused("The calibration must have one rate or more, by rising score.")
    return rates


def _rate(table: Table) -> Rate:
    rate = Rate(
        table.value("score_ppm", int), table.value("fmr_ppb", int), table.value("upper_ppb", int)
    )
    table.refuse_unknown()
    return rate
