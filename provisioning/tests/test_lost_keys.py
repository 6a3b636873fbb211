"""docs/lost-keys.md, followed word for word: after each section the site works with the new key."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from formats.keyfile import Purpose, find_keys, read_key
from provisioning.site.folder import Site
from provisioning.tests.page import commands, follow, headings
from provisioning.tests.workshop import HOPPER, Workshop, tallylight
from terminal.fingerprints import fingerprint_words

PAGE = "lost-keys.md"
LOST = {
    "A root key": "root-maker",
    "A key that signs the policy": "targets-oversight-body",
    "The snapshot or timestamp key": "timestamp-provisioning-desk",
    "An organisation's list key": "list-sign-example-police",
    "A reviewer's key": None,
    "The receipt key": None,
    "The key that vouches for nets": None,
    "The desk's key": "desk-provisioning-desk",
    "The broker's key": "broker-provisioning-desk",
}


@pytest.fixture
def published(listed: Workshop, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """Return a site with a published list, in `mill-lane`, its holders' key files beside it."""
    listed.sign("police")
    listed.sign("estate")
    tallylight("list", "publish", listed.site, *listed.passphrase)
    tallylight("broker", "config", listed.site, *listed.passphrase)
    shutil.copytree(listed.site / "keys", listed.folder, dirs_exist_ok=True)
    shutil.copy(HOPPER, listed.folder / "portrait.jpg")
    shutil.move(listed.site, listed.folder / "mill-lane")
    monkeypatch.chdir(listed.folder)
    return listed


def lose(name: str) -> str:
    """Destroy a key's file; return its twelve words, as the minutes have them."""
    words = fingerprint_words(read_key(Path(f"{name}.key")).public)
    for folder in (Path(), Path("mill-lane/keys")):
        (folder / f"{name}.key").unlink()
    return words


def follow_section(workshop: Workshop, heading: str) -> None:
    lost = LOST[heading]
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    places = {
        "twelve words of the lost key": lose(lost) if lost else "",
        "/media/cameras": str(workshop.folder / "cameras"),
        "2026-12-20": tomorrow,
    }
    for words in commands(PAGE, heading):
        follow(words, places, workshop.passphrase[1])


def test_every_section_of_the_page_is_followed() -> None:
    assert headings(PAGE, 2) == list(LOST)


@pytest.mark.parametrize("heading", [each for each in LOST if "broker" not in each])
def test_after_a_key_was_replaced_the_list_is_published_again(
    published: Workshop, heading: str
) -> None:
    follow_section(published, heading)
    inbox = published.folder / "cameras"
    assert "Entries: 1." in tallylight("list", "verify", "mill-lane", "--from", inbox)


def test_what_a_new_broker_key_costs_is_said_before_and_what_is_next_after(
    published: Workshop,
) -> None:
    words = ("desk", "replace-key", "mill-lane", "--purpose", "broker", "--yes")
    said = tallylight(*words, *published.passphrase)
    assert said.index("Every certificate") < said.index("The broker key is new")
    assert "Next: tallylight broker config" in said


def test_a_new_broker_key_makes_every_certificate_anew(published: Workshop) -> None:
    follow_section(published, "The broker's key")
    folder = Site(Path("mill-lane")).broker
    authority = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    (key,) = find_keys(Path("mill-lane/keys"), Purpose.BROKER)
    made = Ed25519PublicKey.from_public_bytes(key.public)
    assert authority.public_key() == made
    clients = [path.read_bytes() for path in (folder / "clients").glob("*.pem")]
    for each in (*clients, (folder / "server.pem").read_bytes()):
        x509.load_pem_x509_certificate(each).verify_directly_issued_by(authority)
