"""Every byte of a small list, flipped once: none of them is accepted."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from tuf.api.exceptions import LengthOrHashMismatchError
from tuf.api.metadata import Metadata, Targets  # type: ignore[attr-defined]  # Re-exports.

from firmware.tests.desk import DIM, Desk, entry, template_row
from firmware.tests.verifier import Camera, flip, only
from firmware.trust.watchlist import ListRefused
from formats.casefile import read_casefile, write_casefile
from formats.errors import FormatError
from formats.watchlist import Body, read_body, write_body


def accepted_flips(folder: Path, pattern: str, step: int) -> list[int]:
    """Return the places at which a flipped byte of a published file was accepted."""
    Desk().publish(folder / "inbox")
    path = only(folder / "inbox", pattern)
    whole, found = path.read_bytes(), []
    for at in range(0, len(whole), step):
        flip(path, at)
        try:
            Camera(folder).looks()
            found.append(at)
        except ListRefused:
            pass
        path.write_bytes(whole)
    return found


STEP = 397
"""A whole camera looks at every 397th byte of each file; at every byte, TUF and the readers do."""


@pytest.mark.parametrize("pattern", ["targets/*.watchlist-mill.json", "targets/*.sealed"])
def test_no_flipped_byte_is_accepted_by_a_camera(tmp_path: Path, pattern: str) -> None:
    assert accepted_flips(tmp_path, pattern, STEP) == []


@pytest.mark.parametrize("name", ["watchlist-mill.json", "watchlist-mill.sealed"])
def test_no_flipped_byte_passes_what_two_organisations_signed(tmp_path: Path, name: str) -> None:
    Desk().publish(tmp_path)
    role = Metadata[Targets].from_file(str(tmp_path / "metadata" / "1.site-mill.json"))
    info = role.signed.targets[name]
    content = bytearray(only(tmp_path, f"targets/*.{name}").read_bytes())
    info.verify_length_and_hashes(bytes(content))
    for at in range(len(content)):
        content[at] ^= 1
        with pytest.raises(LengthOrHashMismatchError):
            info.verify_length_and_hashes(bytes(content))
        content[at] ^= 1


@pytest.mark.parametrize("bit", range(8))
def test_no_flipped_bit_of_a_body_reads_as_the_same_list(bit: int) -> None:
    body = Body(
        DIM, b"".join(entry(who).handle for who in (1, 2, 3)), b"".join(map(template_row, range(3)))
    )
    whole = write_body(body)
    for at in range(len(whole)):
        broken = bytearray(whole)
        broken[at] ^= 1 << bit
        try:
            assert read_body(bytes(broken)) != body
        except FormatError:
            continue


@pytest.mark.parametrize("bit", range(8))
def test_no_flipped_bit_of_a_case_file_has_the_same_digest_or_reads_the_same(
    tmp_path: Path, bit: int
) -> None:
    Desk().publish(tmp_path)
    whole = only(tmp_path, "targets/*.watchlist-mill.json").read_bytes()
    case = read_casefile(whole)
    assert write_casefile(replace(case)) == whole
    for at in range(len(whole)):
        broken = bytearray(whole)
        broken[at] ^= 1 << bit
        assert sha256(broken).digest() != sha256(whole).digest()
        try:
            assert read_casefile(bytes(broken)) != case
        except FormatError:
            continue
