"""Print a camera's label right after that camera has blinked: as PDF, and through CUPS if wanted.

The PDF is kept beside the manifest, so that a label that was lost is printed again. A printer that
refuses does not undo a registration: the sentence says where the PDF is. CUPS has not been tried
with a real label printer.
"""

import subprocess
from dataclasses import dataclass
from typing import Final

from formats.registration_request import RegistrationRequest
from formats.whole_file import READABLE
from provisioning.disk import write_atomically
from provisioning.errors import CameraRefused
from provisioning.papers.labels import LAYOUTS, Label, draw_labels
from provisioning.site.folder import Site
from provisioning.site.registrations import FOLDER

PRINT_S: Final = 30
"""Longest wait for CUPS to take a label."""


@dataclass(frozen=True, slots=True)
class LabelPrinter:
    """Where labels go."""

    site: Site
    queue: str = ""
    """Name of the printer in CUPS; empty: the PDF alone."""

    def print_label(self, request: RegistrationRequest) -> None:
        """Draw and print the label of a camera.

        Raises:
            CameraRefused: the printer does not take it; the PDF is there.
        """
        identity, board = request.camera.identity, request.board
        name = identity.camera_id.hex()
        label = Label(
            site=self.site.policy.site,
            camera=name,
            board=board.serial,
            level=str(board.key),
            keys=b"".join(identity.public_keys),
        )
        folder = self.site.folder / FOLDER / "labels"
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        path = folder / f"{name}.pdf"
        write_atomically(path, draw_labels([label], LAYOUTS["roll"]), mode=READABLE)
        if not self.queue:
            return
        try:
            subprocess.run(  # noqa: S603  # Fixed words and one name; no shell.
                ["/usr/bin/lp", "-d", self.queue, str(path)],
                check=True,
                capture_output=True,
                timeout=PRINT_S,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise CameraRefused(
                f"The camera is registered, and the printer {self.queue} took no label: print "
                f"{path} now, before the next camera blinks."
            ) from error
