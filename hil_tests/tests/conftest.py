"""The fixture `rig` and pytest's option --rig; and how hard hypothesis looks.

`--rig desk` runs the camera's programs on this machine, `--rig virtual` its units in the virtual
camera, `--rig relays` a real camera. A test that needs a feature which the back-end lacks is
skipped with the reason from `hil_tests/rig/limits.py`.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from hil_tests.errors import DeskRefused
from hil_tests.rig.backends import open_rig, refuse_unavailable
from hil_tests.rig.contract import Rig
from hil_tests.rig.desk.programs import choose_port
from hil_tests.rig.desk_site import DeskSite
from hil_tests.rig.limits import Backend, missing
from hil_tests.rig.site_maker import copy_site, list_person, make_site, publish_list
from hil_tests.scenes.portraits import Person, portrait

settings.register_profile("fuzz", max_examples=5_000)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rig",
        default=Backend.DESK.value,
        choices=[backend.value for backend in Backend],
        help="what answers the tests that use a rig",
    )


def pytest_configure(config: pytest.Config) -> None:
    try:
        refuse_unavailable(chosen(config))
    except DeskRefused as refusal:
        raise pytest.UsageError(str(refusal)) from refusal


def pytest_runtest_setup(item: pytest.Item) -> None:
    backend = chosen(item.config)
    needed = [marker.args[0] for marker in item.iter_markers("needs")]
    reasons = [reason for feature in needed if (reason := missing(backend, feature))]
    if reasons:
        pytest.skip(" ".join(reasons))


def chosen(config: pytest.Config) -> Backend:
    return Backend(config.getoption("--rig", Backend.DESK))


@pytest.fixture(scope="session")
def listed_site(tmp_path_factory: pytest.TempPathFactory) -> DeskSite:
    """A site with a published list of one person, made once; tests work on copies of it."""
    desk = DeskSite(tmp_path_factory.mktemp("site") / "desk", choose_port(0))
    make_site(desk)
    list_person(desk, portrait(Person.HOPPER))
    publish_list(desk)
    return desk


@pytest.fixture
def site(listed_site: DeskSite, tmp_path: Path) -> DeskSite:
    """The site of the camera under test."""
    return copy_site(listed_site, tmp_path / "desk")


@pytest.fixture
def rig(site: DeskSite, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Rig]:
    """A dark camera of that site, on the back-end that --rig names."""
    with open_rig(chosen(request.config), site, tmp_path / "rig") as rig:
        yield rig
