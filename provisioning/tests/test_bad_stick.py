"""Sticks that bring what no holder signed, links, devices and files without end."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tuf.api.metadata import Metadata, Targets  # type: ignore[attr-defined]  # Re-exports.

from formats.keyfile import Purpose, make_key, read_key, unlock_signing, write_key
from formats.signer import Ed25519Signer
from provisioning.site.folder import Site
from provisioning.site.roles import sign
from provisioning.tests.sticks import (
    ROOT_HOLDERS,
    give,
    publish,
    refused,
    sign_both,
    sign_list,
    sign_root,
)
from provisioning.tests.workshop import (
    CHEAP,
    ESTATE,
    PASSPHRASE,
    Workshop,
    contents,
    refusal,
    tallylight,
)


def test_a_root_that_too_few_signed_stays_on_the_stick(begun: Workshop) -> None:
    folder = give(begun)
    tallylight("site", "rotate", folder, "--yes")
    sign_root(begun, folder, *ROOT_HOLDERS[:2])
    (folder / "roots").mkdir()
    (folder / "rotation.json").rename(folder / "roots" / "2.root.json")
    before = contents(begun.site)
    assert "stayed on the stick" in refused(begun)
    assert contents(begun.site) == before


def test_a_root_that_no_holder_signed_does_not_wait_here(begun: Workshop) -> None:
    folder = give(begun)
    tallylight("site", "rotate", folder, "--yes")
    before = contents(begun.site)
    assert "stayed on the stick" in refused(begun)
    assert contents(begun.site) == before


def test_another_list_of_the_same_version_stays_on_the_stick(prepared: Workshop) -> None:
    prepared.add()
    another = Workshop(prepared.folder / "another")
    shutil.copytree(prepared.site, another.site)
    (another.folder / "passphrase").write_text(PASSPHRASE)
    for each in (prepared, another):
        each.build()
    another.sign("estate")
    tallylight("give", another.folder, "--from", another.site)
    before = contents(prepared.site)
    words = ("take", another.folder, "--into", prepared.site)
    assert "stayed on the stick" in refusal(*words)
    assert contents(prepared.site) == before


def test_a_stick_of_another_site_is_refused(listed: Workshop, tmp_path: Path) -> None:
    folder = give(listed)
    other = Workshop(tmp_path / "other")
    other.folder.mkdir()
    other.begin()
    (folder / "root.json").write_bytes((other.site / "root.json").read_bytes())
    assert "another site" in refused(listed)


def test_a_signature_of_no_organisation_stays_on_the_stick(listed: Workshop) -> None:
    folder = give(listed)
    role = Site(folder).signed_list / "site-mill-lane.json"
    before = contents(listed.site)
    forged = listed.folder / "forged.key"
    write_key(forged, make_key(Purpose.LIST_SIGN, ESTATE, PASSPHRASE, CHEAP))
    add_signature(role, unlock_signing(read_key(forged), PASSPHRASE))
    assert "1 of these stayed on the stick" in refused(listed)
    assert contents(listed.site) == before


def add_signature(path: Path, key: Ed25519Signer) -> None:
    metadata = Metadata[Targets].from_bytes(path.read_bytes())
    sign(metadata, key)
    path.write_bytes(metadata.to_bytes())


def plant_link(path: Path) -> None:
    path.rename(path.with_suffix(".moved"))
    path.symlink_to(path.with_suffix(".moved"))


def plant_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def plant_huge_file(path: Path) -> None:
    os.truncate(path, 1 << 40)


def plant_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def plant_garbage(path: Path) -> None:
    path.write_bytes(b"[" * 10_000)


@pytest.mark.parametrize(
    "plant", [plant_link, plant_fifo, plant_huge_file, plant_folder, plant_garbage]
)
@pytest.mark.parametrize(
    "name",
    [
        "root.json",
        "signed/targets/targets.json",
        "signed/targets/policy.json",
        "signed/list/site-mill-lane.json",
        "signed/list/watchlist-mill-lane.json",
        "signed/list/watchlist-mill-lane.sealed",
    ],
)
def test_what_is_no_plain_file_stays_on_the_stick(
    listed: Workshop, name: str, plant: Callable[[Path], None]
) -> None:
    folder = give(listed)
    sign_list(listed, folder, "estate")
    before = contents(listed.site)
    plant(folder / name)
    refused(listed)
    after = contents(listed.site)
    if name.startswith("signed/targets"):  # The list is whole, and comes.
        for each in (before, after):
            del each["signed/list/site-mill-lane.json"]
    assert after == before


@pytest.mark.parametrize("plant", [plant_link, plant_fifo, plant_huge_file, plant_garbage])
@pytest.mark.parametrize("name", ["history/000001.json", "history/000001.role.json"])
def test_a_signer_at_the_stick_is_told_which_file_of_its_history_is_bad(
    listed: Workshop, name: str, plant: Callable[[Path], None]
) -> None:
    sign_both(listed)
    tallylight(*publish(listed))
    listed.build()
    folder = give(listed)
    plant(folder / name)
    key = (*listed.key("list-sign-example-estate"), *listed.passphrase)
    assert str(folder / name) in refusal("list", "sign", folder, *key, "--yes")


def test_a_folder_that_is_a_link_stays_on_the_stick(listed: Workshop) -> None:
    folder = give(listed)
    plant_link(folder / "signed")
    before = contents(listed.site)
    refused(listed)
    assert contents(listed.site) == before
