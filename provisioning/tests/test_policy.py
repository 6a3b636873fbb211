"""Cameras, reviewers and the policy that two of three holders sign."""

import json
from pathlib import Path

import pytest
from nacl.public import PrivateKey
from nacl.signing import SigningKey

from formats.policy import read_policy
from provisioning.tests.workshop import Workshop, contents, refusal, tallylight

WHERE = ("--place", "North gate", "--grounds", "Seen here twice.")


def sign(workshop: Workshop, holder: str, *flags: str) -> tuple[str | Path, ...]:
    key = workshop.key(f"targets-{holder}")
    return ("policy", "sign", workshop.site, *key, *workshop.passphrase, "--yes", *flags)


def test_a_camera_is_in_the_policy(begun: Workshop) -> None:
    camera = begun.register_camera()
    policy = read_policy(tallylight("policy", "show", begun.site, "--json").strip().encode())
    assert [place.camera.camera_id.hex() for place in policy.places] == [camera]


def test_a_camera_is_added_once(begun: Workshop) -> None:
    begun.register_camera()
    before = contents(begun.site)
    assert "cameras are the same" in refusal("camera", "add", begun.site, begun.request, *WHERE)
    assert contents(begun.site) == before


def test_a_second_camera_has_another_place(begun: Workshop) -> None:
    first = begun.register_camera()
    begun.make_camera()
    where = ("--place", "north  GATE", *WHERE[2:])
    before = contents(begun.site)
    output = refusal("camera", "add", begun.site, begun.request, *where)
    assert f"is camera {first[:8]}'s already" in output
    assert contents(begun.site) == before


def test_a_forged_request_is_refused(begun: Workshop) -> None:
    begun.make_camera()
    forged = json.loads(begun.request.read_bytes())
    forged["signature"] = "00" * 64
    begun.request.write_text(json.dumps(forged, sort_keys=True, separators=(",", ":")))
    before = contents(begun.site)
    assert "not signed" in refusal("camera", "add", begun.site, begun.request, *WHERE)
    assert contents(begun.site) == before


def test_a_missing_request_is_refused(begun: Workshop) -> None:
    assert "cannot be read" in refusal("camera", "add", begun.site, begun.request, *WHERE)


def test_a_folder_that_is_no_site_is_refused(begun: Workshop) -> None:
    assert "not a site" in refusal("policy", "show", begun.folder)


def test_the_policy_is_shown_to_people(prepared: Workshop) -> None:
    shown = tallylight("policy", "show", prepared.site)
    assert "North gate" in shown
    assert "Example Police" in shown


def test_a_policy_signed_by_two_holders_is_complete(prepared: Workshop) -> None:
    assert "signed by enough holders" in tallylight("policy", "check", prepared.site)


def test_an_unsigned_policy_is_not_complete(begun: Workshop) -> None:
    assert "not signed yet" in refusal("policy", "check", begun.site)


def test_a_policy_signed_by_one_holder_is_not_complete(begun: Workshop) -> None:
    begun.add_recipients()
    tallylight(*sign(begun, "oversight-body"))
    assert "One more holder" in refusal("policy", "check", begun.site)


def test_one_holder_cannot_sign_twice(begun: Workshop) -> None:
    begun.add_recipients()
    tallylight(*sign(begun, "oversight-body"))
    before = contents(begun.site)
    assert "another holder" in refusal(*sign(begun, "oversight-body"))
    assert contents(begun.site) == before


def test_a_key_for_lists_does_not_sign_the_policy(begun: Workshop) -> None:
    begun.add_recipients()
    key = begun.key("list-sign-example-police")
    words = ("policy", "sign", begun.site, *key, *begun.passphrase)
    assert "a targets key is needed" in refusal(*words)


def test_a_holder_of_another_site_does_not_sign(begun: Workshop, tmp_path: Path) -> None:
    begun.add_recipients()
    other = Workshop(tmp_path / "other")
    other.folder.mkdir()
    other.begin()
    key = other.key("targets-oversight-body")
    words = ("policy", "sign", begun.site, *key, *begun.passphrase)
    assert "does not hold the policy" in refusal(*words)


def test_a_policy_without_reviewers_is_not_signed(begun: Workshop) -> None:
    for key in ("receipt", "ledger"):
        tallylight("recipients", key, begun.site, "--key", begun.folder / f"{key}.pub")
    assert "no reviewer decides alone" in refusal(*sign(begun, "oversight-body"))


def test_a_policy_without_a_receipt_key_is_not_signed(begun: Workshop) -> None:
    assert "no receipt key" in refusal(*sign(begun, "oversight-body"))


def test_a_change_makes_the_signatures_void(prepared: Workshop) -> None:
    key = ("--key", prepared.public("three", bytes(PrivateKey(bytes([9]) * 32).public_key)))
    prepared.public("three.verdict", bytes(SigningKey(bytes([9]) * 32).verify_key))
    who = ("--reviewer", "three", "--organisation", "Example Estate")
    tallylight("recipients", "add", prepared.site, *who, *key)
    assert "has changed" in refusal("policy", "check", prepared.site)
    tallylight(*sign(prepared, "oversight-body"))
    assert "One more holder" in refusal("policy", "check", prepared.site)


def test_a_renewed_policy_begins_a_new_version(prepared: Workshop) -> None:
    assert "version 2" in tallylight(*sign(prepared, "oversight-body", "--renew"))


def test_role_metadata_that_were_tampered_with_are_never_signed(begun: Workshop) -> None:
    begun.add_recipients()
    tallylight(*sign(begun, "oversight-body"))
    path = begun.site / "signed" / "targets" / "targets.json"
    targets = json.loads(path.read_bytes())
    targets["signed"]["delegations"]["roles"][0]["threshold"] = 1
    path.write_text(json.dumps(targets))
    assert "version 2" in tallylight(*sign(begun, "estate-security"))


@pytest.mark.parametrize("text", ["", "00", "zz" * 32, "00" * 33])
def test_what_is_no_public_key_is_refused(begun: Workshop, text: str) -> None:
    path = begun.folder / "bad.pub"
    path.write_text(text)
    words = ("--reviewer", "x", "--organisation", "y", "--key", path)
    assert "is not a public key" in refusal("recipients", "add", begun.site, *words)


def test_a_public_key_of_low_order_is_refused(begun: Workshop) -> None:
    path = begun.public("low", bytes(32))
    words = ("--reviewer", "x", "--organisation", "y", "--key", path)
    assert "low order" in refusal("recipients", "add", begun.site, *words)


def test_an_empty_passphrase_file_is_refused(begun: Workshop) -> None:
    begun.add_recipients()
    (begun.folder / "passphrase").write_text("")
    assert "is empty" in refusal(*sign(begun, "oversight-body"))


def test_a_missing_passphrase_file_is_refused(begun: Workshop) -> None:
    begun.add_recipients()
    (begun.folder / "passphrase").unlink()
    assert "cannot be read" in refusal(*sign(begun, "oversight-body"))


def test_a_missing_public_key_is_refused(begun: Workshop) -> None:
    words = ("--reviewer", "x", "--organisation", "y", "--key", begun.folder / "no.pub")
    assert "cannot be read" in refusal("recipients", "add", begun.site, *words)


def test_an_assessment_that_is_no_document_yet_is_said_to_be_a_placeholder(
    prepared: Workshop,
) -> None:
    assert "A PLACEHOLDER: no document is named" in tallylight("policy", "show", prepared.site)
