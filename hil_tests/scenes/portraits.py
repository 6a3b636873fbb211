"""The two people of the demo: public-domain US-government portraits that ship inside PyPI packages.

Grace Hopper comes with matplotlib, Eileen Collins with scikit-image. The pictures are read where
the packages put them; none is copied into this project.
"""

from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Final


class Person(StrEnum):
    """A person who walks through the demo's street."""

    HOPPER = "hopper"
    COLLINS = "collins"

    @property
    def full_name(self) -> str:
        """The name for people to read."""
        return {"hopper": "Grace Hopper", "collins": "Eileen Collins"}[self.value]

    @property
    def other(self) -> "Person":
        """The other of the two."""
        return Person.COLLINS if self is Person.HOPPER else Person.HOPPER


FILES: Final = {
    Person.HOPPER: ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
    Person.COLLINS: ("skimage", "data/astronaut.png"),
}


def portrait(person: Person) -> Path:
    """Return where the person's portrait lies on this machine."""
    package, inside = FILES[person]
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"The package {package} is missing: run `make demo`.")
    return Path(spec.origin).parent / inside
