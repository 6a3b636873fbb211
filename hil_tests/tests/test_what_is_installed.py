"""Each program finds the packages that it imports among those that its own lock installs."""

import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
OURS = (
    *("formats", "recognition", "wire", "terminal", "firmware", "provisioning", "estate", "models"),
    *("hil_tests", "benchmarks"),
)
# Raspberry Pi OS brings it as a Debian package.
FROM_THE_BOARD = {"picamera2"}


def imported(module: str) -> set[str]:
    """Return the packages of others that the module reaches, through any module of the project."""
    graph = grimp.build_graph(*OURS, include_external_packages=True, cache_dir=None)
    reached = {name.split(".")[0] for name in graph.find_upstream_modules(module)}
    return reached - set(sys.stdlib_module_names) - set(OURS)


@pytest.mark.parametrize(
    ("lock", "module"),
    [
        ("estate", "estate.__main__"),
        ("estate", "estate.accounts.verify"),
        ("provisioning", "provisioning.__main__"),
        ("provisioning", "provisioning.conformance.tuf_client"),
        ("camera", "firmware.__main__"),
    ],
)
def test_a_program_imports_nothing_that_its_lock_does_not_install(lock: str, module: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text("utf-8")
    locked = set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))
    carried = packages_distributions()
    found = imported(module)
    assert found
    missing = {
        name
        for name in found - FROM_THE_BOARD
        if not {d.lower().replace("_", "-") for d in carried.get(name, [name])} & locked
    }
    assert missing == set()
