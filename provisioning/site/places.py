"""Places of cameras: each camera of a site has a place of its own, so that people can find it.

A policy of an earlier version with two cameras at one place is read as before. It is refused when a
camera is added, or when the policy is edited.
"""

from collections.abc import Iterable

from formats.organisations import folded
from formats.policy import Place
from provisioning.errors import CameraRefused


def refuse_same_place(places: Iterable[Place]) -> None:
    """Raise unless each camera's place has its own name: people find a camera by its place.

    Raises:
        CameraRefused: two cameras have one place.
    """
    taken: dict[str, Place] = {}
    for each in places:
        other = taken.setdefault(folded(each.place), each)
        if other.camera != each.camera:
            raise CameraRefused(
                f"The place {each.place!r} is camera {other.camera.camera_id.hex()[:8]}'s already: "
                "say where this one hangs, so that people can tell the two apart."
            )
