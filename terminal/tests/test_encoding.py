"""Output on a terminal whose encoding lacks characters."""

import os
import subprocess
import sys

import pytest

SAYS = """
from terminal.encoding import replace_what_cannot_be_shown
replace_what_cannot_be_shown()
print("Mill Lane \u2013 \u00e9t\u00e9 \u2713 \u2717 \u03a9")
"""


def said(encoding: str) -> str:
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    done = subprocess.run(
        [sys.executable, "-c", SAYS], env=environment, capture_output=True, check=True
    )
    return done.stdout.decode(encoding).strip()


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", "Mill Lane \N{EN DASH} été ✓ ✗ Ω"),
        ("iso-8859-1", "Mill Lane - été + x ?"),
        ("iso-8859-9", "Mill Lane - été + x ?"),
        ("cp1252", "Mill Lane \N{EN DASH} été + x ?"),
        ("ascii", "Mill Lane - ete + x ?"),
    ],
)
def test_what_an_encoding_lacks_becomes_plain(encoding: str, shown: str) -> None:
    assert said(encoding) == shown
