"""The options of `make demo`: the scene, the person on the list, the broker's port, the folder."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hil_tests.errors import DeskRefused
from hil_tests.scenes.portraits import Person, portrait
from hil_tests.scenes.sources import STREET

BUILD: Final = Path("build/demo")
PORT_MAX: Final = 65_535


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line chose: what is played, and who is on the list."""

    source: str
    """As `open_source` takes it."""
    picture: Path
    """Of the person on the list."""
    title: str
    listed: Person | None
    """Who that is, if the drawn street is played."""


def read_choice() -> argparse.Namespace:
    """Return the options of the command line.

    Raises:
        DeskRefused: a name or a number is none that can be chosen.
    """
    parser = argparse.ArgumentParser(
        prog="make demo", description="The whole camera on this machine."
    )
    parser.add_argument(
        "--source", type=_home, help="a video file, a folder of pictures, or a webcam's number"
    )
    parser.add_argument("--person", type=_home, help="a picture of the person to look for")
    parser.add_argument("--listed", type=_person, default=Person.HOPPER, help=" or ".join(Person))
    parser.add_argument("--port", type=_port, default=0, help="of the broker; 0: any that is free")
    parser.add_argument("--review", action="store_true", help="open the report and the consoles")
    parser.add_argument("--build", type=Path, default=BUILD, help="where everything is put")
    return parser.parse_args()


def scene_of(chosen: argparse.Namespace) -> Choice:
    """Return what is played and who is on the list.

    Raises:
        DeskRefused: a source came without a person, or a person without a source.
    """
    if chosen.source is None and chosen.person is None:
        listed = Person(chosen.listed)
        title = f"{listed.full_name} is on the list, {listed.other.full_name} is not."
        return Choice(STREET, portrait(listed), title, listed)
    if chosen.source is None or chosen.person is None:
        raise DeskRefused("SOURCE and PERSON belong together: give both, a scene and a picture.")
    return Choice(chosen.source, Path(chosen.person), f"{chosen.person} is on the list.", None)


def _home(path: str) -> str:
    """Return the path with a leading `~` replaced, which a quoted one still has."""
    return os.path.expanduser(path)  # noqa: PTH111  # Pathlib's raises for an unknown user.


def _person(name: str) -> Person:
    try:
        return Person(name.lower())
    except ValueError as error:
        known = " or ".join(Person)
        raise DeskRefused(f"LISTED={name} does not walk in the street: choose {known}.") from error


def _port(number: str) -> int:
    if not number.isdecimal() or int(number) > PORT_MAX:
        raise DeskRefused(f"PORT={number} is no port: give a number from 1 to {PORT_MAX}.")
    return int(number)
