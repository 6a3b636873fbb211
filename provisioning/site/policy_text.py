"""The policy as TOML text for an editor: write it, read an edit back, list what the edit changes.

The text is the plan's, without the holders and with the suppliers' keys. An edit can describe a
camera anew or leave it out. It cannot add one: cameras are registered by their requests.
"""

import json
from datetime import UTC, datetime

from formats.errors import FormatError
from formats.near_names import refuse_odd_names
from formats.policy import IDLE_LOCK_S_DEFAULT, Policy, read_policy, write_policy
from formats.schedule import Window
from formats.strict_json import JsonValue, dumps
from formats.toml_text import parse_toml
from provisioning.disk import write_atomically
from provisioning.errors import PolicyRefused
from provisioning.site.folder import Site
from provisioning.site.places import refuse_same_place
from provisioning.site.schedule_text import read_day, read_schedule, schedule_lines


def policy_text(policy: Policy) -> str:
    """Return the policy as TOML, in the order in which people discuss it."""
    fields = json.loads(write_policy(policy))
    places, suppliers = fields.pop("places"), fields.pop("suppliers")
    tables = {name: fields.pop(name) for name in ("assessment", "agreement")}
    for name in ("site", "version", "schedule"):
        fields.pop(name)
    fields["authenticated_time"] = policy.authenticated_time
    fields["idle_lock_s"] = policy.idle_lock_s
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


def apply_edit(policy: Policy, text: bytes) -> Policy:
    """Return the policy that `text` describes, with site and version of `policy`.

    Raises:
        PolicyRefused: the text is no TOML, a field is missing, unknown or out of bounds, or it
            holds a camera that `policy` does not have.
    """
    try:
        fields = parse_toml(text)
        like = {"places": []} | parse_toml(policy_text(policy).encode())
        optional = ("authenticated_time", "idle_lock_s", "places")
        refuse_odd_names(fields, like, "the policy", optional)
        review = read_day(fields["assessment"].pop("review"), "The assessment's review")
        fields["assessment"]["review_utc_s"] = int(review.timestamp())
        fields["schedule"] = [_row(window) for window in read_schedule(fields["schedule"])]
        fields |= {"site": policy.site, "version": policy.version}
        if fields.get("authenticated_time") is False:
            del fields["authenticated_time"]  # It is written only where it is demanded.
        if fields.get("idle_lock_s") == IDLE_LOCK_S_DEFAULT:
            del fields["idle_lock_s"]
        fields.setdefault("places", [])
        after = read_policy(dumps(fields))
    except (ValueError, TypeError, AttributeError, KeyError, FormatError) as error:
        raise PolicyRefused(
            f"The edited policy is refused, and nothing was changed: {error}"
        ) from error
    if not {place.camera for place in after.places} <= {place.camera for place in policy.places}:
        raise PolicyRefused(
            "The edited policy names a camera that is not registered: tallylight camera add."
        )
    if after.places != policy.places:
        refuse_same_place(after.places)
    return after


def store_policy(site: Site, policy: Policy) -> None:
    """Make this the site's draft policy. It counts after two holders have signed it."""
    write_atomically(site.folder / "policy.json", write_policy(policy))


def changed_lines(before: Policy, after: Policy) -> list[str]:
    """Return each line that goes, after a minus, then each line that comes, after a plus."""
    old, new = policy_text(before).splitlines(), policy_text(after).splitlines()
    return [f"- {line}" for line in old if line and line not in new] + [
        f"+ {line}" for line in new if line and line not in old
    ]


def _row(window: Window) -> dict[str, JsonValue]:
    return {
        "from_minute": window.from_minute,
        "until_minute": window.until_minute,
        "weekday": window.weekday,
    }


def _lines(table: dict[str, str]) -> list[str]:
    # JSON and TOML spell a printable line of text in the same way.
    return [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in table.items()]
