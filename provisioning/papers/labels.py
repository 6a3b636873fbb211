"""Labels of cameras as PDF, with a QR code (segno): sheets of 24, or one page for each label.

A label names the site, the camera, its board, how well the board keeps its key, and the twelve
words of its keys. The QR code holds all but the level: `TL1:SITE:CAMERA:BOARD:WORDS`. Nothing on a
label is a secret: everything stands in the signed policy or the registration record.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import segno

from provisioning.papers.pages import A4, Pages, begin
from terminal.fingerprints import fingerprint_words

QR_BORDER: Final = 4
"""Empty modules around a QR code, as ISO/IEC 18004 asks for."""


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

    @property
    def code(self) -> str:
        """Return what the QR code holds."""
        return f"TL1:{self.site}:{self.camera}:{self.board}:{self.key_words}"

    @property
    def key_words(self) -> str:
        """Return the twelve words of the keys, joined by hyphens."""
        return fingerprint_words(self.keys).replace(" ", "-")


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
    each = layout.columns * layout.rows
    for number, label in enumerate(labels, skip):
        if number % each == 0 and number:
            pages.next_page()
        row, column = divmod(number % each, layout.columns)
        _draw(
            pages, label, layout.size,
            layout.left + column * (layout.size[0] + layout.gap),
            layout.top + row * layout.size[1],
        )  # fmt: skip
    return pages.finish()


def _draw(pages: Pages, label: Label, size: tuple[float, float], x: float, y: float) -> None:
    code = size[1] - 4
    draw_code(pages, label.code, x + 1, y + 2, code)
    left, width = x + code + 2, size[0] - code - 3
    pages.text(left, y + 6, label.camera[:8], size=11, bold=True)
    after = pages.lines(left, y + 10.5, label.site, width=width, size=7)
    after = pages.lines(left, after, f"board {label.board}", width=width, size=5.5)
    after = pages.lines(left, after, f"key: {label.level}", width=width, size=5.5)
    pages.lines(left, after + 0.5, fingerprint_words(label.keys), width=width, size=5)


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
