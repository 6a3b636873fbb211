"""The key ceremony and the plan of a site: what they make, and what they refuse."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from formats.keyfile import (
    KeyRefused,
    OnToken,
    Purpose,
    find_keys,
    make_key,
    read_key,
    unlock_signing,
)
from provisioning.errors import PlanRefused, SiteRefused
from provisioning.site.ceremony import brought_keys, hold_ceremony
from provisioning.site.plan import example_plan, read_plan
from provisioning.tests.workshop import (
    CHEAP,
    CHEAPLY,
    PASSPHRASE,
    SITE,
    Workshop,
    contents,
    refusal,
    tallylight,
)

TODAY = date(2026, 11, 22)


def changed_plan(folder: Path, before: str, after: str) -> Path:
    plan = folder / "plan.toml"
    text = example_plan(SITE, TODAY)
    assert before in text
    plan.write_text(text.replace(before, after))
    return plan


def test_a_holder_brings_one_key_of_a_kind(tmp_path: Path) -> None:
    plan = read_plan(changed_plan(tmp_path, "", ""))
    rest = OnToken("a token", "0001", bytes(16))
    key = replace(make_key(Purpose.ROOT, plan.root_holders[0], PASSPHRASE, CHEAP), rest=rest)
    with pytest.raises(KeyRefused, match="brings two root keys"):
        brought_keys(plan, [key, key])


def test_a_site_begins_with_one_command(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(tallylight("site", "plan", "--name", SITE))
    (tmp_path / "passphrase").write_text(PASSPHRASE)
    words = ("--plan", tmp_path / "plan.toml", "--passphrase-file", tmp_path / "passphrase")
    tallylight("site", "init", tmp_path / "site", *words, "--yes")
    assert (tmp_path / "site" / "root.json").exists()


def test_the_root_names_five_holders_and_needs_three(begun: Workshop) -> None:
    root = json.loads((begun.site / "root.json").read_bytes())
    assert len(root["signed"]["roles"]["root"]["keyids"]) == 5
    assert root["signed"]["roles"]["root"]["threshold"] == 3
    assert len([each for each in root["signatures"] if each["sig"]]) == 3


def test_the_policy_needs_two_of_three_holders(begun: Workshop) -> None:
    root = json.loads((begun.site / "root.json").read_bytes())
    assert len(root["signed"]["roles"]["targets"]["keyids"]) == 3
    assert root["signed"]["roles"]["targets"]["threshold"] == 2


def test_keys_are_readable_by_their_owner_alone(begun: Workshop) -> None:
    for path in (begun.site / "keys").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_site_is_never_begun_twice(begun: Workshop) -> None:
    before = contents(begun.site)
    plan = read_plan(begun.folder / "plan.toml")
    with pytest.raises(SiteRefused, match="not empty"):
        hold_ceremony(begun.site, plan, CHEAPLY, now=datetime.now(UTC))
    assert contents(begun.site) == before


def test_a_short_passphrase_leaves_nothing_behind(tmp_path: Path) -> None:
    plan = read_plan(changed_plan(tmp_path, SITE, SITE))
    short = replace(CHEAPLY, passphrase=lambda: "x" * 11)
    with pytest.raises(KeyRefused, match="at least 12"):
        hold_ceremony(tmp_path / "site", plan, short, now=datetime.now(UTC))
    assert [path.name for path in tmp_path.iterdir()] == ["plan.toml"]


def test_a_wrong_passphrase_opens_nothing(begun: Workshop) -> None:
    (key, *_) = find_keys(begun.site / "keys", Purpose.ROOT)
    with pytest.raises(KeyRefused, match="does not open"):
        unlock_signing(key, PASSPHRASE + ".")


def test_something_else_than_a_key_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.key").write_text("{}")
    with pytest.raises(KeyRefused, match="is not a key file"):
        read_key(tmp_path / "a.key")


def test_a_missing_plan_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in refusal("site", "init", tmp_path / "s", "--plan", tmp_path / "no")


def test_a_site_with_an_odd_name_is_refused() -> None:
    assert "lower-case letters" in refusal("site", "plan", "--name", "Mill Lane")


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ('"Maker"', '"Oversight Body"', "5 different holders"),
        ('"Maker"', '"oversight body "', "5 different holders"),
        ('"Estate Security", ', "", "3 different holders"),
        ('"Example Estate"', '"Example Police"', "in the plan twice"),
        ('"Example Estate"', '"example police"', "look the same"),
        ('"Example Estate"', '"Example P\u043elice"', "in one script"),
        ("cap = ", "cup = ", "'cup' is unknown"),
        ("cap = ", "comment = 1\ncap = ", "'comment' is unknown"),
        ("retention_days = 30", "retention_days = 31", "retention_days"),
        ("freshness_h = 24", "freshness_h = 169", "freshness_h"),
        ("fpir_ppm = 1000 ", "fpir_ppm = 0.1 ", "fpir_ppm must be a whole number"),
        ("daily 00:00-24:00", "daily 00:00-24:01", "time of day"),
        ("daily 00:00-24:00", "daily 9-17", "time of day"),
        ("daily 00:00-24:00", "someday 00:00-24:00", "must begin with"),
        ("daily 00:00-24:00", "mon 12:00-12:00", "before it begins"),
        ('review = "2027', 'review = "year 2027', "review"),
        ("[agreement]", "[agreement", "refused"),
    ],
)
def test_a_plan_with_one_mistake_is_refused(
    tmp_path: Path, before: str, after: str, reason: str
) -> None:
    with pytest.raises(PlanRefused, match=reason):
        read_plan(changed_plan(tmp_path, before, after))


def test_one_organisation_alone_is_no_plan(tmp_path: Path) -> None:
    plan = read_plan(changed_plan(tmp_path, ', "Example Estate"', ""))
    with pytest.raises(Exception, match="2 to 16 suppliers"):
        hold_ceremony(tmp_path / "site", plan, CHEAPLY, now=datetime.now(UTC))
    assert not (tmp_path / "site").exists()


def test_the_schedule_is_what_the_plan_says(tmp_path: Path) -> None:
    (window,) = read_plan(changed_plan(tmp_path, "daily 00:00-24:00", "tue 06:30-22:00")).schedule
    assert (window.weekday, window.from_minute, window.until_minute) == (1, 390, 1320)


def test_help_names_every_noun_as_a_real_process() -> None:
    command = [sys.executable, "-m", "provisioning", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for noun in ("site", "camera", "recipients", "policy", "list", "broker"):
        assert noun in done.stdout


def test_wrong_usage_ends_with_2_as_a_real_process(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "provisioning", "list", "build"]
    assert subprocess.run(command, capture_output=True, cwd=tmp_path, check=False).returncode == 2
