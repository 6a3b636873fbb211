"""The report as one self-contained HTML page, rendered from figures and plots."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from estate.budget.false_alarms import FALSE_ALARM, MISSED, RATIO
from estate.report import plots
from estate.report.figures import Figures
from estate.report.intervals import Share

TEMPLATE: Final = "report.html"
FEW: Final = 5
"""Least number of delays for their histogram."""


def render_page(figures: Figures) -> str:
    """Return the whole page as HTML."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
    )
    environment.filters |= {"share": share, "minutes": minutes, "hours": hours, "day": day}
    drawings = {
        "outcomes": Markup(plots.plot_outcomes(figures)),  # noqa: S704 - our own drawing.
        "hours": Markup(plots.plot_hours(figures)),  # noqa: S704
        "delays": Markup(plots.plot_delays(figures)) if len(figures.delays_s) >= FEW else "",  # noqa: S704
    }
    bounds = {"false_alarm": FALSE_ALARM, "missed": MISSED, "ratio": RATIO}
    return environment.get_template(TEMPLATE).render(f=figures, plots=drawings, test=bounds)


def share(value: Share | None) -> str:
    """Return a share in words, with its 95 % interval."""
    if value is None or value.low is None or value.high is None:
        return "nothing was counted"
    low, high = f"{100 * value.low:.3g}", f"{100 * value.high:.3g}"
    return f"{value.count:,} of {value.of:,}; 95 % interval {low} to {high} %"


def hours(value: float) -> str:
    """Return hours in words; in minutes or seconds if it was less than one hour."""
    if value >= 1 or not value:
        return f"{value:,.1f} h"
    return f"{value * 60:,.1f} min" if value * 60 >= 1 else f"{value * 3600:,.1f} s"


def day(utc_ms: int) -> str:
    """Return the day and minute of a record, UTC."""
    return f"{datetime.fromtimestamp(utc_ms / 1000, UTC):%Y-%m-%d %H:%M}"


def minutes(seconds: float | None) -> str:
    """Return a time in minutes; in seconds if it was less than one minute."""
    if seconds is None:
        return "-"
    return f"{seconds / 60:,.1f} min" if seconds >= 60 else f"{seconds:,.0f} s"  # noqa: PLR2004
