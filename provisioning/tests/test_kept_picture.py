"""A picture is kept on request only, sealed to the reviewers, until its entry is gone."""

import json
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from nacl.public import PrivateKey
from nacl.signing import SigningKey
from PIL import Image, PngImagePlugin

from formats.casefile import read_casefile
from formats.errors import FormatError
from formats.portrait import open_portrait
from provisioning.lists.entries import remove_expired_entries
from provisioning.site.folder import Site
from provisioning.tests.workshop import COLLINS, HOPPER, Workshop, contents, refusal, tallylight

CANARY = b"CANARY-7f3a-Grace-Brewster-Murray"


def add(workshop: Workshop, picture: Path, key: str = "list-seal-example-police") -> list[str]:
    _, file = workshop.key(key)
    keep = ("--keep-picture", file, *workshop.passphrase, "--yes")
    words = ("list", "add", workshop.site, "--picture", picture, *workshop.case(), *keep)
    return [str(word) for word in words]


@pytest.fixture
def canary(prepared: Workshop) -> Path:
    """Return Grace Hopper's portrait with a text in its file that must be found nowhere."""
    path = prepared.folder / "outside" / "canary.png"
    path.parent.mkdir()
    metadata = PngImagePlugin.PngInfo()
    metadata.add_text("Comment", CANARY.decode())
    with Image.open(HOPPER) as picture:
        picture.convert("RGB").save(path, pnginfo=metadata)
    assert CANARY in path.read_bytes()
    return path


def reviewer(workshop: Workshop) -> PrivateKey:
    """Add a reviewer to the site; return the reviewer's private key."""
    key = PrivateKey.generate()
    file = workshop.public("one", bytes(key.public_key))
    who = ("--reviewer", "one", "--organisation", "Example Estate", "--yes")
    tallylight("recipients", "add", workshop.site, *who, "--key", file)
    workshop.sign_policy()
    return key


def picture_of(workshop: Workshop) -> Path:
    (path,) = (workshop.site / "portraits").iterdir()
    return path


def handle_of(workshop: Workshop) -> str:
    (path,) = (workshop.site / "entries").iterdir()
    return path.stem


def test_only_a_reviewer_sees_the_head(prepared: Workshop, canary: Path) -> None:
    key = reviewer(prepared)
    output = tallylight(*add(prepared, canary))
    assert "only the site's reviewers can open it" in output.replace("\n", "")
    sealed, policy = picture_of(prepared).read_bytes(), Site(prepared.site).policy
    handle = bytes.fromhex(handle_of(prepared))
    with Image.open(BytesIO(open_portrait(sealed, handle, policy, key))) as opened:
        seen = np.asarray(opened)
    assert seen.shape == (512, 512, 3)
    assert seen.std() > 20
    with pytest.raises(FormatError):
        open_portrait(sealed, handle, policy, PrivateKey.generate())


def test_nothing_of_the_picture_lies_in_the_folder_in_the_clear(
    prepared: Workshop, canary: Path
) -> None:
    pixels = Image.open(canary).convert("RGB").tobytes()
    tallylight(*add(prepared, canary))
    prepared.build()
    everything = b"".join(contents(prepared.site).values())
    for trace in (CANARY, b"\xff\xd8\xff\xe0", b"JFIF", b"\x89PNG\r\n", pixels[300_000:300_032]):
        assert trace not in everything


def test_without_the_request_no_picture_is_kept(prepared: Workshop) -> None:
    prepared.add(HOPPER)
    prepared.build()
    assert not (prepared.site / "portraits").exists()
    case = (prepared.site / "signed/list/watchlist-mill-lane.json").read_bytes()
    assert [entry.picture_kept for entry in read_casefile(case).entries] == [False]


def test_the_picture_ends_with_its_entry(prepared: Workshop, canary: Path) -> None:
    tallylight(*add(prepared, canary))
    before = picture_of(prepared).read_bytes()
    tallylight("list", "remove", prepared.site, handle_of(prepared), "--yes")
    assert not list((prepared.site / "portraits").iterdir())
    assert before not in contents(prepared.site).values()


def test_when_the_entrys_time_is_over_entry_and_picture_are_gone(
    prepared: Workshop, canary: Path
) -> None:
    tallylight(*add(prepared, canary))
    site, now = Site(prepared.site), datetime.now(UTC)
    remove_expired_entries(site, now)
    assert picture_of(prepared).exists()
    remove_expired_entries(site, now + timedelta(days=3))
    assert not list(site.portraits.iterdir())
    assert not list(site.entries.iterdir())


def test_a_picture_whose_entry_was_never_written_goes_with_the_next_list(
    prepared: Workshop, canary: Path
) -> None:
    tallylight(*add(prepared, canary))
    (prepared.site / "entries" / f"{handle_of(prepared)}.json").unlink()
    prepared.build()
    assert not list((prepared.site / "portraits").iterdir())


def test_the_history_says_that_a_picture_was_kept(prepared: Workshop, canary: Path) -> None:
    tallylight(*add(prepared, canary))
    prepared.build()
    assert "one kept for the reviewers" in tallylight("list", "show", prepared.site)
    prepared.sign("police")
    prepared.sign("estate")
    tallylight("list", "publish", prepared.site, *prepared.passphrase)
    (published,) = json.loads(tallylight("list", "history", prepared.site, "--json"))["lists"]
    assert published["pictures_kept"] == [handle_of(prepared)]
    assert "picture kept" in " ".join(tallylight("list", "history", prepared.site).split())
    assert not [name for name in contents(prepared.site / "published") if "portrait" in name]


def test_a_key_that_reviewers_would_not_believe_keeps_no_picture(
    prepared: Workshop, tmp_path: Path
) -> None:
    other = Workshop(tmp_path / "other")
    other.folder.mkdir()
    other.begin()
    _, file = other.key("list-seal-example-police")
    words = add(prepared, COLLINS)
    words[words.index("--keep-picture") + 1] = str(file)
    before = contents(prepared.site)
    assert "seals no pictures" in refusal(*words)
    assert contents(prepared.site) == before


def test_a_drafted_reviewer_without_the_holders_signatures_sees_no_picture(
    prepared: Workshop, canary: Path
) -> None:
    prepared.public("drafted", bytes(PrivateKey.generate().public_key))
    prepared.public("drafted.verdict", bytes(SigningKey.generate().verify_key))
    who = ("--reviewer", "drafted", "--organisation", "Example Estate")
    key = ("--key", prepared.folder / "drafted.pub")
    tallylight("recipients", "add", prepared.site, *who, *key)
    assert "tallylight policy sign" in refusal(*add(prepared, canary))
    assert not (prepared.site / "portraits").exists()
    assert not list((prepared.site / "entries").iterdir())
