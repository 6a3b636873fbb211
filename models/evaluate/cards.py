"""Write the model cards from an evaluation: every figure in them comes from its JSON."""

import argparse
import json
from pathlib import Path
from string import Template
from typing import Any, Final, TypeAlias

Json: TypeAlias = dict[str, Any]

HERE: Final = Path(__file__).resolve().parent
CARDS: Final = ("embedder", "detector")
PROBES: Final = {"fair": "one picture", "fused": "three added up"}


def main() -> None:
    """Write both cards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("evaluation", type=Path, help="evaluation.json")
    parser.add_argument("out", type=Path, help="folder for embedder.md and detector.md")
    arguments = parser.parse_args()
    evaluation: Json = json.loads(arguments.evaluation.read_text("utf-8"))
    figures = _figures(evaluation)
    for name in CARDS:
        pattern = Template((HERE / f"{name}.md.in").read_text("utf-8"))
        (arguments.out / f"{name}.md").write_text(pattern.substitute(figures), "utf-8")


def _figures(evaluation: Json) -> dict[str, str]:
    """Return the text for each `$name` of the patterns."""
    about = evaluation["about"]
    return {
        **{name: str(about[name]) for name in ("set", "pictures", "faces", "people", "runtime")},
        "bytes": f"{about['embedder_bytes']:,}",
        "worse_people": str(evaluation["worse"][0]["pictures"]),
        "pairs": f"{evaluation['recognisers'][0]['verification'][0]['stranger_comparisons']:,}",
        "verification": _verification(evaluation),
        "searches": _searches(evaluation, "identification"),
        "fused_searches": _searches(evaluation, "tracks"),
        "calibrated": _calibrated(evaluation),
        "elsewhere": _elsewhere(evaluation),
        "worse": _worse(evaluation),
        "latency": _table(
            ["net", "least", "median"],
            [
                [row["net"], f"{row['least_ms']} ms", f"{row['median_ms']} ms"]
                for row in evaluation["running"]["latency"]
            ],
        ),
        "drift": _drift(evaluation["running"]["drift"]),
        "factor": f"{evaluation['groups'].get('times_centi', 0) / 100:g}",
        "worst": str(evaluation["groups"].get("worst")),
        "promised": _promised(evaluation["groups"]),
        "missed_by_group": _missed_by_group(evaluation["groups"]),
        "detected": _detected(evaluation["groups"]),
        "refusals": _refusals(evaluation["groups"]),
        "nets": _nets(evaluation["groups"]),
        "passages": _passages(evaluation["passages"]),
        "skipped": "; ".join(evaluation["skipped"]) or "nothing",
        "recall": _recall(evaluation["detection"]),
        "alarms": _alarms(evaluation["detection"]),
    }


def _verification(evaluation: Json) -> str:
    rows = [
        [one["name"], *(_missed(row, "fnmr") for row in one["verification"])]
        for one in evaluation["recognisers"]
    ]
    rates = [f"FMR {row['fmr']:.0e}" for row in evaluation["recognisers"][0]["verification"]]
    return _table(["net", *rates], rows)


def _searches(evaluation: Json, key: str) -> str:
    rows = [
        [one["name"], *(_missed(row, "fnmr") for row in one[key])]
        for one in evaluation["recognisers"]
    ]
    sizes = [f"N = {row['n']}" for row in evaluation["recognisers"][0][key]]
    return _table(["net", *sizes], rows)


def _missed(row: Json, key: str) -> str:
    if not row["enough"]:
        return "insufficient"
    low, high = row[f"{key}_interval"]
    percents = " to ".join(f"{100 * end:.1f}" for end in (low, high))
    return f"{100 * row[key]:.1f} % ({percents}) at {row['threshold']:.3f}"


def _calibrated(evaluation: Json) -> str:
    rows = []
    for row in evaluation["calibrated"]:
        if "refused" in row:
            rows.append([PROBES[row["probe"]], row["n"], "refused", "", "", ""])
            continue
        high = 100 * row["fpir_interval"][1]
        rows.append(
            [
                PROBES[row["probe"]],
                row["n"],
                f"{row['threshold']:.3f}",
                f"{100 * row['fnmr']:.1f} %",
                f"{100 * row['fpir']:.3f} % (at most {high:.3f} %)",
                f"{100 * row['fpir_promised']:.3f} %",
            ]
        )
    return _table(["probe", "N", "threshold", "FNIR", "FPIR", "FPIR promised"], rows)


def _elsewhere(evaluation: Json) -> str:
    rows = [
        [
            row["n"],
            f"{row['threshold']:.3f}",
            row["people"],
            f"{100 * row['fpir']:.3f} % (at most {100 * row['fpir_interval'][1]:.3f} %)",
        ]
        for row in evaluation["senate"]
    ]
    return _table(["N", "threshold", "people", "FPIR"], rows) if rows else "Not measured."


def _worse(evaluation: Json) -> str:
    rows = [
        [
            "unchanged"
            if row["kind"] == "none"
            else f"{row['kind']} {row['value']:g} {row['unit']}",
            *(f"{100 * row[key]:.0f} %" for key in ("no_face", "refused", "fnmr")),
            f"x {row['fmr_times']:.1f}",
        ]
        for row in evaluation["worse"]
    ]
    return _table(["picture", "no face", "refused", "FNMR", "FMR"], rows)


def _promised(groups: Json) -> str:
    """Return FPIR of lists of one group: promised, measured, and the verdict in words."""
    measured = groups["measured"]
    if not measured:
        return "Not measured."
    asked = [f"N = {row['n']}, {100 * row['budget']:g} %" for row in measured[0]["searches"]]
    promises = {
        one["probe"]: [_promise(row) for row in one["searches"]] for one in reversed(measured)
    }
    rows = [
        [f"promised at most, {PROBES[probe]}", *promised] for probe, promised in promises.items()
    ]
    rows += [
        [
            f"{one['people']} {one['group']} of `{one['set']}`, {PROBES[one['probe']]}",
            *(_kept(row) for row in one["searches"]),
        ]
        for one in measured
    ]
    return _table(["FPIR, people", *asked], rows)


def _promise(row: Json) -> str:
    return "refused" if "refused" in row else f"{100 * row['promised']:.3f} %"


def _kept(row: Json) -> str:
    if "refused" in row:
        return ""
    mean, low, high = (100 * end for end in row["fpir"])
    return f"{mean:.2f} % ({low:.2f} to {high:.2f}), {row['verdict']}"


def _missed_by_group(groups: Json) -> str:
    """Return FNIR of the groups whose people have a second picture, at the same thresholds."""
    several = [one for one in groups["measured"] if any(row.get("fnir") for row in one["searches"])]
    if not several:
        return "Not measured."
    asked = [f"N = {row['n']}, {100 * row['budget']:g} %" for row in several[0]["searches"]]
    rows = [
        [
            f"{one['people']} {one['group']} of `{one['set']}`",
            *(_percents(row["fnir"]) if row.get("fnir") else "" for row in one["searches"]),
        ]
        for one in several
    ]
    return _table(["FNIR, people", *asked], rows)


def _detected(groups: Json) -> str:
    rows = [
        [f"{one['people']} {one['group']} of `{one['set']}`", one["faces"], one["set_without_face"]]
        for one in groups["measured"]
    ]
    return _table(["people", "faces found", "pictures of the set in which none was found"], rows)


def _refusals(groups: Json) -> str:
    rows = [
        [
            f"{one['people']} {one['group']} of `{one['set']}`",
            one["faces"],
            _percents(one["refused_as_portrait"]),
            _percents(one["refused_in_passing"]),
        ]
        for one in groups["measured"]
    ]
    return _table(["people", "faces", "refused for a list", "refused in passing"], rows)


def _nets(groups: Json) -> str:
    """Return each net's ratios of the groups, and its misses when every group is kept within."""
    nets = groups["nets"]
    if not nets:
        return "Not measured."
    head = ["same-group FMR over FMR 1e-2", *(one["name"] for one in nets)]
    rows = [
        [each["group"], *(_times(one["groups"][at]["times"]["0.01"]) for one in nets)]
        for at, each in enumerate(nets[0]["groups"])
    ]
    rows.append(["FNIR with every group within 1 %, N = 7", *(_percents(n["fnir"]) for n in nets)])
    return _table(head, rows)


def _passages(passages: list[Json]) -> str:
    head = [f"N = {row['n']}, {100 * row['budget']:g} %" for row in passages[0]["missed"]]
    rows = [
        [
            one["probe"],
            one["people"],
            one["likeness"] or "",
            *("refused" if "refused" in row else _percents(row["fnir"]) for row in one["missed"]),
        ]
        for one in passages
    ]
    return _table(["probe", "people", "cosine between looks", *head], rows)


def _times(row: list[float]) -> str:
    return f"{row[0]:.1f} ({row[1]:.1f} to {row[2]:.1f})"


def _percents(row: list[float]) -> str:
    mean, low, high = (100 * end for end in row)
    return f"{mean:.2f} % ({low:.2f} to {high:.2f})"


def _drift(row: Json) -> str:
    return (
        f"{row['faces']} faces: cosine of the same face {row['cosine_least']} at worst, "
        f"{row['cosine_median']} in the middle."
    )


def _recall(detection: Json) -> str:
    rows = detection.get("recall", [])
    heights = list(dict.fromkeys(row["height_px"] for row in rows))
    found = {(row["detector"], row["height_px"]): row["recall"] for row in rows}
    return _table(
        ["height in px", *heights],
        [
            [name, *(f"{100 * found[name, height]:.1f}" for height in heights)]
            for name in dict.fromkeys(row["detector"] for row in rows)
        ],
    )


def _alarms(detection: Json) -> str:
    return _table(
        ["detector", "without a face", "frames", "false alarms", "per 1,000"],
        [
            [
                row[key]
                for key in ("detector", "without_face", "frames", "alarms", "per_1000_frames")
            ]
            for row in detection.get("false_alarms", [])
        ],
    )


def _table(head: list[Any], rows: list[list[Any]]) -> str:
    if not rows:
        return "Not measured."
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


if __name__ == "__main__":
    main()
