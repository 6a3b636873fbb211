"""Commissioning pages and their acceptance: vectors, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from formats.commissioning import (
    PlanPoint,
    read_commissioning,
    read_commissioning_acceptance,
    write_commissioning,
    write_commissioning_acceptance,
)
from formats.errors import FormatError
from formats.tests.commissioning_vectors import PERSON
from formats.tests.registration_vectors import INSTALLER

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parent / "vectors" / "commissioning.json").read_text()
)


def test_a_page_is_read_and_written_with_the_same_bytes() -> None:
    page = read_commissioning(VECTORS["page"].encode())
    assert (page.place, page.plan) == ("North gate, left post", PlanPoint(120, 85))
    assert (page.walk.refused_bright, page.walk.passers_by) == (7, 2)
    assert write_commissioning(page, INSTALLER) == VECTORS["page"].encode()
    assert read_commissioning(VECTORS["page without a point"].encode()).plan is None


def test_an_acceptance_holds_the_page_that_the_installer_signed() -> None:
    page, acceptance = read_commissioning_acceptance(VECTORS["good"].encode())
    assert page == read_commissioning(VECTORS["page"].encode())
    assert acceptance.signed_page == VECTORS["page"].encode()
    assert write_commissioning_acceptance(acceptance, PERSON) == VECTORS["good"].encode()


@pytest.mark.parametrize("name", sorted(VECTORS["broken pages"]))
def test_a_broken_page_is_refused(name: str) -> None:
    with pytest.raises(FormatError):
        read_commissioning(VECTORS["broken pages"][name].encode())


@pytest.mark.parametrize("name", sorted(VECTORS["broken"]))
def test_a_broken_acceptance_is_refused(name: str) -> None:
    with pytest.raises(FormatError):
        read_commissioning_acceptance(VECTORS["broken"][name].encode())
