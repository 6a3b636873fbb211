"""`tallylight wipe`: the card is empty, and a signed certificate says so."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from firmware.config import State
from formats.keyfile import Purpose, make_key, unlock_signing, write_key
from formats.wipe_certificate import read_wipe_certificate
from hil_tests.rig.simulated_cable import desk_terms, register_on_desk
from provisioning.site.folder import open_site
from provisioning.site.installers import name_installer
from provisioning.site.registrations import believed
from provisioning.tests.workshop import CHEAP, PASSPHRASE, SITE, Workshop, refusal, tallylight

ROOT = b"the first root"
LAYOUT = "label: gpt\nunit: sectors\nstart=2048, size=4096, name=data\n"
SECRET = b"a key, a name, a face"


@dataclass(frozen=True)
class Bench:
    """A site with one registered camera, its installer's key and its card."""

    workshop: Workshop
    camera: str
    card: Path

    def words(self, *more: str) -> tuple[str | Path, ...]:
        key = ("--key", self.workshop.folder / "installer.key")
        usual = (*key, *self.workshop.passphrase)
        return "wipe", self.workshop.site, self.camera[:8], self.card, *usual, *more


@pytest.fixture
def bench(prepared: Workshop, tmp_path: Path) -> Bench:
    locked = make_key(Purpose.INSTALLER, "Example Installer", PASSPHRASE, CHEAP)
    write_key(prepared.folder / "installer.key", locked)
    key = unlock_signing(locked, PASSPHRASE)
    site = open_site(prepared.site)
    name_installer(site, key.verify_key)
    state = State(tmp_path / "camera")
    register_on_desk(state, ROOT, prepared.site, key, desk_terms(ROOT, site=SITE))
    (registration,) = believed(site)
    card = tmp_path / "card"
    with card.open("wb") as file:
        file.truncate(4 << 20)
    subprocess.run(["/usr/sbin/sfdisk", "-q", str(card)], input=LAYOUT.encode(), check=True)
    with card.open("r+b") as file:
        file.seek(3000 * 512)
        file.write(SECRET)
    return Bench(prepared, registration.identity.camera_id.hex(), card)


def test_the_card_is_wiped_and_its_certificate_holds(bench: Bench) -> None:
    tallylight("broker", "config", bench.workshop.site, *bench.workshop.passphrase)
    said = tallylight(*bench.words("--confirm", "card"))
    assert f"tallylight camera remove {bench.workshop.site} {bench.camera[:8]}" in said
    assert SECRET not in bench.card.read_bytes()
    to = bench.workshop.site / "wiped" / f"{bench.camera}.json"
    certificate = read_wipe_certificate(to.read_bytes())
    assert (certificate.camera.hex(), certificate.wiped_bytes) == (bench.camera, 3 << 20)
    assert to.with_suffix(".pdf").read_bytes().startswith(b"%PDF")


def test_everything_that_is_signed_is_shown_before_anything_is_overwritten(bench: Bench) -> None:
    before = bench.card.read_bytes()
    for words in ((), ("--confirm", "sdb")):
        assert "othing was written" in refusal(*bench.words(*words))
    assert bench.card.read_bytes() == before
    assert not (bench.workshop.site / "wiped").exists()


def test_machines_get_what_was_wiped(bench: Bench) -> None:
    said = tallylight(*bench.words("--confirm", "card", "--json"))
    found = json.loads(said.splitlines()[-1])
    assert (found["camera"], found["wiped_bytes"], found["revoked"]) == (
        bench.camera,
        3 << 20,
        False,
    )


def test_a_camera_that_no_believed_installer_registered_is_not_wiped(
    bench: Bench, tmp_path: Path
) -> None:
    before = bench.card.read_bytes()
    stranger = SigningKey.generate()
    state = State(tmp_path / "another")
    register_on_desk(state, ROOT, bench.workshop.site, stranger, desk_terms(ROOT, site=SITE))
    for name in ("0000", "abc", state.root.name):
        words = list(bench.words("--confirm", "card"))
        words[2] = name
        assert "0 registered cameras have an id that begins" in refusal(*words)
    assert bench.card.read_bytes() == before
