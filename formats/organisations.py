"""Names of organisations: when two names count as one organisation; confusable names (homoglyphs).

A list needs two organisations, and so may a decision. `police ` with a blank, or `police` with a
Greek o, must not count as a second one beside `police`. So:

(0) Two names are of one organisation if their `organisation_key`s are equal. The key leaves out
    case, accents, blanks and punctuation, and takes lookalikes such as `0` and `o` for one.
(1) The names in one document are written in one script, so a lookalike from another is refused.
(2) A name holds letters that a reader tells apart: no invisible letter, no phonetic letter.

Two names that only look alike are refused at the ceremony, in the policy, in the recipients and so
on the camera. Each program that counts organisations counts keys. Not checked: words that people
mistake for each other, such as `Police` and `The Police`. Rules: docs/formats/organisations.md.
"""

import unicodedata
from collections.abc import Iterable
from typing import Final

from formats.errors import Malformed

_LOOKALIKES: Final = (
    *(("0", "o"), ("1", "l"), ("i", "l"), ("\u0131", "l"), ("\u0138", "k")),
    *(("|", "l"), ("rn", "m"), ("vv", "w")),
)
"""What is taken for one, after case folding: U+0131 is the dotless i, U+0138 the letter kra."""
_LAST_PLAIN: Final = "\u017f"
"""The end of Latin Extended-A. Further Latin letters are phonetic or historic lookalikes."""
_EAST_ASIA: Final = frozenset(
    {"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "BOPOMOFO"}
)
"""Scripts that one name mixes by custom: they count as one."""


def folded(name: str) -> str:
    """Return `name` after NFKC and case folding, with single blanks and none at its ends."""
    return " ".join(_nfkc(_nfkc(name).casefold()).split())


def organisation_key(name: str) -> str:
    """Return what all names of one organisation have in common."""
    plain = unicodedata.normalize("NFKD", folded(name))
    for alike, stands_for in _LOOKALIKES:
        plain = plain.replace(alike, stands_for)
    return "".join(each for each in plain if each.isalnum())


def refuse_confusable(names: Iterable[str]) -> None:
    """Refuse names of organisations in one document that a reader could confuse.

    A name may be there several times, in the same spelling.

    Raises:
        Malformed: two different names count as one, or rule (1) or (2) does not hold.
    """
    spellings: dict[str, str] = {}
    scripts: dict[str, str] = {}
    for name in dict.fromkeys(names):
        for script in _scripts(name):
            scripts.setdefault(script, name)
        other = spellings.setdefault(organisation_key(name), name)
        if other != name:
            raise Malformed(
                f"The organisations {other!a} and {name!a} look the same: name them differently."
            )
    if len(scripts) > 1:
        names_shown = " and ".join(sorted({ascii(name) for name in scripts.values()}))
        raise Malformed(
            f"Letters of {' and '.join(sorted(scripts))} stand together in the organisations "
            f"{names_shown}: write all of them in one script."
        )


def _scripts(name: str) -> Iterable[str]:
    """Return the scripts of a name's letters.

    Raises:
        Malformed: it has no letter, or a character beside letters, punctuation and ASCII.
    """
    letters = [each for each in _nfkc(name) if not _is_beside_letters(each)]
    if not any(each.isalpha() for each in letters):
        raise Malformed(f"The organisation {name!a} has no letter: write its name.")
    for letter in letters:
        described = unicodedata.name(letter, "")
        script = described.partition(" ")[0]
        if not _is_plain(letter, script, described):
            raise Malformed(
                f"The organisation {name!a} has the character {letter!a}, which readers could "
                "miss or mistake: leave it out."
            )
        yield "EAST ASIAN" if script in _EAST_ASIA else script


def _is_beside_letters(character: str) -> bool:
    """Return whether a character is punctuation, or ASCII and no letter."""
    beside = character.isascii() and not character.isalpha()
    return beside or unicodedata.category(character).startswith("P")


def _is_plain(letter: str, script: str, described: str) -> bool:
    if unicodedata.category(letter)[0] not in "LM" or script in {"", "COMBINING", "VARIATION"}:
        return False
    if "FILLER" in described or "INHERENT" in described or "MODIFIER" in described:
        return False  # Letters without a shape, and small ones that hide.
    return script != "LATIN" or unicodedata.normalize("NFKD", letter)[0] <= _LAST_PLAIN


def _nfkc(text: str) -> str:
    return unicodedata.normalize("NFKC", text)
