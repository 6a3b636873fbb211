"""The programs load their nets from a verified bundle only."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WAYS = re.compile(r"\b(load_manifest|(Net|Detector|Embedder)(\.load)?\()")
"""Functions that open unsigned nets: for recipes and tests only."""


@pytest.mark.parametrize("program", ["firmware", "provisioning", "estate"])
def test_no_program_loads_a_net_that_nobody_vouches_for(program: str) -> None:
    sources = [
        path
        for path in (ROOT / program).rglob("*.py")
        if not {"tests", "build"} & set(path.relative_to(ROOT).parts)
    ]
    assert sources
    assert [path.name for path in sources if WAYS.search(path.read_text("utf-8"))] == []
