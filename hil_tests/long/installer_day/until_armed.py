"""Noon: the cameras are in the policy, get the list, are armed, and one sees a listed person."""

import time
from functools import partial
from typing import Final

from formats.ledger import Happening, Program, Record
from hil_tests.long.installer_day.container import DayCamera
from hil_tests.long.installer_day.day_folder import CAMERAS, CONTAINER, DESK, Day

LIST_S: Final = 300.0
"""Longest wait for a list, and for the light after it."""
EVENT_S: Final = 300.0
"""Longest wait until the listed person is seen, and the event is at the estate."""


def publish_the_list(day: Day) -> str:
    """Add the cameras to the policy, list one person, publish; return the person's entry."""
    with day.steps.step("Policy, list, broker", DESK) as step:
        for camera in day.cameras:
            place = ("--place", f"gate {camera.number}", "--grounds", "Seen here twice.")
            words = ("camera", "add-registered", day.desk.site, camera.id, *place)
            day.desk.tallylight(*words, "--training")
            camera.join_site()
        day.desk.sign_policy()
        handle = day.desk.list_person()
        day.desk.configure_broker()
        day.desk.start_broker()
        day.desk.publish()
        day.desk.start_receiver()
        step.seen = f"{CAMERAS} cameras, one person"
    return handle


def arm_the_cameras(day: Day) -> None:
    """Wait until each camera has accepted the list and looks in light."""
    with day.steps.step("The cameras get the list and are armed", CONTAINER) as step:
        for camera in day.cameras:
            camera.wait("list", partial(has_list, camera), LIST_S)
        for camera in day.cameras:
            camera.wait("light", partial(is_armed, camera), LIST_S)
        step.seen = f"{CAMERAS} of {CAMERAS} looked while their lamp was lit"


def open_the_event(day: Day, handle: str) -> None:
    """Wait for the event of the camera that sees the listed person; open it at the estate."""
    with day.steps.step("One sees the listed person; a reviewer opens it", CONTAINER) as step:
        until_s = time.monotonic() + EVENT_S
        while not (events := day.desk.opened_events()):
            assert time.monotonic() < until_s, "no event was at the estate"
            time.sleep(5.0)
        assert {event["entry"] for event in events} == {handle}
        assert {event["camera"] for event in events} == {day.cameras[0].id}
        step.seen = f"{len(events)} events, all of the one person and the one camera"


def has_list(camera: DayCamera) -> bool:
    """Return whether a camera has accepted a list."""
    return bool(accepted_lists(camera))


def accepted_lists(camera: DayCamera) -> list[Record]:
    """Return the records of the lists that a camera has accepted, again at each start."""
    records = camera.records(Program.WATCH)
    return [one for one in records if one.event is Happening.LIST_ACCEPTED]


def is_armed(camera: DayCamera) -> bool:
    """Return whether a camera has looked in light since it began, and its lamp shone meanwhile."""
    return camera.looks() > 0 and any(edge.high for edge in camera.board.shone)
