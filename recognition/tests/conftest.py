"""The shipped nets, and two public-domain portraits that are inside two Python packages."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recognition.eye import Eye
from recognition.pixels import Pixels
from recognition.tests.bundles import MODELS, copied, signed


def portrait(package: str, name: str) -> Pixels:
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    with Image.open(Path(spec.origin).parent / name) as picture:
        return np.array(picture.convert("RGB"))


@pytest.fixture(scope="session")
def models() -> Path:
    return MODELS


@pytest.fixture
def unsigned(tmp_path: Path) -> Path:
    """A copy of the shipped models that a test may damage."""
    return copied(tmp_path)


@pytest.fixture(scope="session")
def eye(tmp_path_factory: pytest.TempPathFactory) -> Eye:
    return Eye.load(signed(copied(tmp_path_factory.mktemp("bundle"))))


@pytest.fixture(scope="session")
def hopper() -> Pixels:
    return portrait("matplotlib", "mpl-data/sample_data/grace_hopper.jpg")


@pytest.fixture(scope="session")
def collins() -> Pixels:
    return portrait("skimage", "data/astronaut.png")
