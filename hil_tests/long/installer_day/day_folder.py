"""What all steps of the day share: folders, the desk, the cameras, and the table."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hil_tests.long.installer_day.container import DayCamera
from hil_tests.long.installer_day.desk import Desk
from hil_tests.long.installer_day.steps import Steps

CAMERAS: Final = 3
VERSIONS: Final = (("0.2.0", "ready"), ("0.3.0", "ready"), ("0.4.0", "never"))
"""The version of the first cards, a good one, and one that never could arm; each with what the
rig's stand-in for `ready` says of it."""
DESK, FILES, CONTAINER, VM = "desk", "files", "container form", "virtual machine"
"""The forms of the steps."""
CUT_PARTS: Final = 4
"""Flash, registration, download and install: the power cuts are shared among them."""


@dataclass(slots=True)
class Day:
    """Everything that a day has."""

    folder: Path
    cache: Path
    steps: Steps
    desk: Desk = field(init=False)
    cameras: list[DayCamera] = field(init=False)

    def __post_init__(self) -> None:
        self.desk = Desk(self.folder / "desk")
        self.cameras = []

    def image(self, version: str) -> Path:
        """Return the folder of the image of a version."""
        return self.folder / "images" / version

    def bundle(self, version: str) -> Path:
        """Return the maker's signed bundle of a version."""
        return self.folder / f"{version}.raucb"
