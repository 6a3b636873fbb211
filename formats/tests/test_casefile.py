"""The case file: entries in columns, every rule about them kept, one spelling of one list."""

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from formats.casefile import read_casefile, write_casefile
from formats.entry import (
    FLAGS,
    MOMENTS,
    PICTURES_LIMIT,
    TEXTS,
    Entry,
    PictureQuality,
    case_digest,
    make_entry,
    read_entry,
    write_entry,
)
from formats.entry_columns import entries_of
from formats.errors import Malformed
from formats.strict_json import UTC_HIGH_S, UTC_LOW_S, dumps, parse
from formats.tests.casefile_vectors import ADDED, EXPIRES, HANDLES, REVIEW
from formats.tests.make_vectors import FOLDER
from formats.tests.site_samples import CASE, ENTRY, MOMENT_S

VECTORS = json.loads((FOLDER / "casefile.json").read_text())
WORDS = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=128)
FIGURES = st.integers(0, 2**31 - 1)
PICTURES = st.builds(PictureQuality, FIGURES, FIGURES, FIGURES, FIGURES)

UNHURRIED = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
"""Lists of people take long to think of, above all on a machine that does other things, too."""


@st.composite
def people(draw: st.DrawFn) -> list[Entry]:
    """Draw different people, by ascending handle."""
    handles = draw(st.sets(st.binary(min_size=16, max_size=16), max_size=6))
    moments = st.lists(st.integers(UTC_LOW_S, UTC_HIGH_S), min_size=3, max_size=3, unique=True)
    found = []
    for handle in sorted(handles):
        added, review, expires = sorted(draw(moments))
        found.append(
            make_entry(
                handle=handle,
                case_digest=draw(st.binary(min_size=32, max_size=32)),
                pictures=tuple(draw(st.lists(PICTURES, min_size=1, max_size=PICTURES_LIMIT))),
                texts={name: draw(WORDS) for name in TEXTS},
                moments=dict(zip(MOMENTS, (added, review, expires), strict=True)),
                flags={name: draw(st.booleans()) for name in FLAGS},
            )
        )
    return found


@UNHURRIED
@given(people())
def test_a_case_file_reads_as_it_was_written(entries: list[Entry]) -> None:
    case = replace(CASE, entries=entries_of(entries))
    written = write_casefile(case)
    assert read_casefile(written) == case
    assert list(read_casefile(written).entries) == entries


@UNHURRIED
@given(people(), st.integers(UTC_LOW_S, UTC_HIGH_S))
def test_columns_answer_as_the_entries_themselves(entries: list[Entry], now_s: int) -> None:
    columns = entries_of(entries)
    live = [entry for entry in entries if entry.is_live(now_s)]
    assert list(columns.select(columns.live(now_s))) == live
    assert columns.sensitive == any(entry.sensitive for entry in entries)
    assert columns.distinct_texts("category") == {entry.category for entry in entries}
    assert [columns.by_handle(entry.handle) for entry in entries] == entries
    handles = b"".join(entry.handle * len(entry.pictures) for entry in entries)
    assert columns.template_handles == handles


@UNHURRIED
@given(people())
def test_an_entry_by_itself_reads_as_it_was_written(entries: list[Entry]) -> None:
    for entry in entries:
        assert parse(dumps(write_entry(entry)), read_entry, limit=10**6, what="entry") == entry


def test_the_vector_says_what_its_table_says() -> None:
    case = read_casefile(VECTORS["good"].encode())
    assert write_casefile(case).decode() == VECTORS["good"]
    one, two, three = case.entries
    assert [one.handle, two.handle, three.handle] == HANDLES
    assert (two.organisation, two.legal_basis, two.source) == (
        *("estate", "Other Act, section 2"),
        "Police file",
    )
    assert [entry.minor for entry in case.entries] == [False, True, False]
    assert [entry.vulnerable for entry in case.entries] == [False, False, True]
    assert [entry.picture_kept for entry in case.entries] == [False, True, False]
    assert [picture.face_height_px for picture in two.pictures] == [201, 202, 203]
    assert three.pictures == (PictureQuality(204, 84, 34, 54),)
    assert (one.added_utc_s, one.review_utc_s, one.expires_utc_s) == (ADDED, REVIEW, EXPIRES)
    assert case.entries.template_handles == HANDLES[0] + HANDLES[1] * 3 + HANDLES[2]


@pytest.mark.parametrize("name", VECTORS["broken"])
def test_a_broken_case_file_is_refused(name: str) -> None:
    with pytest.raises(Malformed):
        read_casefile(VECTORS["broken"][name].encode())


def test_an_unknown_handle_finds_no_entry() -> None:
    assert CASE.entries.by_handle(bytes(16)) is None
    assert CASE.entries.by_handle(b"\xff" * 16) is None


def test_a_row_that_is_not_there_is_no_entry() -> None:
    with pytest.raises(IndexError):
        CASE.entries[1]


def test_a_list_that_lives_longer_than_a_week_is_refused() -> None:
    with pytest.raises(Malformed, match="seven days"):
        replace(CASE, expires_utc_s=CASE.expires_utc_s + 1)


def test_a_list_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(Malformed, match="seven days"):
        replace(CASE, expires_utc_s=CASE.issued_utc_s)


def test_entries_out_of_order_are_refused() -> None:
    with pytest.raises(Malformed, match="out of order"):
        entries_of([replace(ENTRY, handle=bytes([2]) * 16), ENTRY])


def test_one_entry_twice_is_refused() -> None:
    with pytest.raises(Malformed, match="there twice"):
        entries_of([ENTRY, ENTRY])


def test_a_negative_figure_is_refused() -> None:
    with pytest.raises(Malformed, match="negative"):
        entries_of([replace(ENTRY, pictures=(PictureQuality(-1, 0, 0, 0),))])


@pytest.mark.parametrize("count", [0, PICTURES_LIMIT + 1])
def test_no_picture_or_too_many_are_refused(count: int) -> None:
    with pytest.raises(Malformed, match="1 to 8 pictures"):
        replace(ENTRY, pictures=ENTRY.pictures * count)


@pytest.mark.parametrize(
    "changes",
    [
        {"review_utc_s": MOMENT_S},
        {"review_utc_s": MOMENT_S + 201},
        {"expires_utc_s": MOMENT_S},
    ],
)
def test_dates_out_of_order_are_refused(changes: dict[str, int]) -> None:
    with pytest.raises(Malformed, match="in this order"):
        replace(ENTRY, **changes)  # type: ignore[arg-type]  # Every change is a moment.


@pytest.mark.parametrize(
    ("now_s", "is_live"),
    [
        (MOMENT_S - 1, False),
        (MOMENT_S, True),
        (MOMENT_S + 99, True),
        (MOMENT_S + 100, False),
    ],
)
def test_an_entry_is_live_from_added_until_review(now_s: int, *, is_live: bool) -> None:
    assert ENTRY.is_live(now_s) is is_live


def test_a_case_has_another_digest_under_another_handle() -> None:
    assert case_digest(bytes(16), "CR/1") != case_digest(bytes([1]) * 16, "CR/1")
