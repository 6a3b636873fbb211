"""Labels of cameras as PDF, with a QR code (segno): sheets of 24, or one page for each label.

A label names the site, the camera, its board, how well the board keeps its key, and the twelve
words of its keys. The label of a camera that was registered for training says so in its first line.
The QR code holds all but these two: `TL1:SITE:CAMERA:BOARD:WORDS`. Nothing on a label is a secret:
everything stands in the signed policy or the registration record.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import segno

from formats.registration_record import Registration
from provisioning.papers.pages import A4, LINE_MM, Pages, begin, broken
from terminal.fingerprints import fingerprint_words

QR_BORDER: Final = 4
"""Empty modules around a QR code, as ISO/IEC 18004 asks for."""
TRAINING: Final = "TRAINING"
NOT_REAL: Final = "This is not a real camera."
SCALES: Final = (1.0, 0.85, 0.7, 0.55)
"""Of the letters; the largest is taken with which everything fits on the label."""


@dataclass(frozen=True, slots=True)
class Label:
    """What one label says."""

    site: str
    camera: str
    """The camera's id in hexadecimal."""
    board: str
    """The serial number that the board reports, and that is printed on it."""
    level: str
    """How the board keeps its key, as in the registration record: `otp`, `host`, ..."""
    keys: bytes
    """All public keys of the camera, one after the other: what the policy's holders are shown."""
    training: bool
    """Whether the camera was registered for training, and is not a real one."""

    @property
    def code(self) -> str:
        """Return what the QR code holds."""
        return f"TL1:{self.site}:{self.camera}:{self.board}:{self.key_words}"

    @property
    def key_words(self) -> str:
        """Return the twelve words of the keys, joined by hyphens."""
        return fingerprint_words(self.keys).replace(" ", "-")


def label_of(registration: Registration) -> Label:
    """Return the label of a camera, as its verified registration says."""
    identity, board = registration.identity, registration.board
    return Label(
        site=registration.hello.site,
        camera=identity.camera_id.hex(),
        board=board.serial,
        level=str(board.key),
        keys=b"".join(identity.public_keys),
        training=registration.acceptance.training,
    )


@dataclass(frozen=True, slots=True)
class Layout:
    """How labels lie on a page; lengths in mm."""

    page: tuple[float, float]
    size: tuple[float, float]
    columns: int = 1
    rows: int = 1
    left: float = 0.0
    top: float = 0.0
    gap: float = 0.0
    """Between two columns."""

    @property
    def places(self) -> int:
        """How many labels a page holds."""
        return self.columns * self.rows


LAYOUTS: Final = {
    # 24 on A4, 63.5 x 33.9 mm: the common sheet (Avery L7159 and its equals).
    "sheet": Layout(A4, (63.5, 33.9), columns=3, rows=8, left=7.2, top=12.9, gap=2.5),
    # One for each page, for label printers with a roll of 62 mm.
    "roll": Layout((62.0, 34.0), (62.0, 34.0)),
}


def draw_labels(labels: Sequence[Label], layout: Layout, *, skip: int = 0) -> bytes:
    """Return the labels as PDF.

    Args:
        labels: one or more.
        layout: one of `LAYOUTS`.
        skip: how many places of the first sheet are used already; less than one sheet has.
    """
    pages = begin("Labels", width=layout.page[0], height=layout.page[1])
    for number, label in enumerate(labels, skip):
        if number % layout.places == 0 and number:
            pages.next_page()
        row, column = divmod(number % layout.places, layout.columns)
        _draw(
            pages, label, layout.size,
            layout.left + column * (layout.size[0] + layout.gap),
            layout.top + row * layout.size[1],
        )  # fmt: skip
    return pages.finish()


def _draw(pages: Pages, label: Label, size: tuple[float, float], x: float, y: float) -> None:
    code = size[1] - 4
    draw_code(pages, label.code, x + 1, y + 2, code)
    left, width, height = x + code + 2, size[0] - code - 3, size[1] - 2
    said = _paragraphs(label)
    scale = next((each for each in SCALES if _height(said, width, each) <= height), SCALES[-1])
    for words, points, bold in said:
        step = scale * points * LINE_MM
        for line in broken(words, width, scale * points):
            y += step
            pages.text(left, y, line, size=scale * points, bold=bold)


def _paragraphs(label: Label) -> list[tuple[str, float, bool]]:
    """Return each paragraph, its size in points, and whether it is bold."""
    training = [(TRAINING, 10.0, True), (NOT_REAL, 5.5, False)] if label.training else []
    return [
        *training,
        (label.camera[:8], 11, True),
        (label.site, 7, False),
        (f"board {label.board}", 5.5, False),
        (f"key: {label.level}", 5.5, False),
        (fingerprint_words(label.keys), 5, False),
    ]


def _height(said: Sequence[tuple[str, float, bool]], width: float, scale: float) -> float:
    """Return how high the paragraphs are together, in mm."""
    return sum(
        len(broken(words, width, scale * points)) * scale * points * LINE_MM
        for words, points, _ in said
    )


def draw_code(pages: Pages, content: str, x: float, y: float, size: float) -> None:
    """Draw a QR code, with its border `size` mm wide; one rectangle for each run of modules."""
    code = segno.make_qr(content, error="m")
    module = size / code.symbol_size(border=QR_BORDER)[0]
    for number, modules in enumerate(code.matrix_iter(border=QR_BORDER)):
        row = bytes(modules)
        start = 0
        while start < len(row):
            end = start
            while end < len(row) and row[end] == row[start]:
                end += 1
            if row[start]:
                pages.box(
                    x + start * module, y + number * module, (end - start) * module, module,
                    filled=True,
                )  # fmt: skip
            start = end
