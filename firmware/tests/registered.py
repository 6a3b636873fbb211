"""A registration for a camera of the tests: both sides' own code, over a simulated cable."""

from nacl.signing import SigningKey

from firmware.config import Config
from firmware.registration.kept import read_kept
from hil_tests.rig.simulated_cable import desk_terms, register_on_desk

ROOT = b"the root of the tests' images"
INSTALLER = SigningKey(bytes([90]) * 32)
TERMS = desk_terms(ROOT)


def register(config: Config) -> None:
    """Register a camera, unless it is registered."""
    if read_kept(config.state) is None:
        bench = config.state.root.parent / "bench"
        register_on_desk(config.state, ROOT, bench, INSTALLER, TERMS)
