"""The sign for the public beside a camera, generated from the signed policy: PDF on A4.

It says who looks for whom and why, when, what the lamp means, how long a match is kept, how many
wrong alarms the policy accepts, and where the agreement can be read. Every figure is the policy's.
"""

from typing import Final

from formats.policy import Place, Policy
from formats.schedule import Window
from provisioning.errors import PaperRefused
from provisioning.papers.pages import A4, begin, broken

MARGIN: Final = 20.0
"""Empty edge in mm."""
WIDTH: Final = A4[0] - 2 * MARGIN
FACTS_TOP: Final = 86.0
"""Where the facts begin at the latest, in mm from the top."""
LOWEST: Final = A4[1] - 18
"""Where they end at the latest."""
SIZES: Final = (12.0, 10.0, 8.0, 6.0, 5.0)
"""Sizes of letters, in points; the largest is taken with which everything fits on the page."""
WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LAMP: Final = "while the lamp on the camera is lit, and at no other time."
FORGOTTEN: Final = (
    "The camera compares each face with the list and forgets it at once if it is not on it. "
    "Two people look at each match before anything follows. A match is destroyed after {} days "
    "at the latest."
)
WRONG: Final = "The site accepts that {} who are not on the list are taken for a person on it."
PPM: Final = 1_000_000


def draw_sign(policy: Policy, place: Place, contact: str) -> bytes:
    """Return the sign for one camera as PDF.

    Args:
        policy: the policy in force.
        place: the camera's place in it.
        contact: how the public reaches the site: a telephone number, an address, a web page.

    Raises:
        PaperRefused: all of it does not fit on one page.
    """
    said = facts(policy, place, contact)
    size = next((each for each in SIZES if _bottom(said, each) <= LOWEST), None)
    if size is None:
        raise PaperRefused("The sign does not fit on one page: shorten --contact.")
    pages = begin("Face recognition")
    y = pages.lines(MARGIN, 35, "Face recognition runs here", width=WIDTH, size=34) + 4
    y = pages.lines(MARGIN, y, LAMP, width=WIDTH, size=18) + 7
    for heading, words in said:
        pages.text(MARGIN, y, heading, size=size + 1, bold=True)
        y = pages.lines(MARGIN, y + 0.54 * size, words, width=WIDTH, size=size) + 0.58 * size
    pages.text(MARGIN, A4[1] - 12, f"{policy.site}, policy version {policy.version}", size=8)
    return pages.finish()


def _bottom(said: list[tuple[str, str]], size: float) -> float:
    """Return how far down the page the facts reach at a size of letters, in mm."""
    lines = sum(len(broken(words, WIDTH, size)) for _, words in said)
    return FACTS_TOP + size * (0.5 * lines + (0.54 + 0.58) * len(said))


def facts(policy: Policy, place: Place, contact: str) -> list[tuple[str, str]]:
    """Return what the sign says: each heading and its sentence."""
    suppliers = ", ".join(supplier.organisation for supplier in policy.suppliers)
    return [
        ("Who is looked for", f"At most {policy.cap} people, for: {', '.join(policy.categories)}."),
        ("Who put them on the list", f"{suppliers}. Two of them sign every list."),
        ("Why here", place.grounds),
        ("When", f"{describe_hours(policy.schedule)} (UTC)"),
        ("What happens to you", FORGOTTEN.format(policy.retention_days)),
        ("How often it may be wrong", WRONG.format(describe_rate(policy.fpir_ppm))),
        ("The agreement", f"{policy.agreement.reference}, {policy.agreement.url}"),
        ("Questions, complaints, your own data", contact),
    ]


def describe_rate(ppm: int) -> str:
    """Return an accepted rate in words, rounded to whole people, never to a smaller rate."""
    return f"up to one of {PPM // ppm:,} passers-by"


def describe_hours(schedule: tuple[Window, ...]) -> str:
    """Return the hours, days with the same hours together; `never` for an empty schedule."""
    by_day: dict[str, list[str]] = {}
    for day, name in enumerate(WEEKDAYS):
        hours = ", ".join(
            f"{_clock(window.from_minute)} to {_clock(window.until_minute)}"
            for window in sorted(schedule, key=lambda each: each.from_minute)
            if window.weekday == day
        )
        if hours:
            by_day.setdefault(hours, []).append(name)
    return "; ".join(f"{', '.join(days)} {hours}" for hours, days in by_day.items()) or "never"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
