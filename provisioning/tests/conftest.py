"""Sites to start from: made once, copied for every test."""

import shutil
from pathlib import Path

import pytest

from provisioning.tests.workshop import Workshop


@pytest.fixture(scope="session")
def _begun(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    workshop = Workshop(tmp_path_factory.mktemp("begun"))
    workshop.begin()
    return workshop


@pytest.fixture(scope="session")
def _prepared(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    workshop = Workshop(tmp_path_factory.mktemp("prepared"))
    workshop.prepare()
    return workshop


@pytest.fixture(scope="session")
def _listed(_prepared: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    workshop = _copy(_prepared, tmp_path_factory.mktemp("listed"))
    workshop.add()
    workshop.build()
    return workshop


@pytest.fixture
def begun(_begun: Workshop, tmp_path: Path) -> Workshop:
    """Return a site after its ceremony."""
    return _copy(_begun, tmp_path)


@pytest.fixture
def prepared(_prepared: Workshop, tmp_path: Path) -> Workshop:
    """Return a site with a camera, reviewers and a signed policy."""
    return _copy(_prepared, tmp_path)


@pytest.fixture
def listed(_listed: Workshop, tmp_path: Path) -> Workshop:
    """Return a site with a list of one person, without signatures."""
    return _copy(_listed, tmp_path)


def _copy(workshop: Workshop, folder: Path) -> Workshop:
    shutil.copytree(workshop.folder, folder, dirs_exist_ok=True)
    return Workshop(folder)
