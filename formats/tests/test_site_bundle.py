"""A bundle is read as it was written, in one spelling, and can name nothing outside its folder."""

import struct
from contextlib import nullcontext

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from formats.errors import FormatError, Malformed, TooLarge
from formats.site_bundle import FILES_LIMIT, LAST, LIMIT_BYTES, MAGIC, read_bundle, write_bundle

NAMES = st.from_regex(r"(metadata|targets)/[a-z0-9][a-z0-9.-]{0,20}", fullmatch=True)
FILES = st.dictionaries(NAMES, st.binary(max_size=50), max_size=5).map(
    lambda files: {**files, LAST: b"{}"}
)
SMALL = {"targets/ab.policy.json": b"{}", "metadata/1.root.json": b"[]", LAST: b"1"}


@given(FILES)
def test_a_bundle_is_read_as_it_was_written(files: dict[str, bytes]) -> None:
    assert read_bundle(write_bundle(files)) == files


@given(FILES)
def test_the_timestamp_comes_last(files: dict[str, bytes]) -> None:
    assert list(read_bundle(write_bundle(files)))[-1] == LAST


@pytest.mark.parametrize(
    "name",
    [
        "../etc/passwd",
        "metadata/../../x",
        "/metadata/x",
        "metadata/.hidden",
        "metadata/a/b",
        "metadata/",
        "other/x",
        "metadata/x\n",
        "metadata/ü",
    ],
)
def test_a_name_outside_a_repository_is_refused(name: str) -> None:
    with pytest.raises(Malformed):
        write_bundle({name: b"", LAST: b""})


def test_a_bundle_without_a_timestamp_is_refused() -> None:
    with pytest.raises(Malformed):
        write_bundle({"metadata/1.root.json": b""})


def test_a_bundle_that_no_message_holds_is_refused() -> None:
    with pytest.raises(TooLarge):
        write_bundle({LAST: bytes(LIMIT_BYTES)})


def file_of(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack("<HI", len(name), len(content)) + name + content


@pytest.mark.parametrize(
    "files",
    [
        [LAST.encode(), LAST.encode()],
        [LAST.encode(), b"metadata/a"],
        [b"metadata/b", b"metadata/a", LAST.encode()],
    ],
    ids=["twice", "timestamp first", "out of order"],
)
def test_a_second_spelling_is_refused(files: list[bytes]) -> None:
    with pytest.raises(Malformed):
        read_bundle(MAGIC + struct.pack("<H", len(files)) + b"".join(map(file_of, files)))


@pytest.mark.parametrize(("count", "refused"), [(FILES_LIMIT, False), (FILES_LIMIT + 1, True)])
def test_more_files_than_a_repository_has_are_refused(count: int, *, refused: bool) -> None:
    files = {f"metadata/{number}.root.json": b"" for number in range(count - 1)} | {LAST: b""}
    with pytest.raises(TooLarge) if refused else nullcontext():
        write_bundle(files)


@pytest.mark.parametrize("change", [-1, 1])
def test_another_length_is_refused(change: int) -> None:
    bundle = write_bundle(SMALL)
    with pytest.raises(Malformed):
        read_bundle(bundle[:change] if change < 0 else bundle + bytes(change))


def test_every_cut_is_refused() -> None:
    bundle = write_bundle(SMALL)
    for end in range(len(bundle)):
        with pytest.raises(Malformed):
            read_bundle(bundle[:end])


@given(st.binary(max_size=200))
@example(b"\xff\xff")
@example(b"\x01\x00\xff\xff\xff\xff\xff\xff")
def test_noise_is_refused_or_has_only_names_of_a_repository(noise: bytes) -> None:
    try:
        files = read_bundle(MAGIC + noise)
    except FormatError:
        return
    assert all(name.split("/")[0] in {"metadata", "targets"} for name in files)
