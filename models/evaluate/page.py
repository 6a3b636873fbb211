"""Report page of an evaluation: one HTML file with the curves as SVG and the figures as tables.

The drawings use the text colour of the page, so they can be read in light and in dark mode.
"""

import io
from html import escape
from typing import Any, Final, TypeAlias

import matplotlib as mpl
from matplotlib.figure import Figure

from models.evaluate.groups import promise

Json: TypeAlias = dict[str, Any]

INK: Final = "#010203"
"""Placeholder for the page's text colour, until the drawing is in the page."""

COLOURS: Final = ("#1b7fb5", "#d9730d", "#3a9d5d", "#a259c4", "#c0392b", "#8a8a00")

STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; }
th, td { border-bottom: 1px solid color-mix(in srgb, currentColor 25%, transparent);
         padding: .25rem .75rem; text-align: right; }
th:first-child, td:first-child { text-align: left; }
svg { max-width: 100%; height: auto; }
small { opacity: .75; }
"""


def page(evaluation: Json) -> str:
    """Return the whole page."""
    about = evaluation["about"]
    sections = [
        (
            f"<p>{escape(about['set'])}: {about['faces']} faces of {about['people']} people, found "
            f"in {about['pictures']} pictures. {escape(about['runtime'])}. Every person weighs the "
            "same; intervals are 95 %, bootstrap over people.</p>"
        ),
        "<h2>One picture against one</h2>",
        _drawn(_det(evaluation)),
        _table(_verification(evaluation)),
        "<h2>Searching a list</h2>",
        (
            "<p>FNIR at FPIR 1e-3: the share of searches for listed people without a match, when "
            "one unlisted person in a thousand is taken for a person on a list of N.</p>"
        ),
        _table(_identification(evaluation)),
        "<h2>As a camera searches: thresholds by the calibration</h2>",
        _table(_calibrated(evaluation)),
        "<h2>Worse pictures</h2>",
        _drawn(_losses(evaluation)),
        _table(evaluation["worse"]),
        "<h2>Running</h2>",
        _table(evaluation["running"]["latency"]),
        _table([evaluation["running"]["drift"]]),
        "<h2>Finding faces</h2>",
        _table(evaluation["detection"].get("recall", [])),
        "<h2>Groups</h2>",
        _table(_groups(evaluation)),
        "<h2>Passages</h2>",
        _table(_passages(evaluation)),
        "<h2>Skipped</h2>",
        f"<p>{escape('; '.join(evaluation['skipped']) or 'Nothing.')}</p>",
    ]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Evaluation of the nets</title><style>{STYLE}</style>"
        f"<h1>Evaluation of the nets</h1>{''.join(sections)}</html>\n"
    )


def _det(evaluation: Json) -> Figure:
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.add_subplot()
    for colour, one in zip(COLOURS, evaluation["recognisers"], strict=False):
        curve = one["curve"]
        axes.loglog(curve["fmr"], curve["fnmr"], color=colour, label=one["name"])
    axes.set_xlabel("FMR: strangers taken for one another")
    axes.set_ylabel("FNMR: the same person missed")
    axes.grid(visible=True, which="both", alpha=0.2)
    axes.legend(frameon=False)
    return figure


def _losses(evaluation: Json) -> Figure:
    rows = evaluation["worse"]
    kinds = sorted({row["kind"] for row in rows} - {"none"})
    figure = Figure(figsize=(10, 3.2), layout="constrained")
    for place, kind in enumerate(kinds, 1):
        axes = figure.add_subplot(1, len(kinds), place)
        some = sorted((row for row in rows if row["kind"] == kind), key=lambda row: row["value"])
        values = [row["value"] for row in some]
        axes.plot(values, [row["fnmr"] for row in some], color=COLOURS[0], label="missed (FNMR)")
        axes.plot(values, [row["refused"] for row in some], color=COLOURS[1], label="refused")
        axes.set(title=f"{kind} ({some[0]['unit']})", ylim=(0, 1))
        axes.grid(visible=True, alpha=0.2)
        if place == 1:
            axes.legend(frameon=False)
    return figure


def _drawn(figure: Figure) -> str:
    """Return the drawing as SVG in the page's text colour."""
    inked = dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor"), INK)
    inked |= dict.fromkeys(("xtick.color", "ytick.color", "axes.titlecolor"), INK)
    file = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "tallylight"}):
        for axes in figure.axes:
            axes.set_facecolor("none")
            axes.tick_params(colors=INK, which="both")
            for spine in axes.spines.values():
                spine.set_color(INK)
            written = [axes.title, axes.xaxis.label, axes.yaxis.label]
            legend = axes.get_legend()
            for text in [*written, *(legend.get_texts() if legend else [])]:
                text.set_color(INK)
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    svg = file.getvalue()
    return svg[svg.index("<svg") :].replace(INK, "currentColor")


def _verification(evaluation: Json) -> list[Json]:
    return [
        {"recogniser": one["name"]}
        | {
            f"FNMR at FMR {row['fmr']:.0e}": f"{_percent(row['fnmr'])} at {row['threshold']:.4f}"
            for row in one["verification"]
        }
        for one in evaluation["recognisers"]
    ]


def _identification(evaluation: Json) -> list[Json]:
    return [
        {"recogniser": one["name"], "probe": probe}
        | {f"N = {row['n']}": _searched(row) for row in one[key]}
        for one in evaluation["recognisers"]
        for probe, key in (("one picture", "identification"), ("three fused", "tracks"))
    ]


def _searched(row: Json) -> str:
    if not row["enough"]:
        return "insufficient"
    low, high = row["fnmr_interval"]
    return (
        f"{_percent(row['fnmr'])} ({_percent(low)} to {_percent(high)}) at {row['threshold']:.4f}"
    )


def _calibrated(evaluation: Json) -> list[Json]:
    return [
        {"N": row["n"], "refused": row["refused"]}
        if "refused" in row
        else {
            "N": row["n"],
            "threshold": f"{row['threshold']:.3f}",
            "FNIR": _percent(row["fnmr"]),
            "FPIR": _percent(row["fpir"]),
            "FPIR promised": _percent(row["fpir_promised"]),
        }
        for row in evaluation["calibrated"]
    ]


def _groups(evaluation: Json) -> list[Json]:
    return [
        {"group": f"{one['people']} {one['group']} of {one['set']}", "search": promise(row)}
        for one in evaluation["groups"]["measured"]
        for row in one["searches"]
    ]


def _passages(evaluation: Json) -> list[Json]:
    return [
        {"probe": one["probe"], "people": one["people"]}
        | {
            f"FNIR, N = {row['n']} at {row['budget']:.1%}": "refused"
            if "refused" in row
            else _percent(row["fnir"][0])
            for row in one["missed"]
        }
        for one in evaluation["passages"]
    ]


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _table(rows: list[Json]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(row.get(name, '')))}</td>" for name in names) + "</tr>"
        for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"
