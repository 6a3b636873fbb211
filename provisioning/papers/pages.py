"""PDF pages with an embedded font: the same bytes for the same content, on any day and machine.

The font is DejaVu Sans where the system has it (package fonts-dejavu-core), else Bitstream Vera,
which comes with reportlab and has the letters of western Europe. A character that the font lacks is
drawn as its base letter, or as a question mark: a paper comes out in any case.
"""

import unicodedata
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final

import reportlab
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

A4: Final = (210.0, 297.0)
"""Width and height in mm."""
LINE_MM: Final = 0.5
"""How high a line is for each point of its letters: a line of 10 points is 5 mm high."""
REGULAR: Final = "Regular"
BOLD: Final = "Bold"
_SYSTEM: Final = Path("/usr/share/fonts/truetype/dejavu")
_OWN: Final = Path(reportlab.__file__).parent / "fonts"


@dataclass(frozen=True, slots=True)
class Pages:
    """A document of pages of one size; lengths are in mm, from the top left corner."""

    canvas: Canvas
    content: BytesIO
    width: float
    height: float

    def text(self, x: float, y: float, words: str, *, size: float, bold: bool = False) -> None:
        """Draw one line whose base line is at `y`; `size` in points."""
        font = BOLD if bold else REGULAR
        self.canvas.setFont(font, size)
        self.canvas.drawString(x * mm, (self.height - y) * mm, drawable(words, font))

    def lines(self, x: float, y: float, words: str, *, width: float, size: float) -> float:
        """Draw a paragraph, broken into lines of `width` at most; return where the next begins."""
        step = size * LINE_MM
        for line in broken(words, width, size):
            self.text(x, y, line, size=size)
            y += step
        return y

    def box(self, x: float, y: float, width: float, height: float, *, filled: bool = False) -> None:
        """Draw a rectangle whose top left corner is at `x`, `y`."""
        self.canvas.rect(
            x * mm, (self.height - y - height) * mm, width * mm, height * mm,
            stroke=0 if filled else 1, fill=1 if filled else 0,
        )  # fmt: skip

    def next_page(self) -> None:
        """End this page and begin another."""
        self.canvas.showPage()

    def finish(self) -> bytes:
        """End the last page, and return the PDF."""
        self.canvas.save()
        return self.content.getvalue()


def begin(title: str, *, width: float = A4[0], height: float = A4[1]) -> Pages:
    """Return a new document of pages of this size in mm."""
    _register_fonts()
    content = BytesIO()
    canvas = Canvas(content, pagesize=(width * mm, height * mm), invariant=1)
    canvas.setTitle(title)
    canvas.setCreator("Tallylight")
    return Pages(canvas, content, width, height)


def broken(words: str, width: float, size: float) -> list[str]:
    """Return a text in lines that are at most `width` mm wide; a word that is longer is cut."""
    _register_fonts()
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if _width(longer, size) <= width:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if lines[-1] and _width(lines[-1] + letter, size) > width:
                lines.append("")
            lines[-1] += letter
    return lines


def _width(words: str, size: float) -> float:
    points = float(pdfmetrics.stringWidth(drawable(words, REGULAR), REGULAR, size))
    return points / float(mm)


@cache
def _register_fonts() -> None:
    for name, system, own in (
        (REGULAR, "DejaVuSans.ttf", "Vera.ttf"),
        (BOLD, "DejaVuSans-Bold.ttf", "VeraBd.ttf"),
    ):
        path = _SYSTEM / system if (_SYSTEM / system).is_file() else _OWN / own
        pdfmetrics.registerFont(TTFont(name, str(path)))


def drawable(words: str, font: str = REGULAR) -> str:
    """Return a text in characters that the font has."""
    _register_fonts()
    known = pdfmetrics.getFont(font).face.charToGlyph
    return "".join(_nearest(letter, known) for letter in unicodedata.normalize("NFC", words))


def _nearest(letter: str, known: dict[int, int]) -> str:
    if ord(letter) in known:
        return letter
    base = unicodedata.normalize("NFKD", letter)[:1]
    return base if base and ord(base) in known else "?"
