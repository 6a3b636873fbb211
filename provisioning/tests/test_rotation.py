"""Keys change hands: who must sign, and who cameras follow afterwards."""

import json
from datetime import UTC, datetime
from pathlib import Path

from nacl.public import PrivateKey

from firmware.trust.accepted import begin_trust
from firmware.trust.site_verifier import verify_site
from firmware.trust.watchlist import ThisCamera
from formats.keyfile import Locked, Purpose, make_key, read_key, write_key
from formats.public_key_file import read_public_key
from provisioning.nets.bundles import read_unverified
from provisioning.site.folder import Site
from provisioning.site.rotation import newest_root
from provisioning.tests.workshop import CHEAP, PASSPHRASE, Workshop, contents, refusal, tallylight
from terminal.fingerprints import fingerprint_words

HOLDERS = ("data-protection-officer", "maker", "oversight-body")


def new_key(workshop: Workshop, purpose: Purpose, name: str = "new") -> Path:
    path = workshop.folder / f"{name}.key"
    write_key(path, make_key(purpose, "Newcomer", PASSPHRASE, CHEAP))
    return path


def rotate(workshop: Workshop, old: str, new: Path) -> str:
    leaving = workshop.site / "keys" / f"{old}.key"
    return tallylight("site", "rotate", workshop.site, "--from", leaving, "--to", new, "--yes")


def sign(workshop: Workshop, holder: str) -> list[str | Path]:
    key = workshop.key(f"root-{holder}")
    return ["site", "sign", workshop.site, *key, *workshop.passphrase, "--yes"]


def sign_all(workshop: Workshop) -> None:
    for holder in HOLDERS:
        tallylight(*sign(workshop, holder))


def publish(workshop: Workshop) -> list[str | Path]:
    return ["list", "publish", workshop.site, "--to", workshop.folder / "in", *workshop.passphrase]


def accepted_version(workshop: Workshop) -> int:
    """Return the list's version that the workshop's camera accepts, from the root in its image."""
    site = Site(workshop.site)
    (place,) = site.policy.places
    camera = ThisCamera(
        place.camera.camera_id,
        PrivateKey((workshop.folder / "list.key").read_bytes()),
        read_unverified(site.models).model_digest,
    )
    trusted, now = workshop.folder / "trusted", datetime.now(UTC)
    inbox = workshop.folder / "in"
    begin_trust(trusted)
    return verify_site(inbox, trusted, site.root, camera=camera, now=now).version


def test_a_new_root_counts_with_the_third_signature(begun: Workshop) -> None:
    rotate(begun, "timestamp-provisioning-desk", new_key(begun, Purpose.TIMESTAMP))
    for holder in HOLDERS[:2]:
        assert "more holders must sign" in tallylight(*sign(begun, holder))
        assert newest_root(Site(begun.site)).signed.version == 1
    assert "counts now" in tallylight(*sign(begun, HOLDERS[2]))
    assert newest_root(Site(begun.site)).signed.version == 2


def test_cameras_follow_a_new_online_key_from_the_root_in_their_image(listed: Workshop) -> None:
    listed.sign("police")
    listed.sign("estate")
    tallylight(*publish(listed))
    assert accepted_version(listed) == 1
    new = new_key(listed, Purpose.TIMESTAMP)
    rotate(listed, "timestamp-provisioning-desk", new)
    sign_all(listed)
    new.rename(listed.site / "keys" / "timestamp-new.key")
    tallylight(*publish(listed))
    assert (listed.folder / "in" / "metadata" / "2.root.json").exists()
    assert accepted_version(listed) == 1


def test_cameras_follow_a_changed_root_holder_twice(listed: Workshop) -> None:
    listed.sign("police")
    listed.sign("estate")
    for number, name in enumerate(("first-spare", "second-spare")):
        rotate(listed, f"root-{name}", new_key(listed, Purpose.ROOT, f"root-{number}"))
        sign_all(listed)
    tallylight(*publish(listed))
    assert accepted_version(listed) == 1
    assert newest_root(Site(listed.site)).signed.version == 3


def test_a_key_that_has_left_signs_no_root(begun: Workshop) -> None:
    rotate(begun, "root-maker", new_key(begun, Purpose.ROOT))
    for holder in ("data-protection-officer", "oversight-body", "first-spare"):
        tallylight(*sign(begun, holder))
    tallylight("site", "rotate", begun.site, "--yes")
    assert "holds no root" in refusal(*sign(begun, "maker"))


def test_a_policy_holder_who_has_left_does_not_count(prepared: Workshop) -> None:
    new = new_key(prepared, Purpose.TARGETS)
    rotate(prepared, "targets-oversight-body", new)
    sign_all(prepared)
    assert "One more holder" in refusal("policy", "check", prepared.site)
    tallylight("policy", "sign", prepared.site, "--key", new, *prepared.passphrase, "--yes")
    assert "signed by enough" in tallylight("policy", "check", prepared.site)


def test_one_holder_cannot_sign_a_root_twice(begun: Workshop) -> None:
    tallylight("site", "rotate", begun.site, "--yes")
    tallylight(*sign(begun, "maker"))
    before = contents(begun.site)
    assert "another holder" in refusal(*sign(begun, "maker"))
    assert contents(begun.site) == before


def test_a_root_that_too_few_signed_is_not_believed(begun: Workshop) -> None:
    tallylight("site", "rotate", begun.site, "--yes")
    tallylight(*sign(begun, "maker"))
    (begun.site / "roots").mkdir()
    (begun.site / "rotation.json").rename(begun.site / "roots" / "2.root.json")
    assert "not signed by enough" in refusal("site", "rotate", begun.site, "--yes")


def test_a_key_takes_the_place_of_its_own_kind_only(begun: Workshop) -> None:
    new = new_key(begun, Purpose.TARGETS)
    leaving = begun.site / "keys" / "root-maker.key"
    output = refusal("site", "rotate", begun.site, "--from", leaving, "--to", new, "--yes")
    assert "replaced by a root key" in output


def test_a_list_key_holds_no_role_of_the_root(begun: Workshop) -> None:
    leaving = begun.site / "keys" / "list-sign-example-police.key"
    new = new_key(begun, Purpose.LIST_SIGN)
    assert "no role" in refusal(
        "site", "rotate", begun.site, "--from", leaving, "--to", new, "--yes"
    )


def test_a_key_that_holds_a_role_takes_no_other(begun: Workshop) -> None:
    leaving, holds = (begun.site / "keys" / f"root-{name}.key" for name in ("maker", HOLDERS[2]))
    words = ("site", "rotate", begun.site, "--from", leaving, "--to", holds)
    assert "holds a role already" in refusal(*words)


def test_a_root_that_another_came_before_is_not_signed(begun: Workshop) -> None:
    rotate(begun, "timestamp-provisioning-desk", new_key(begun, Purpose.TIMESTAMP))
    waiting = (begun.site / "rotation.json").read_bytes()
    sign_all(begun)
    (begun.site / "rotation.json").write_bytes(waiting)
    assert "Another root came first" in refusal(*sign(begun, "maker"))


def test_half_a_change_is_none(begun: Workshop) -> None:
    leaving = begun.site / "keys" / "root-maker.key"
    assert "--to" in refusal("site", "rotate", begun.site, "--from", leaving, "--yes")


def test_nothing_is_signed_before_it_has_begun(begun: Workshop) -> None:
    assert "site rotate" in refusal(*sign(begun, "maker"))


def test_a_signer_is_shown_which_key_changes_in_words(begun: Workshop) -> None:
    new = new_key(begun, Purpose.ROOT)
    rotate(begun, "root-maker", new)
    output = tallylight(*sign(begun, "oversight-body"))
    assert fingerprint_words(read_key(new).public) in " ".join(output.split())
    assert "ADDED    Key of the role root" in output
    assert "REMOVED  Key of the role root" in output


def test_the_minutes_name_every_key_in_words_and_no_secret(begun: Workshop) -> None:
    minutes = (begun.site / "ceremony-1.txt").read_text()
    for path in (begun.site / "keys").iterdir():
        locked = read_key(path)
        first, second = (
            fingerprint_words(locked.public).split()[:6],
            fingerprint_words(locked.public).split()[6:],
        )
        assert " ".join(first) in minutes
        assert " ".join(second) in minutes
        assert isinstance(locked.rest, Locked)
        assert locked.rest.box.hex() not in minutes
    assert max(len(line) for line in minutes.splitlines()) <= 80


def test_two_keys_have_different_words() -> None:
    assert fingerprint_words(bytes(32)) != fingerprint_words(bytes(31) + b"\1")
    assert len(fingerprint_words(bytes(32)).split()) == 12


def test_a_key_made_at_home_is_named_and_only_its_public_half_is_handed_on(tmp_path: Path) -> None:
    passphrase = tmp_path / "passphrase"
    passphrase.write_text(PASSPHRASE)
    file = tmp_path / "own.key"
    words = ("--purpose", "root", "--holder", "Newcomer", "--passphrase-file", passphrase, "--json")
    output = json.loads(tallylight("site", "key", file, *words))
    assert output["words"] == fingerprint_words(read_key(file).public)
    public = read_public_key(tmp_path / "own.pub", Purpose.ROOT)
    assert (public.public.hex(), public.holder) == (output["public"], "Newcomer")
    assert "exists already" in refusal("site", "key", file, *words)


def test_a_holder_sets_a_passphrase_of_their_own(begun: Workshop, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("my very own passphrase")
    old, new = begun.site / "keys" / "root-maker.key", tmp_path / "maker.key"
    tallylight(
        *("site", "passphrase", old, "--to", new),
        *(*begun.passphrase, "--new-passphrase-file", own),
    )
    assert read_key(new).public == read_key(old).public
    tallylight("site", "rotate", begun.site, "--yes")
    words = ("site", "sign", begun.site, "--key", new, "--yes", "--passphrase-file")
    assert "does not open" in refusal(*words, begun.passphrase[1])
    assert "signed by 1" in tallylight(*words, own)
