"""Editing the policy as text: what can be changed, what is shown, what is refused."""

import sys
from pathlib import Path

import pytest

from provisioning.site.folder import Site
from provisioning.site.policy_text import apply_edit, policy_text
from provisioning.tests.workshop import Workshop, contents, refusal, tallylight


def edit(workshop: Workshop, text: str) -> list[str | Path]:
    path = workshop.folder / "apply_edit.toml"
    path.write_text(text)
    return ["policy", "edit", workshop.site, "--from", path, "--yes"]


def text_of(workshop: Workshop) -> str:
    return tallylight("policy", "text", workshop.site)


def test_unchanged_text_changes_nothing(prepared: Workshop) -> None:
    before = contents(prepared.site)
    policy = Site(prepared.site).policy
    assert apply_edit(policy, text_of(prepared).encode()) == policy
    assert tallylight(*edit(prepared, text_of(prepared))) == "Nothing changes.\n"
    assert contents(prepared.site) == before


def test_a_change_is_shown_kept_and_must_be_signed(prepared: Workshop) -> None:
    output = tallylight(*edit(prepared, text_of(prepared).replace("cap = 500", "cap = 20")))
    assert "- cap = 500" in output
    assert "+ cap = 20" in output
    assert Site(prepared.site).policy.cap == 20
    assert "has changed" in refusal("policy", "check", prepared.site)


def test_hours_can_be_changed(prepared: Workshop) -> None:
    text = text_of(prepared).replace('["daily 00:00-24:00"]', '["mon 06:00-22:30"]')
    tallylight(*edit(prepared, text))
    (window,) = Site(prepared.site).policy.schedule
    assert (window.weekday, window.from_minute, window.until_minute) == (0, 360, 1350)
    assert '["mon 06:00-22:30"]' in policy_text(Site(prepared.site).policy)


def test_when_consoles_lock_can_be_changed_and_is_shown(prepared: Workshop) -> None:
    text = text_of(prepared)
    tallylight(*edit(prepared, text.replace("idle_lock_s = 300", "idle_lock_s = 120")))
    assert Site(prepared.site).policy.idle_lock_s == 120
    assert "120 s without" in tallylight("policy", "show", prepared.site)
    tallylight(*edit(prepared, text))
    assert Site(prepared.site).policy.idle_lock_s == 300


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("cap = 500", "cap = 100001"),
        ("cap = 500", ""),
        ("cap = 500", "cap = 500\nunknown = 1"),
        ("cap = 500", "cap = = 500"),
        ("fpir_ppm = 1000", "fpir_ppm = 0"),
        ("idle_lock_s = 300", "idle_lock_s = 59"),
        ("daily 00:00-24:00", "daily 25:00-26:00"),
        ("[assessment]", "[assessments]"),
        ('"Example Estate"', '"Example Police"'),
    ],
)
def test_an_edit_with_one_mistake_changes_nothing(
    prepared: Workshop, before: str, after: str
) -> None:
    assert before in text_of(prepared)
    kept = contents(prepared.site)
    assert "nothing was changed" in refusal(
        *edit(prepared, text_of(prepared).replace(before, after))
    )
    assert contents(prepared.site) == kept


def test_a_camera_can_leave_but_not_come(prepared: Workshop) -> None:
    whole = text_of(prepared)
    without = whole[: whole.index("[[places]]")]
    tallylight(*edit(prepared, without))
    assert Site(prepared.site).policy.places == ()
    assert "camera add" in refusal(*edit(prepared, whole))


def test_an_editor_is_opened(prepared: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    script = prepared.folder / "editor.py"
    script.write_text(
        "import pathlib, sys\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "path.write_text(path.read_text().replace('cap = 500', 'cap = 7'))\n"
    )
    monkeypatch.setenv("VISUAL", f"{sys.executable} {script}")
    tallylight("policy", "edit", prepared.site, "--yes")
    assert Site(prepared.site).policy.cap == 7
