"""Time one look of a camera: detection, alignment, template and search of one frame.

The frame is of 640 x 480 with one face in it. The list has 100 drawn entries.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.materials import drawn_gallery, street
from benchmarks.table import Table, options
from benchmarks.timing import SECONDS, SPREAD, Step, add_all
from models import FOLDER
from recognition.aligner import align
from recognition.detector import Detector
from recognition.embedder import Embedder
from recognition.manifest import load_manifest

ENTRIES: Final = 100


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--models", type=Path, default=FOLDER, help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each row")
    arguments = parser.parse_args()
    table = Table("one look, one thread", SPREAD, ["ai-edge-litert", "numpy", "pillow"])
    add_all(table, _steps(arguments.models), arguments.seconds)
    table.finish(arguments.json)


def _steps(models: Path) -> Iterator[Step]:
    manifest = load_manifest(models)
    detector = Detector.load(models, manifest.detectors)
    embedder = Embedder.load(models, manifest.embedder)
    alignment, picture = manifest.embedder.alignment, street()
    gallery = drawn_gallery(ENTRIES)
    (face, *_) = detector.find(picture)

    def look() -> None:
        for found in detector.find(picture):
            gallery.best(embedder.template(align(picture, found, alignment)))

    yield "alignment of one face", partial(align, picture, face, alignment)
    yield f"whole frame with one face, list of {ENTRIES}", look


if __name__ == "__main__":
    main()
