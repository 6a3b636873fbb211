"""Output on terminals and in pipes without UTF-8: characters they lack become plain ones.

Without this, one dash in a case's text ends a command with UnicodeEncodeError. With it, ISO-8859-1
shows "-" for an en dash and "?" for a character of another script. UTF-8 shows all as it is.
"""

import codecs
import io
import sys
from typing import Final
from unicodedata import normalize

PLAIN: Final = {
    **dict.fromkeys("\N{HYPHEN}\N{EN DASH}\N{EM DASH}\N{MINUS SIGN}", "-"),
    **dict.fromkeys("\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}", "'"),
    **dict.fromkeys("\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}", '"'),
    "\N{CHECK MARK}": "+",
    "\N{BALLOT X}": "x",
    "\N{BULLET}": "*",
    "\N{RIGHTWARDS ARROW}": "->",
}
"""The plain form of the characters that these programs and their users print."""
_HANDLER: Final = "tallylight-plain"


def replace_what_cannot_be_shown() -> None:
    """Let standard output and standard error replace what their encoding lacks, for good."""
    codecs.register_error(_HANDLER, _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(map(_nearest, lacking)), error.end


def _nearest(character: str) -> str:
    """Return the plain form of a character, its letter without accents, or a question mark."""
    letters = normalize("NFKD", character).encode("ascii", "ignore").decode()
    return PLAIN.get(character, letters) or "?"
