"""Mistyped names (did you mean): which names are unknown, which are missing, and the nearest one.

The readers of the TOML files that people write use this before they read any value. So a name that
is unknown and a name that is missing are told apart, and a mistyped one stands beside the right
one. Values are judged elsewhere.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from difflib import get_close_matches
from typing import Any, Final

from formats.errors import Malformed

_KINDS: Final = {
    bool: "true or false",
    int: "a whole number",
    str: "text in quotes",
    list: "a list in brackets",
    dict: "a table",
}
_SHOWN: Final = 60
"""Most characters of a strange name that a sentence repeats."""


def refuse_odd_names(
    table: Mapping[str, Any],
    like: Mapping[str, Any],
    where: str,
    optional: Collection[str] = (),
) -> None:
    """Refuse names in a table that its example does not have, and names that it lacks.

    Tables in the table are compared with those of the example, and so is each table of a list. A
    value must be of the example's kind; a day may be written without quotes.

    Args:
        table: what a person wrote.
        like: an example with every name that may stand there.
        where: what the table is, such as "plan".
        optional: names that may be left out, at any depth.

    Raises:
        Malformed: a name is unknown or missing, or a value is of another kind.
    """
    missing = [name for name in like if name not in table and name not in optional]
    unknown = [name for name in table if name not in like]
    if missing or unknown:
        raise Malformed(odd_names(where, missing, unknown, [n for n in like if n not in table]))
    for name, value in table.items():
        _refuse_other_kind(value, like[name], f"In {where}, {name}")
        rows = value if isinstance(value, list) else [value]
        example = like[name][:1] if isinstance(like[name], list) else [like[name]]
        if example and isinstance(example[0], Mapping):
            for row in rows:
                if isinstance(row, Mapping):
                    refuse_odd_names(row, example[0], name, optional)


def _refuse_other_kind(value: object, like: object, what: str) -> None:
    is_day = isinstance(value, date) and isinstance(like, str)
    if type(value) is not type(like) and type(like) in _KINDS and not is_day:
        raise Malformed(f"{what} must be {_KINDS[type(like)]}.")


def odd_names(
    where: str, missing: Iterable[str], unknown: Iterable[str], known: Iterable[str]
) -> str:
    """Return one sentence about names that are missing or unknown, and the nearest right ones.

    Args:
        where: what holds the names.
        missing: names that must be there and are not.
        unknown: names that are there and mean nothing.
        known: names that could be written instead of an unknown one.
    """
    parts, left = [], list(missing)
    for name in sorted(unknown):
        near = next(iter(get_close_matches(name, list(known), n=1)), "")
        parts.append(f"{name[:_SHOWN]!a} is unknown" + (f" (write {near})" if near else ""))
        left = [each for each in left if each != near]
    parts += [f"{name} is missing" for name in sorted(left)]
    return f"In {where}, {' and '.join(parts)}."
