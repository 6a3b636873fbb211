"""`make image-smoke`: the programs of an image in its own root, compared with this machine.

    make image-smoke BOARD=pi4

The root's Python imports each module of the wheel, seals and opens an event, and looks at the two
portraits of the demo with the nets of the image. A root for arm64 runs under QEMU's user emulation.
It starts no systemd, no lamp and no camera, and says nothing about a kernel.
"""

import argparse
import json
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from hil_tests.errors import DeskRefused
from hil_tests.long.image_smoke import self_test
from hil_tests.scenes.portraits import Person, portrait
from recognition.template import Template, similarity_ppm

TOP: Final = Path(__file__).resolve().parents[3]
IMAGES: Final = TOP / "build" / "image"
ENTER: Final = Path(__file__).with_name("enter")
LIMIT_S: Final = 900.0
"""Longest run: two portraits take a minute under emulation on two busy cores."""
ALIKE_PPM: Final = 950_000
"""Least cosine of one face's templates on two processors, whose kernels round differently. Two
pictures of one person reach about half of it."""
EMULATORS: Final = ("qemu-aarch64-static", "qemu-aarch64")
"""As Debian 12 and Debian 13 name it; both are static."""
PYTHON: Final = "/opt/tallylight/bin/python3"
NETS: Final = "/usr/lib/tallylight/models"


def main() -> int:
    """Run the self-test in the image and here; print both; return 1 if they differ."""
    parser = argparse.ArgumentParser(prog="make image-smoke", description=__doc__.splitlines()[0])
    parser.add_argument("--board", default="virtual")
    folder = image_folder(parser.parse_args().board)
    pictures = [portrait(person) for person in Person]
    began_s = time.monotonic()
    inside = run_inside(folder / "system.img", pictures)
    took_s = time.monotonic() - began_s
    here = json.loads(
        _answer([sys.executable, self_test.__file__, str(TOP / "models"), *map(str, pictures)])
    )
    faults = differences(inside, here)
    alike = _cosines(inside, here)
    print(f"image      {folder}: {inside['processor']}, Python {inside['python']}, {took_s:.0f} s")
    print(f"imported   {inside['modules']} modules of the wheel")
    print(f"looked     cosines with this machine's templates: {', '.join(map(str, alike))} ppm")
    print(
        "\n".join(faults) if faults else "passed     what this does not show: docs/install-image.md"
    )
    return 1 if faults else 0


def image_folder(board: str) -> Path:
    """Return the image of a board, or of its form without a camera driver.

    Raises:
        DeskRefused: there is none.
    """
    for name in (board, f"{board}-nocamera"):
        if (IMAGES / name / "system.img").is_file():
            return IMAGES / name
    raise DeskRefused(f"There is no image of board {board}: make image BOARD={board}.")


def run_inside(system: Path, pictures: Sequence[Path]) -> dict[str, Any]:
    """Return what the self-test says in an image's root."""
    with TemporaryDirectory() as folder:
        own = Path(folder)
        shutil.copy(self_test.__file__, own / "self_test.py")
        for number, picture in enumerate(pictures):
            shutil.copy(picture, own / f"{number}{picture.suffix}")
        names = [f"/tmp/{each}{picture.suffix}" for each, picture in enumerate(pictures)]  # noqa: S108
        words = [PYTHON, "-I", "/tmp/self_test.py", NETS, *names]  # noqa: S108  # In the image.
        return dict(
            json.loads(_answer([str(ENTER), str(system), folder, emulator(system), *words]))
        )


def emulator(system: Path) -> str:
    """Return QEMU's path for an image of another processor; empty for one of this machine's."""
    lines = json.loads(system.with_name("sbom.spdx.json").read_text("utf-8"))["packages"]
    links = [str(one["externalRefs"][0]["referenceLocator"]) for one in lines]
    if not any(link.endswith("?arch=arm64") for link in links) or platform.machine() == "aarch64":
        return ""
    found = next(filter(None, map(shutil.which, EMULATORS)), None)
    if found is None:
        raise DeskRefused("QEMU's user emulation is missing: apt-get install qemu-user-static.")
    return found


def differences(inside: dict[str, Any], here: dict[str, Any]) -> list[str]:
    """Return what is wrong with an image's answer, beside this machine's, in sentences."""
    faces = [[len(each) for each in one["templates"]] for one in (inside, here)]
    wrong = {
        f"The image has {inside['modules']} modules of the wheel, and this tree {here['modules']}: "
        "make the image again.": inside["modules"] != here["modules"],
        "The image opens no event that it has sealed.": not inside["sealed"],
        f"The image finds {faces[0]} faces, and this machine {faces[1]}.": faces[0] != faces[1],
        f"A template of the image is less alike than {ALIKE_PPM} ppm.": any(
            cosine < ALIKE_PPM for cosine in _cosines(inside, here)
        ),
    }
    return [sentence for sentence, is_wrong in wrong.items() if is_wrong]


def _cosines(inside: dict[str, Any], here: dict[str, Any]) -> list[int]:
    pairs = zip(_templates(inside), _templates(here), strict=False)
    return [similarity_ppm(one, other) for one, other in pairs]


def _templates(answer: dict[str, Any]) -> list[Template]:
    return [Template(np.array(one, np.int8)) for each in answer["templates"] for one in each]


def _answer(command: Sequence[str]) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=LIMIT_S, check=False, cwd=TOP
    )
    if done.returncode != 0:
        why = done.stderr.strip().splitlines() or ["no reason"]
        raise DeskRefused(f"The self-test ended with {done.returncode}: {why[-1]}.")
    return done.stdout.splitlines()[-1]


if __name__ == "__main__":
    try:
        sys.exit(main())
    except DeskRefused as refusal:
        sys.exit(str(refusal))
