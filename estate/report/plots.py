"""The report's plots as inline SVG, without files, fonts and addresses."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from io import StringIO
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from estate.report.figures import Day, Figures

OUTCOMES: Final = {
    "confirmed": ("confirmed", "#c2410c"),
    "not_a_match": ("not a match", "#2f855a"),
    "cannot_tell": ("cannot tell", "#b08900"),
}
INK: Final = "#7a7f87"
"""A grey with enough contrast on white and on black."""
WIDE_IN: Final = (7.2, 2.3)
SLOTS: Final = 14


def plot_outcomes(figures: Figures) -> str:
    """Return the plot of decisions per day, by outcome."""

    def draw(axes: Axes) -> None:
        names, days = _days(figures)
        below = [0] * len(days)
        for outcome, (label, colour) in OUTCOMES.items():
            counts = [int(getattr(day, outcome)) for day in days]
            axes.bar(names, counts, bottom=below, color=colour, label=label, width=0.8)
            below = [low + count for low, count in zip(below, counts, strict=True)]
        axes.legend(frameon=False, labelcolor=INK, ncols=3, loc="upper left")
        axes.set_ylim(0, max([*below, 1]) * 1.35)
        _limit_width(axes, len(days))
        axes.set_ylabel("decisions")

    return _svg(draw)


def plot_hours(figures: Figures) -> str:
    """Return the plot of hours per day with the lamp lit, and with recognition on."""

    def draw(axes: Axes) -> None:
        names, days = _days(figures)
        unit, scale = ("hours", 1) if max([day.lit_h for day in days]) >= 1 else ("minutes", 60)
        lit, armed = ([scale * getattr(day, h) for day in days] for h in ("lit_h", "armed_h"))
        axes.bar(names, lit, color="#f2b36b", label="lamp lit", width=0.8)
        axes.bar(names, armed, color="#c2410c", label="recognition on", width=0.4)
        axes.legend(frameon=False, labelcolor=INK, ncols=2, loc="upper left")
        axes.set_ylim(0, max([*lit, *armed]) * 1.35 or 1.0)
        axes.set_ylabel(unit)
        _limit_width(axes, len(days))

    return _svg(draw, whole=False)


def plot_delays(figures: Figures) -> str:
    """Return the histogram of times from arrival to decision."""

    def draw(axes: Axes) -> None:
        axes.hist([each / 60 for each in figures.delays_s], bins=20, color="#3b82c4")
        axes.set_xlabel("minutes from arrival to decision")
        axes.set_ylabel("decisions")

    return _svg(draw)


def _limit_width(axes: Axes, days: int) -> None:
    """Draw a few days as narrow as the days of a fortnight."""
    spare = max(0, SLOTS - days) / 2
    axes.set_xlim(-0.5 - spare, days - 0.5 + spare)


def _days(figures: Figures) -> tuple[list[str], list[Day]]:
    first, last = date.fromisoformat(figures.since), date.fromisoformat(figures.until)
    every = [first + timedelta(days=number) for number in range((last - first).days)]
    return (
        [f"{day:%d %b}" if len(every) <= 366 else day.isoformat() for day in every],  # noqa: PLR2004
        [figures.days.get(day.isoformat(), Day()) for day in every],
    )


def _svg(draw: Callable[[Axes], None], *, whole: bool = True) -> str:
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "tallylight", "font.size": 9}):
        figure = Figure(figsize=WIDE_IN, layout="constrained")
        axes = figure.subplots()
        draw(axes)
        axes.tick_params(colors=INK)
        axes.xaxis.label.set_color(INK)
        axes.yaxis.label.set_color(INK)
        axes.locator_params(axis="y", nbins=5, integer=whole)
        ticks = axes.get_xticks()
        if len(ticks) > 10:  # noqa: PLR2004 - more days than fit as words.
            axes.set_xticks(ticks[:: len(ticks) // 8 or 1])
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        for side in ("left", "bottom"):
            axes.spines[side].set_color(INK)
        written = StringIO()
        figure.savefig(written, format="svg", transparent=True, metadata={"Date": None})
    drawn = written.getvalue().partition("<svg")[2]
    return "<svg" + re.sub(r"<metadata>.*?</metadata>", "", drawn, flags=re.DOTALL)
