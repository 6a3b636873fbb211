"""The outsiders' verifier follows the roots: holders of the one before signed each."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from nacl.signing import SigningKey

from estate.accounts import verify
from estate.signed_site import read_site
from firmware.tests import desk as authority
from provisioning.site.roles import make_root, sign

Signed: TypeAlias = dict[str, Any]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return what an estate exports of a site whose root was changed twice."""
    desk = authority.Desk(rotations=2)
    desk.publish(tmp_path / "published")
    (tmp_path / "root.json").write_bytes(desk.root)
    signed = read_site(tmp_path / "published", tmp_path / "root.json", authority.NOW)
    for name, content in signed.proof.items():
        (tmp_path / "site" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "site" / name).write_bytes(content)
    return tmp_path / "site"


def root_of(site: Path, version: int) -> Path:
    return site / "metadata" / f"{version}.root.json"


def strangers_root(version: int) -> bytes:
    """Return a root that names strangers, signed by all of them."""
    strangers = [SigningKey(bytes([number]) * 32) for number in range(101, 106)]
    publics = [key.verify_key for key in strangers]
    holders = dict.fromkeys(("root", "targets", "snapshot", "timestamp"), publics)
    root = make_root(holders, authority.NOW - timedelta(days=1))
    root.signed.version = version
    for key in strangers:
        sign(root, key)
    return root.to_bytes()


def test_roots_are_followed_from_the_first_to_the_newest(site: Path) -> None:
    assert len(verify.read_site(site, None).recipients) == 1


@pytest.mark.parametrize("version", [1, 2, 3])
def test_any_of_the_roots_may_be_the_one_that_you_kept(site: Path, version: int) -> None:
    verify.read_site(site, root_of(site, version).read_bytes())


def test_a_root_that_is_missing_between_two_is_named(site: Path) -> None:
    root_of(site, 2).unlink()
    expected = "site/: 3.root.json does not hold: the root before it is missing"
    with pytest.raises(verify.NotAsExported, match=re.escape(expected)):
        verify.read_site(site, None)


def test_a_root_that_the_holders_before_did_not_sign_is_refused(site: Path) -> None:
    root_of(site, 4).write_bytes(strangers_root(4))
    expected = "site/: 4.root.json does not hold: too few holders signed it"
    with pytest.raises(verify.NotAsExported, match=re.escape(expected)):
        verify.read_site(site, None)


def test_roots_of_another_site_are_not_the_one_that_you_kept(site: Path) -> None:
    kept = root_of(site, 1).read_bytes()
    for version in (1, 2, 3):
        root_of(site, version).unlink()
    root_of(site, 1).write_bytes(strangers_root(1))
    with pytest.raises(verify.NotAsExported, match="the root that you kept is not among"):
        verify.read_site(site, kept)


def prepended(site: Path, version: int) -> None:
    """Put a root of the estate's own before `version`, and sign the targets role with its key.

    The holders that the next root needs stand in it, too, so that the next root follows it.
    """
    estate = SigningKey(bytes([120]) * 32)
    metadata = json.loads(root_of(site, version).read_bytes())
    signed = metadata["signed"]
    public = estate.verify_key.encode().hex()
    key = {"keytype": "ed25519", "keyval": {"public": public}, "scheme": "ed25519"}
    name = sha256(verify._spell(key).encode()).hexdigest()
    signed["version"] = version - 1
    signed["keys"][name] = key
    signed["roles"]["root"]["keyids"].append(name)
    signed["roles"]["root"]["threshold"] = 1
    signed["roles"]["targets"] = {"keyids": [name], "threshold": 1}
    (targets,) = (site / "metadata").glob("*.targets.json")
    role = json.loads(targets.read_bytes())["signed"]
    for path, content in ((root_of(site, version - 1), signed), (targets, role)):
        signature = estate.sign(verify._spell(content).encode()).signature.hex()
        whole = {"signatures": [{"keyid": name, "sig": signature}], "signed": content}
        path.write_bytes(verify._spell(whole).encode())


@pytest.mark.parametrize("version", [1, 2])
def test_a_root_that_the_estate_put_before_the_one_that_you_kept_counts_for_nothing(
    site: Path, version: int
) -> None:
    kept = root_of(site, version).read_bytes()
    for older in range(1, version):
        root_of(site, older).unlink()
    prepended(site, version)
    with pytest.raises(verify.NotAsExported, match="too few holders signed it"):
        verify.read_site(site, kept)


@pytest.fixture
def root(site: Path) -> Signed:
    signed: Signed = json.loads(root_of(site, 1).read_bytes())["signed"]
    return signed


@pytest.fixture
def targets(site: Path) -> Signed:
    (path,) = (site / "metadata").glob("*.targets.json")
    metadata: Signed = json.loads(path.read_bytes())
    return metadata


def test_two_holders_of_the_role_are_enough(root: Signed, targets: Signed) -> None:
    assert verify._signed_by(root, "targets", targets)


def test_holders_of_another_role_do_not_count(
    root: dict[str, Any], targets: dict[str, Any]
) -> None:
    root["roles"]["targets"]["keyids"] = root["roles"]["root"]["keyids"]
    assert not verify._signed_by(root, "targets", targets)


@pytest.mark.parametrize("change", [{"note": "a"}, {"keytype": "rsa"}, {"scheme": "rsa"}])
def test_a_key_of_another_form_does_not_count(
    root: Signed, targets: Signed, change: dict[str, str]
) -> None:
    root["keys"][targets["signatures"][0]["keyid"]] |= change
    assert not verify._signed_by(root, "targets", targets)


def test_a_key_in_another_spelling_does_not_count(
    root: dict[str, Any], targets: dict[str, Any]
) -> None:
    key = root["keys"][targets["signatures"][0]["keyid"]]["keyval"]
    key["public"] = key["public"].upper()
    assert not verify._signed_by(root, "targets", targets)


@pytest.mark.parametrize("spell", [str.upper, lambda text: f"{text[:2]} {text[2:]}"])
def test_a_signature_in_another_spelling_does_not_count(
    root: Signed, targets: Signed, spell: Callable[[str], str]
) -> None:
    first = targets["signatures"][0]
    first["sig"] = spell(first["sig"])
    assert not verify._signed_by(root, "targets", targets)


@pytest.mark.parametrize("threshold", [0, -1])
def test_a_role_without_a_threshold_is_not_signed(
    root: Signed, targets: Signed, threshold: int
) -> None:
    root["roles"]["targets"]["threshold"] = threshold
    assert not verify._signed_by(root, "targets", targets)
