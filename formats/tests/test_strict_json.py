"""Strict JSON: one spelling for each value; every other spelling is refused."""

import json
from enum import StrEnum
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import FormatError, Malformed, TooLarge
from formats.strict_json import DEPTH_LIMIT, INT_LIMIT, Fields, JsonValue, dumps, loads, parse

T = TypeVar("T")

INTS = st.integers(min_value=-INT_LIMIT, max_value=INT_LIMIT)
TEXTS = st.text(st.characters(codec="utf-8"))
LEAVES = st.none() | st.booleans() | INTS | TEXTS
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=10
)
OBJECTS: st.SearchStrategy[dict[str, JsonValue]] = st.dictionaries(TEXTS, VALUES)


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


def nested(levels: int) -> dict[str, JsonValue]:
    value: dict[str, JsonValue] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


@given(OBJECTS)
def test_what_is_written_is_read(value: dict[str, JsonValue]) -> None:
    data = dumps(value)
    assert loads(data, limit=len(data)) == value


@given(st.binary(max_size=60) | TEXTS.map(str.encode) | OBJECTS.map(json.dumps).map(str.encode))
def test_each_accepted_text_has_one_spelling(data: bytes) -> None:
    try:
        value = loads(data, limit=1 << 20)
    except FormatError:
        return
    assert dumps(value) == data


def test_keys_are_sorted_and_nothing_is_blank() -> None:
    assert dumps({"b": [1, None, True], "a": "é"}) == '{"a":"é","b":[1,null,true]}'.encode()


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}',
        '{"a":1,"a":2}',
        '{"b":1,"a":2}',
        '{"a": 1}',
        ' {"a":1}',
        '{"a":1}\n',
        '{"a":1}{}',
        '{"a":1.0}',
        '{"a":1e3}',
        '{"a":1e999}',
        '{"a":NaN}',
        '{"a":Infinity}',
        '{"a":-0}',
        '{"a":01}',
        '{"a":9223372036854775808}',
        '{"a":"\\u0061"}',
        '{"a":"\\/"}',
        '{"a":"\\ud800"}',
        '{"a":1,}',
        '{"a":' + "9" * 5000 + "}",
        '\ufeff{"a":1}',
        "[]",
        "1",
        "null",
        "",
    ],
)
def test_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        loads(text.encode(), limit=10_000)


def test_bytes_that_are_not_utf8_are_refused() -> None:
    with pytest.raises(Malformed):
        loads(b'{"a":"\xff"}', limit=100)


def test_a_text_over_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(TooLarge):
        loads(b"[" * 11, limit=10)


def test_the_deepest_nesting_is_read() -> None:
    deep = nested(DEPTH_LIMIT)
    assert loads(dumps(deep), limit=1000) == deep


def test_one_level_more_is_refused() -> None:
    with pytest.raises(Malformed, match="deeper than 16"):
        loads(json.dumps(nested(DEPTH_LIMIT + 1), separators=(",", ":")).encode(), limit=1000)


def test_nesting_that_would_exhaust_the_stack_is_refused() -> None:
    with pytest.raises(Malformed):
        loads(b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}", limit=1 << 20)


@pytest.mark.parametrize("value", [1.0, float("nan"), b"bytes", {1, 2}, object()])
def test_a_value_without_a_spelling_is_not_written(value: object) -> None:
    with pytest.raises(Malformed):
        dumps({"a": value})  # type: ignore[dict-item]  # The point of this test.


def test_a_key_that_is_not_text_is_not_written() -> None:
    with pytest.raises(Malformed, match="key"):
        dumps({1: "a"})  # type: ignore[dict-item]  # The point of this test.


def test_half_a_surrogate_pair_is_not_written() -> None:
    with pytest.raises(Malformed, match="surrogate"):
        dumps({"a": "\ud800"})


# Fields.


def read(value: dict[str, JsonValue], method: str, *arguments: object, **bounds: object) -> object:
    def one_field(fields: Fields) -> object:
        return getattr(fields, method)("a", *arguments, **bounds)

    return parse(dumps(value), one_field, limit=1000, what="thing")


def test_an_unknown_field_is_named() -> None:
    with pytest.raises(Malformed, match=r"thing has unknown fields: \['b'\]"):
        read({"a": 1, "b": 2}, "integer")


def test_an_unknown_field_cannot_write_a_line_of_its_own() -> None:
    with pytest.raises(Malformed) as caught:
        read({"a": 1, "b\nINFO all is well": 2}, "integer")
    assert "\n" not in str(caught.value)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(Malformed, match=r"thing\.a is missing"):
        read({}, "integer")


def test_a_field_in_a_nested_list_is_named_by_its_path() -> None:
    def inner(fields: Fields) -> int:
        return fields.integer("b")

    with pytest.raises(Malformed, match=r"thing\.a\[1\]\.b is missing"):
        read({"a": [{"b": 1}, {}]}, "objects", inner, count=2)


def test_an_unknown_field_in_a_nested_object_is_refused() -> None:
    with pytest.raises(Malformed, match=r"thing\.a has unknown fields"):
        read({"a": {"b": 1}}, "object", lambda _: None)


@pytest.mark.parametrize(
    ("method", "bounds", "value", "expected"),
    [
        ("integer", {"low": -1, "high": 1}, -1, -1),
        ("integer", {"low": -1, "high": 1}, 1, 1),
        ("boolean", {}, True, True),
        ("text", {"at_most": 3}, "abc", "abc"),
        ("texts", {"at_most": 1, "count": 2}, ["a", "b"], ("a", "b")),
        ("constant", {"word": "v1"}, "v1", None),
        ("choice", {"choices": Colour}, "green", Colour.GREEN),
        ("hex_bytes", {"size": 2}, "00ff", b"\x00\xff"),
        ("base64_bytes", {"at_most": 2}, "AP8=", b"\x00\xff"),
        ("utc_s", {}, 1_767_225_600, 1_767_225_600),
        ("is_null", {}, None, True),
        ("flat", {"count": 2}, {"x": 1, "y": "z"}, {"x": 1, "y": "z"}),
    ],
)
def test_a_field_within_its_bounds_is_read(
    method: str, bounds: dict[str, object], value: JsonValue, expected: object
) -> None:
    assert read({"a": value}, method, **bounds) == expected


@pytest.mark.parametrize(
    ("method", "bounds", "value"),
    [
        ("integer", {"low": 0, "high": 1}, 2),
        ("integer", {"low": 0, "high": 1}, -1),
        ("integer", {}, True),
        ("integer", {}, "1"),
        ("integer", {}, None),
        ("boolean", {}, 1),
        ("text", {"at_most": 3}, ""),
        ("text", {"at_most": 3}, "abcd"),
        ("text", {"at_most": 3}, "a\nb"),
        ("text", {"at_most": 3}, "a\u202eb"),
        ("text", {"at_most": 3}, 1),
        ("texts", {"at_most": 1, "count": 1}, ["a", "b"]),
        ("texts", {"at_most": 1, "count": 1}, ["ab"]),
        ("texts", {"at_most": 1, "count": 1}, "a"),
        ("constant", {"word": "v1"}, "v2"),
        ("choice", {"choices": Colour}, "blue"),
        ("choice", {"choices": Colour}, 1),
        ("hex_bytes", {"size": 2}, "00f"),
        ("hex_bytes", {"size": 2}, "00FF"),
        ("hex_bytes", {"size": 2}, "0 ff"),
        ("hex_bytes", {"size": 2}, 1),
        ("base64_bytes", {"at_most": 2}, ""),
        ("base64_bytes", {"at_most": 2}, "AP8A"),
        ("base64_bytes", {"at_most": 2}, "AP9="),
        ("base64_bytes", {"at_most": 2}, "AP8"),
        ("base64_bytes", {"at_most": 2}, "AP8=\n"),
        ("base64_bytes", {"at_most": 2}, "é"),
        ("base64_bytes", {"at_most": 2}, None),
        ("utc_s", {}, 1_767_225_600_000),
        ("utc_s", {}, 0),
        ("is_null", {}, 1),
        ("object", {"read": lambda _: None}, []),
        ("objects", {"read": lambda _: None, "count": 1}, {}),
        ("objects", {"read": lambda _: None, "count": 1}, [{}, {}]),
        ("objects", {"read": lambda _: None, "count": 1}, [1]),
        ("flat", {"count": 1}, {"x": 1, "y": 1}),
        ("flat", {"count": 1}, {"x": None}),
        ("flat", {"count": 1}, {"x": True}),
        ("flat", {"count": 1}, {"x": {}}),
        ("flat", {"count": 1}, []),
    ],
)
def test_a_field_out_of_its_bounds_is_refused(
    method: str, bounds: dict[str, object], value: JsonValue
) -> None:
    with pytest.raises(Malformed):
        read({"a": value}, method, **bounds)
