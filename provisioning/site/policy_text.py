"""The policy as text that people edit, and what an edit changes.

The text is the plan's, without holders and with the suppliers' keys. Cameras are added by their
enrolment requests; here they can only be described anew or left out.
"""

import json
import tomllib
from collections.abc import Iterable
from datetime import UTC, datetime

from formats.errors import FormatError
from formats.policy import Policy, read_policy, write_policy
from formats.schedule import DAY_MINUTES, Window
from formats.strict_json import JsonValue, dumps
from provisioning.disk import write_whole
from provisioning.errors import PolicyRefused
from provisioning.site.folder import Site
from provisioning.site.plan import read_schedule

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOUR = 60


def policy_text(policy: Policy) -> str:
    """The policy as TOML, in the order in which it is discussed."""
    fields = json.loads(write_policy(policy))
    places, suppliers = fields.pop("places"), fields.pop("suppliers")
    tables = {name: fields.pop(name) for name in ("assessment", "agreement")}
    for name in ("site", "version", "schedule"):
        fields.pop(name)
    review = datetime.fromtimestamp(tables["assessment"].pop("review_utc_s"), UTC)
    tables["assessment"]["review"] = review.date().isoformat()
    lines = [f"# The policy of {policy.site}. Save and close to see what changes."]
    lines += [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items()]
    lines.append(f"schedule = {json.dumps(schedule_lines(policy.schedule))}")
    for name, table in tables.items():
        lines += ["", f"[{name}]", *_lines(table)]
    for name, rows in (("suppliers", suppliers), ("places", places)):
        for row in rows:
            lines += ["", f"[[{name}]]", *_lines(row)]
    return "\n".join(lines) + "\n"


def edited(policy: Policy, text: str) -> Policy:
    """The policy that `text` describes, in place of `policy`.

    Raises:
        PolicyRefused: it is no TOML, a field is missing, unknown or out of bounds, or a camera is
            there that the policy did not have.
    """
    try:
        fields = tomllib.loads(text)
        review = datetime.fromisoformat(fields["assessment"].pop("review")).replace(tzinfo=UTC)
        fields["assessment"]["review_utc_s"] = int(review.timestamp())
        fields["schedule"] = [_row(window) for window in read_schedule(fields["schedule"])]
        fields |= {"site": policy.site, "version": policy.version}
        fields.setdefault("places", [])
        after = read_policy(dumps(fields))
    except (ValueError, TypeError, AttributeError, KeyError, FormatError) as error:
        what = f"{error} is missing." if isinstance(error, KeyError) else error
        raise PolicyRefused(f"The edited policy is refused, and nothing was changed: {what}") from (
            error
        )
    if not {place.camera for place in after.places} <= {place.camera for place in policy.places}:
        raise PolicyRefused("A camera is added by its request: tallylight camera add.")
    return after


def keep(site: Site, policy: Policy) -> None:
    """Make this the policy as it shall be; holders must sign it before it counts."""
    write_whole(site.folder / "policy.json", write_policy(policy))


def differences(before: Policy, after: Policy) -> list[str]:
    """Every line that goes, after a minus, and every line that comes, after a plus."""
    old, new = policy_text(before).splitlines(), policy_text(after).splitlines()
    return [f"- {line}" for line in old if line and line not in new] + [
        f"+ {line}" for line in new if line and line not in old
    ]


def schedule_lines(schedule: Iterable[Window]) -> list[str]:
    """The schedule as the plan writes it, such as `mon 06:00-22:30`."""
    lines = [
        f"{_DAYS[one.weekday]} {_time(one.from_minute)}-{_time(one.until_minute)}"
        for one in schedule
    ]
    always = [f"{day} 00:00-{_time(DAY_MINUTES)}" for day in _DAYS]
    return ["daily 00:00-24:00"] if lines == always else lines


def _time(minute: int) -> str:
    return f"{minute // _HOUR:02}:{minute % _HOUR:02}"


def _row(window: Window) -> dict[str, JsonValue]:
    return {
        "from_minute": window.from_minute,
        "until_minute": window.until_minute,
        "weekday": window.weekday,
    }


def _lines(table: dict[str, str]) -> list[str]:
    # Of one printable line, JSON's spelling is TOML's, too.
    return [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in table.items()]
