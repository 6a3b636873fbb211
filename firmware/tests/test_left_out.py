"""What `watch` loads, in a process of its own: no HTTP, no TLS, no library that it never uses."""

import subprocess
import sys

import pytest

from firmware.tests.camera_setup import made_camera
from firmware.tests.command import config_file, make_bundle

LIBRARIES = {
    "PIL",
    "ai_edge_litert",
    "cryptography",
    "nacl",
    "numpy",
    "securesystemslib",
    "tuf",
}
"""The libraries of `watch`, besides picamera2 on a camera; a new one needs a reason here."""
OURS = {"firmware", "formats", "recognition"}
NETWORK = {"ssl", "http", "socketserver", "ftplib", "smtplib", "xmlrpc", "asyncio"}
"""Modules of Python's own library that speak over a network."""

PROGRAM = """
import sys
from firmware.__main__ import main
main(["--config", sys.argv[1], "watch"])
files = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
print(*(name for name, file in files.items() if file))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Return what `watch` has loaded when its nets are open and it has read a list."""
    folder = tmp_path_factory.mktemp("camera")
    config = made_camera(folder)
    make_bundle(config)
    config.trusted_root.write_text("{}")
    settings = config_file(config, folder / "camera.toml")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(settings)], capture_output=True, text=True, check=False
    )
    assert "The site's repository is refused" in done.stderr
    return set(done.stdout.split())


def test_watch_loads_the_libraries_that_it_needs_and_no_other(loaded: set[str]) -> None:
    tops = {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names)
    assert {name for name in tops if not name.startswith("_")} - OURS == LIBRARIES


def test_watch_loads_nothing_that_speaks_over_a_network(loaded: set[str]) -> None:
    assert {name.partition(".")[0] for name in loaded} & NETWORK == set()


def test_python_tufs_own_fetcher_refuses() -> None:
    program = (
        "from firmware.left_out import leave_out\n"
        "leave_out()\n"
        "from tuf.ngclient.updater import Updater\n"
        "Updater('/nonexistent', metadata_base_url='https://example.org', bootstrap=None)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert "This program has no network" in done.stderr
