"""Print a camera's label right after that camera has blinked: as PDF, and through CUPS if wanted.

The PDF is kept beside the manifest, so that a label that was lost is printed again. A printer that
refuses does not undo a registration: the sentence says where the PDF is. What CUPS accepts is in
its queue, and may still meet an empty roll. CUPS has not been tried with a real label printer.
"""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from formats.registration_record import Registration
from formats.whole_file import READABLE
from provisioning.disk import write_atomically
from provisioning.errors import CameraRefused
from provisioning.papers.labels import LAYOUTS, draw_labels, label_of
from provisioning.site.folder import Site
from provisioning.site.installers import FOLDER

LP: Final = Path("/usr/bin/lp")
"""CUPS takes a file to print here (package cups-client)."""
PRINT_S: Final = 30
"""Longest wait for CUPS to take a label."""
_LAYOUT: Final = LAYOUTS["roll"]
_REASON_LIMIT: Final = 200


@dataclass(frozen=True, slots=True)
class LabelPrinter:
    """Where labels go."""

    site: Site
    queue: str = ""
    """Name of the printer in CUPS; empty: the PDF alone."""
    lp: Path = LP

    def print_label(self, registration: Registration) -> None:
        """Draw and print the label of a camera that is registered.

        Raises:
            CameraRefused: the PDF cannot be written, or the printer does not take it; the camera
                is registered all the same.
        """
        name = registration.identity.camera_id.hex()
        folder = self.site.folder / FOLDER / "labels"
        path = folder.absolute() / f"{name}.pdf"
        try:
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
            drawn = draw_labels([label_of(registration)], _LAYOUT)
            write_atomically(path, drawn, mode=READABLE)
        except OSError as error:
            raise CameraRefused(
                f"The camera is registered, and its label cannot be written ({error.strerror}): "
                f"make room, then draw it with tallylight papers labels --camera {name[:8]}."
            ) from error
        if self.queue:
            self._print(path)

    def _print(self, path: Path) -> None:
        width, height = _LAYOUT.page
        media = f"media=Custom.{width:g}x{height:g}mm"
        try:
            subprocess.run(  # noqa: S603  # Fixed words, one name and one path; no shell.
                [str(self.lp), "-d", self.queue, "-o", media, str(path)],
                check=True,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=PRINT_S,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise CameraRefused(
                f"The camera is registered, and the printer {self.queue} took no label "
                f"({_reason(error)}): print {path}, and stick it on the camera at this place."
            ) from error


def _reason(error: OSError | subprocess.SubprocessError) -> str:
    """Return why a label was not taken: CUPS' own words, if it said some."""
    if isinstance(error, subprocess.TimeoutExpired):
        return f"no answer in {PRINT_S} s"
    if isinstance(error, subprocess.CalledProcessError):
        said = " ".join(error.stderr.decode("utf-8", "replace").split())
        words = "".join(letter for letter in said if letter.isprintable())
        return words[:_REASON_LIMIT] or f"exit code {error.returncode}"
    return f"{error.strerror}: install cups-client" if isinstance(error, OSError) else str(error)
