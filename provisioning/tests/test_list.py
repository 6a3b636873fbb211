"""Enrolling people and building a list: what becomes an entry, and what is refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from formats.casefile import read_casefile
from formats.entry import case_digest
from provisioning.tests.workshop import (
    COLLINS,
    HOPPER,
    POLICE,
    Workshop,
    contents,
    refusal,
    tallylight,
)


def add(workshop: Workshop, picture: Path, *flags: str, **changes: str) -> list[str | Path]:
    case = workshop.case(**changes)
    return ["list", "add", workshop.site, "--picture", picture, *case, *flags]


def build(workshop: Workshop, key: str = "list-seal-example-police") -> list[str | Path]:
    return ["list", "build", workshop.site, *workshop.key(key), *workshop.passphrase, "--yes"]


def entries(workshop: Workshop) -> list[dict[str, object]]:
    shown: list[dict[str, object]] = json.loads(
        tallylight("list", "show", workshop.site, "--json")
    )["entries"]
    return shown


def picture(folder: Path, pixels: np.ndarray) -> Path:  # type: ignore[type-arg]
    path = folder / "picture.png"
    Image.fromarray(pixels).save(path)
    return path


def pixels(path: Path) -> np.ndarray:  # type: ignore[type-arg]
    return np.asarray(Image.open(path).convert("RGB"))


# The picture


def test_a_portrait_becomes_an_entry_and_is_not_kept(prepared: Workshop) -> None:
    prepared.add()
    (entry,) = entries(prepared)
    assert entry["organisation"] == POLICE
    assert not any(
        content.startswith((b"\xff\xd8", b"\x89PNG"))
        for content in contents(prepared.site).values()
    )


def test_the_list_to_be_is_shown_to_people(listed: Workshop) -> None:
    assert "asked for by Inspector, Example Police" in tallylight("list", "show", listed.site)


def test_a_case_is_kept_as_a_digest(prepared: Workshop) -> None:
    prepared.add(case_ref="CR/2026/17")
    (entry,) = entries(prepared)
    handle = bytes.fromhex(str(entry["handle"]))
    assert entry["case_digest"] == case_digest(handle, "CR/2026/17").hex()
    assert not any(b"CR/2026/17" in content for content in contents(prepared.site).values())


def test_a_missing_picture_is_refused(prepared: Workshop) -> None:
    before = contents(prepared.site)
    assert "Refused: " in refusal(*add(prepared, prepared.folder / "no.jpg"))
    assert contents(prepared.site) == before


def test_a_broken_picture_is_refused(prepared: Workshop) -> None:
    broken = prepared.folder / "broken.jpg"
    broken.write_bytes(HOPPER.read_bytes()[:5000])
    before = contents(prepared.site)
    assert "Refused: " in refusal(*add(prepared, broken))
    assert contents(prepared.site) == before


def test_a_picture_without_a_face_is_refused(prepared: Workshop) -> None:
    grey = picture(prepared.folder, np.full((400, 400, 3), 127, np.uint8))
    before = contents(prepared.site)
    assert "no face" in refusal(*add(prepared, grey))
    assert contents(prepared.site) == before


def test_a_picture_with_two_faces_is_refused(prepared: Workshop) -> None:
    collins = pixels(COLLINS)
    two = picture(prepared.folder, np.hstack([collins, collins[:, ::-1]]))
    before = contents(prepared.site)
    assert "2 faces" in refusal(*add(prepared, two))
    assert contents(prepared.site) == before


def test_a_small_face_is_refused_with_what_to_do(prepared: Workshop) -> None:
    small = prepared.folder / "small.png"
    Image.open(HOPPER).convert("RGB").resize((128, 150)).save(small)
    assert "larger picture" in refusal(*add(prepared, small))


# The case


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"organisation": "A Friend"}, "no organisation 'A Friend'"),
        ({"category": "of interest"}, "no category 'of interest'"),
        ({"until": "2026-01-01"}, "has passed"),
        ({"necessity": ""}, "necessity"),
        ({"source": "two\nlines"}, "source"),
        ({"review": "2099-01-01"}, "after the entry's end"),
    ],
)
def test_a_case_with_one_mistake_is_refused(
    prepared: Workshop, changes: dict[str, str], reason: str
) -> None:
    before = contents(prepared.site)
    assert reason in refusal(*add(prepared, HOPPER, **changes))
    assert contents(prepared.site) == before


def test_a_removed_person_is_not_on_the_next_list(listed: Workshop) -> None:
    (entry,) = entries(listed)
    tallylight("list", "remove", listed.site, str(entry["handle"]), "--yes")
    listed.build()
    case = read_casefile((listed.site / "signed/list/watchlist-mill-lane.json").read_bytes())
    assert case.version == 2
    assert len(case.entries) == 0


@pytest.mark.parametrize("handle", ["00" * 16, "../policy", ""])
def test_an_unknown_handle_is_not_removed(listed: Workshop, handle: str) -> None:
    before = contents(listed.site)
    assert "No entry has the handle" in refusal("list", "remove", listed.site, handle, "--yes")
    assert contents(listed.site) == before


# The build


def test_a_list_of_two_different_people_is_built(prepared: Workshop) -> None:
    prepared.add(HOPPER)
    prepared.add(COLLINS)
    assert "Entries: 2." in tallylight(*build(prepared))


def test_two_entries_that_look_alike_are_refused(prepared: Workshop) -> None:
    prepared.add()
    prepared.add(picture(prepared.folder, pixels(HOPPER)[:, ::-1]))
    before = contents(prepared.site)
    assert "taken for each other" in refusal(*build(prepared))
    assert contents(prepared.site) == before


def test_an_empty_list_is_built(prepared: Workshop) -> None:
    assert "Entries: 0." in tallylight(*build(prepared))


def test_a_list_under_an_unsigned_policy_is_refused(begun: Workshop) -> None:
    assert "not signed yet" in refusal(*build(begun))


def test_a_list_for_no_camera_is_refused(begun: Workshop) -> None:
    begun.add_recipients()
    begun.sign_policy()
    assert "no camera yet" in refusal(*build(begun))


def test_only_a_sealing_key_builds(prepared: Workshop) -> None:
    assert "list-seal key is needed" in refusal(*build(prepared, "list-sign-example-police"))


def test_a_sealing_key_of_another_site_does_not_build(prepared: Workshop, tmp_path: Path) -> None:
    other = Workshop(tmp_path / "other")
    other.folder.mkdir()
    other.begin()
    key = other.key("list-seal-example-police")
    words = ("list", "build", prepared.site, *key, *prepared.passphrase, "--yes")
    assert "seals no lists" in refusal(*words)


def test_a_lost_desk_key_is_noticed(prepared: Workshop) -> None:
    (prepared.site / "keys" / "desk-provisioning-desk.key").unlink()
    assert "no desk key" in refusal(*build(prepared))


def test_an_entry_whose_template_was_changed_is_refused(listed: Workshop) -> None:
    (path,) = (listed.site / "entries").iterdir()
    entry = json.loads(path.read_bytes())
    entry["locked"] = "AAAA" + entry["locked"][4:]
    path.write_text(json.dumps(entry, sort_keys=True, separators=(",", ":")))
    assert "do not open" in refusal(*build(listed))


def test_an_entry_of_another_model_is_refused(listed: Workshop) -> None:
    (path,) = (listed.site / "entries").iterdir()
    entry = json.loads(path.read_bytes())
    entry["model_digest"] = "00" * 32
    path.write_text(json.dumps(entry, sort_keys=True, separators=(",", ":")))
    assert "another model" in refusal(*build(listed))


def test_a_broken_entry_is_refused(listed: Workshop) -> None:
    (path,) = (listed.site / "entries").iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    assert "is broken" in refusal(*build(listed))


def test_a_budget_that_no_threshold_keeps_is_refused(prepared: Workshop) -> None:
    path = prepared.site / "policy.json"
    path.write_bytes(path.read_bytes().replace(b'"fpir_ppm":1000', b'"fpir_ppm":1'))
    prepared.sign_policy()
    prepared.add(HOPPER)
    assert "cannot be served" in refusal(*build(prepared))


def test_a_list_over_the_cap_is_refused(prepared: Workshop) -> None:
    path = prepared.site / "policy.json"
    path.write_bytes(path.read_bytes().replace(b'"cap":500', b'"cap":0'))
    prepared.sign_policy()
    prepared.add(HOPPER)
    assert "cap of 0" in refusal(*build(prepared))


def test_nets_that_were_not_judged_as_the_policy_demands_make_no_list(prepared: Workshop) -> None:
    path = prepared.site / "policy.json"
    demanded = b'"evaluations":["' + b"ab" * 32 + b'"]'
    path.write_bytes(path.read_bytes().replace(b'"evaluations":[]', demanded))
    prepared.sign_policy()
    prepared.add(HOPPER)
    assert "demands another evaluation" in refusal(*build(prepared))


def test_a_site_without_nets_neither_enrols_a_person_nor_builds_a_list(prepared: Workshop) -> None:
    shutil.rmtree(prepared.site / "model")
    assert "tallylight model adopt" in refusal(*build(prepared))
    assert "tallylight model adopt" in refusal(*add(prepared, HOPPER))


def test_nets_that_were_changed_at_the_desk_are_refused(prepared: Workshop) -> None:
    net = prepared.site / "model" / "bundle" / "embedder.int8.tflite"
    net.write_bytes(net.read_bytes()[:-1] + b"!")
    assert "not the file the manifest names" in refusal(*add(prepared, HOPPER))


def test_a_manifest_that_was_changed_at_the_desk_is_refused(prepared: Workshop) -> None:
    manifest = prepared.site / "model" / "bundle" / "manifest.toml"
    manifest.write_bytes(manifest.read_bytes().replace(b"fmr_ppb = 2", b"fmr_ppb = 1"))
    assert "not the one that was signed" in refusal(*build(prepared))
    assert "not the one that was signed" in refusal(*add(prepared, HOPPER))
