"""A name that is unknown and a name that is missing are told apart; the nearest one is offered."""

import pytest

from formats.errors import Malformed
from formats.near_names import refuse_odd_names
from formats.toml_text import parse_toml

LIKE = parse_toml(b"""\
retention_days = 30
crop = true
score = 0.5
review = "2026-12-31"
names = ["one"]
[agreement]
reference = "one"
url = "two"
[[places]]
place = "north"
grounds = "seen"
""")


def refused(old: bytes, new: bytes, optional: tuple[str, ...] = ()) -> str:
    whole = b"""\
retention_days = 30
crop = true
score = 0.5
review = "2026-12-31"
names = ["one"]
[agreement]
reference = "one"
url = "two"
[[places]]
place = "north"
grounds = "seen"
"""
    assert old in whole
    table = parse_toml(whole.replace(old, new))
    with pytest.raises(Malformed) as caught:
        refuse_odd_names(table, LIKE, "the plan", optional)
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (b"crop =", b"corp =", "In the plan, 'corp' is unknown (write crop)."),
        (b"crop = true", b"", "In the plan, crop is missing."),
        (b"crop =", b"lamp = 1\ncrop =", "In the plan, 'lamp' is unknown."),
        (b"url =", b"ulr =", "In agreement, 'ulr' is unknown (write url)."),
        (b"place =", b"plaice =", "In places, 'plaice' is unknown (write place)."),
        (b"crop =", b"zzz =", "In the plan, 'zzz' is unknown and crop is missing."),
        (b"crop =", b'"\\u202ecrop" =', "In the plan, '\\u202ecrop' is unknown (write crop)."),
    ],
)
def test_a_name_is_unknown_or_missing(old: bytes, new: bytes, sentence: str) -> None:
    assert refused(old, new) == sentence


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (b"= 30", b"= 30.5", "retention_days must be a whole number"),
        (b"= 30", b"= true", "retention_days must be a whole number"),
        (b"= true", b'= "yes"', "crop must be true or false"),
        (b'reference = "one"', b"reference = 1", "reference must be text in quotes"),
        (b'["one"]', b'"one"', "names must be a list in brackets"),
        (b"[[places]]", b"[places]", "places must be a list in brackets"),
    ],
)
def test_a_value_of_another_kind_is_refused_by_its_name(old: bytes, new: bytes, kind: str) -> None:
    assert kind in refused(old, new)


@pytest.mark.parametrize(
    "content",
    [
        b'retention_days=1\nscore=1\nreview=2026-12-31\nnames=[]\nagreement={reference="",url=""}',
        b'retention_days=1\nscore=0.1\nreview="x"\nnames=[]\nplaces=[]\nagreement={reference="",url=""}',
    ],
)
def test_what_has_the_names_of_the_example_is_taken(content: bytes) -> None:
    refuse_odd_names(parse_toml(content), LIKE, "the plan", ("crop", "places"))
