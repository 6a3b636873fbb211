"""Evaluate the nets on sets of pictures: one JSON with every figure, and one HTML page.

The terms are those of ISO/IEC 19795 (FMR, FNMR, FPIR, FNIR). The sets are read from the given paths
and are not copied. Slow results are cached outside the repository. What was not measured is listed
under `skipped`.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from models import FOLDER
from models.evaluate import detection, peer_dlib
from models.evaluate.cache import Rows
from models.evaluate.degradations import degrade
from models.evaluate.group_trials import as_a_camera, of_single_pictures
from models.evaluate.groups import compared_nets, measured, promise
from models.evaluate.labels import Labelled, labelled_sets
from models.evaluate.latency import drift, latency
from models.evaluate.lfw import Found, find
from models.evaluate.page import page
from models.evaluate.passages import passages
from models.evaluate.recognisers import (
    FLOAT_NET,
    PUBLISHED_NET,
    Bare,
    Halves,
    Peer,
    Published,
    Recogniser,
    Shipped,
    Uncentred,
)
from models.evaluate.report import (
    Json,
    as_calibrated,
    calibrated_thresholds,
    curve,
    identification,
    losses,
    other_population,
    tracks,
    verification,
)
from models.evaluate.trials import Trial, in_turn, tracks_of
from recognition.calibration import Calibration, Grade, grade
from recognition.contract import EmbedderEntry
from recognition.manifest import load_manifest

DRIFT_FACES: Final = 200


def main() -> None:
    """Measure, write, and print the result."""
    arguments = _arguments()
    skipped: list[str] = []
    recognisers = _recognisers(arguments, skipped)
    found = find(arguments.lfw, FOLDER)
    vectors = {one.name: found.each(one.vector, one.name, one.origin) for one in recognisers}
    shipped = Shipped.load(FOLDER)
    templates = vectors[shipped.name]
    labelled = labelled_sets(arguments.labelled, FOLDER) if arguments.labelled else []
    calibration = load_manifest(FOLDER).calibration
    trial = Trial.of(templates, found.people)
    evaluation: Json = {
        "command": "python -m models.evaluate.run",
        "about": _about(found, shipped),
        "recognisers": [_error_rates(name, rows, found) for name, rows in vectors.items()],
        "calibrated": [
            *as_calibrated(trial, calibration, Grade.FAIR),
            *as_calibrated(_in_turn(found, shipped, templates), calibration, Grade.FUSED),
        ],
        "worse": losses(degrade(found, FOLDER), templates, found.people, calibration),
        "senate": _senate(arguments.senate, templates, found, calibration),
        "running": {"latency": latency(recognisers), "drift": _drift(found, shipped)},
        "calibration": _calibration(calibration),
        "detection": _detection(arguments),
        "passages": passages(found, Halves(shipped), templates, calibration),
        "groups": _groups(labelled, recognisers, vectors, found, calibration),
        "skipped": skipped,
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "evaluation.json").write_text(json.dumps(evaluation, indent=1) + "\n", "utf-8")
    (arguments.out / "index.html").write_text(page(evaluation), "utf-8")
    _print_summary(evaluation, arguments.out)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lfw", type=Path, required=True, help="ZIP of Person_Name/picture.jpg")
    parser.add_argument("--senate", type=Path, help="ZIP of portraits, one of each person")
    parser.add_argument("--peers", type=Path, help="folder with the peers' nets")
    parser.add_argument("--originals", type=Path, help="folder that make models-originals wrote")
    parser.add_argument("--labelled", type=Path, help="folder of sets with labels of groups")
    parser.add_argument(
        "--detection", type=Path, help="JSON of models.evaluate.detection, to save its time"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for JSON and page")
    return parser.parse_args()


def _recognisers(arguments: argparse.Namespace, skipped: list[str]) -> list[Recogniser]:
    shipped = Shipped.load(FOLDER)
    path, entry = FOLDER / shipped.entry.net.file, shipped.entry
    chosen: list[Recogniser] = [
        shipped,
        Bare.load("int8, chip alone", path, entry, mirrored=False),
    ]
    if arguments.senate is None:
        skipped.append("strangers of another population: no --senate")
    if arguments.labelled is None:
        skipped.append("groups: no --labelled")
    if arguments.originals is None:
        skipped.append("the net before quantisation and as published: no --originals")
    else:
        chosen += _originals(arguments.originals, entry, skipped)
    if arguments.peers is None:
        skipped.append("peers: no --peers")
    else:
        chosen.append(Peer.load(arguments.peers))
        if peer_dlib.is_there(arguments.peers):
            chosen.append(peer_dlib.Dlib.load(arguments.peers))
        else:
            skipped.append("peer dlib: it is not installed, or its nets are not among the peers")
    return chosen


def _originals(folder: Path, entry: EmbedderEntry, skipped: list[str]) -> list[Recogniser]:
    name = "float32 before quantising, mirrored"
    real = Bare.load(name, folder / FLOAT_NET, entry, mirrored=True)
    chosen: list[Recogniser] = [real, Uncentred(real)]
    if (folder / PUBLISHED_NET).exists():
        chosen.append(Published.load(folder, entry))
    else:
        skipped.append(f"the net as published: no {PUBLISHED_NET} among the originals")
    return chosen


def _about(found: Found, shipped: Shipped) -> Json:
    grades = [grade(quality) for quality in found.qualities]
    return {
        "set": found.archive.name,
        "set_sha256": found.digest,
        "pictures": found.pictures,
        "faces": len(found.faces),
        "people": int(found.people.max()) + 1,
        "people_with_two_or_more": int((np.bincount(found.people) > 1).sum()),
        "grades": {str(one and one.value): grades.count(one) for one in dict.fromkeys(grades)},
        "embedder_sha256": shipped.entry.net.digest.hex(),
        "embedder_bytes": shipped.entry.net.size_bytes,
        "runtime": shipped.embedder.runtime,
    }


def _error_rates(name: str, vectors: Rows, found: Found) -> Json:
    print(f"judging {name}", file=sys.stderr)
    trial = Trial.of(vectors, found.people)
    return {
        "name": name,
        "verification": verification(trial),
        "identification": identification(trial),
        "tracks": identification(tracks(vectors, found.people)),
        "curve": curve(trial),
    }


def _senate(
    archive: Path | None, listed: Rows, found: Found, calibration: Calibration
) -> list[Json]:
    if archive is None:
        return []
    shipped = Shipped.load(FOLDER)
    probes = find(archive, FOLDER).each(shipped.vector, shipped.name, shipped.origin)
    return other_population(probes, listed, found.people, calibration)


def _in_turn(found: Found, shipped: Shipped, templates: Rows) -> Trial:
    """Return the trial whose probes are made as on a camera."""
    halves = Halves(shipped)
    sides = np.hsplit(found.each(halves.vector, halves.name, halves.origin), 2)
    made_from = tracks_of(found.people, np.ones(len(found.people), np.bool_))
    probes = in_turn(sides[0], sides[1], made_from)
    return Trial.of(templates, found.people, probes=probes, made_from=made_from)


def _groups(
    labelled: Sequence[Labelled],
    recognisers: Sequence[Recogniser],
    vectors: dict[str, Rows],
    found: Found,
    calibration: Calibration,
) -> Json:
    """Return what was promised to each group and what was measured, and every net beside ours."""
    if not labelled:
        return {"measured": [], "nets": []}
    shipped = Shipped.load(FOLDER)
    path, entry = FOLDER / shipped.entry.net.file, shipped.entry
    unscaled = Bare.load("before scaling", path, entry, mirrored=True)
    nets = []
    for one in recognisers:
        print(f"groups with {one.name}", file=sys.stderr)
        net = unscaled if isinstance(one, Shipped) else one
        trials = of_single_pictures(labelled, net, centred=isinstance(net, Bare))
        nets.append(compared_nets(one.name, trials, Trial.of(vectors[one.name], found.people)))
    return {
        "worst": calibration.groups.worst if calibration.groups else None,
        "times_centi": calibration.times_centi,
        "measured": [measured(one, calibration) for one in as_a_camera(labelled, shipped, FOLDER)],
        "nets": nets,
    }


def _calibration(calibration: Calibration) -> Json:
    return {
        "pictures": calibration.pictures,
        **{
            one.value: [
                {"n": size, "threshold": round(threshold, 6)}
                for size, threshold in calibrated_thresholds(calibration, one).items()
            ]
            for one in Grade
        },
    }


def _detection(arguments: argparse.Namespace) -> Json:
    if arguments.detection is None:
        return detection.measure(arguments.lfw, FOLDER, arguments.peers)
    measured: Json = json.loads(arguments.detection.read_text("utf-8"))
    return measured


def _drift(found: Found, shipped: Shipped) -> Json:
    path, entry = FOLDER / shipped.entry.net.file, shipped.entry
    few = found.first(DRIFT_FACES)
    ways = [
        Bare.load(f"drift, {plain=}", path, entry, mirrored=True, plain=plain)
        for plain in (False, True)
    ]
    one, other = (few.each(way.vector, way.name, way.origin) for way in ways)
    return drift(one, other)


def _print_summary(evaluation: Json, out: Path) -> None:
    for one in evaluation["recognisers"]:
        for probe, key in (("one picture", "identification"), ("three fused", "tracks")):
            row = one[key][0]
            print(
                f"{one['name']}, {probe}: FNIR {100 * row['fnmr']:.2f} % at FPIR 1e-3, "
                f"N = {row['n']}, threshold {row['threshold']:.4f}"
            )
    for one in evaluation["groups"]["measured"]:
        for row in one["searches"]:
            print(f"{one['people']} {one['group']} of {one['set']}, {promise(row)}")
    for reason in evaluation["skipped"]:
        print(f"Skipped: {reason}.")
    print(f"{out / 'evaluation.json'}\n{out / 'index.html'}")


if __name__ == "__main__":
    main()
