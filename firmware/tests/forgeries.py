"""Forged and altered lists: what an attacker could put into a camera's inbox, or onto its card.

Each begins after one valid list was accepted. Functions that publish leave version 2 in the inbox,
wrong in the one thing they are named after. `firmware.tests.attacks` is the corpus.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from shutil import copytree, rmtree

from tuf.api.metadata import Targets  # type: ignore[attr-defined]  # Re-exports.

from firmware.tests import desk
from firmware.tests.desk import NOW, NOW_S, SIGNERS, STRANGER, THIS_CAMERA, Desk, entry
from firmware.tests.verifier import Camera, flip, only
from firmware.trust.floors import COPIES
from firmware.trust.watchlist import Refusal, ThisCamera
from formats.casefile import CaseFile
from formats.entry import PictureQuality
from formats.site_keys import SiteKey

POLICE, ESTATE = SIGNERS["police"], SIGNERS["estate"]


@dataclass(frozen=True)
class Attack:
    """One act of an attacker, and the code with which the camera must refuse."""

    name: str
    do: Callable[[Camera], object]
    code: Refusal
    now: datetime = NOW
    camera: ThisCamera = THIS_CAMERA
    dark: bool = False
    """Whether the old list is no longer in force, either."""


def second(**changes: object) -> Desk:
    """Return an authority with a newer policy, so that cameras reuse no file that they have."""
    newer = replace(desk.usual_policy(), version=2, cap=100)
    return Desk(**{"policy": newer, **changes})  # type: ignore[arg-type]


def published(**changes: object) -> Callable[[Camera], object]:
    """Publish a second list of an authority that differs in these."""
    return lambda camera: second(**changes).publish(camera.inbox, version=2)


def case(**changes: object) -> Callable[[Camera], object]:
    """Publish a second list whose case file, properly signed, differs in these."""

    def amend(made: CaseFile) -> CaseFile:
        return replace(made, **changes)  # type: ignore[arg-type]

    return published(amend_case=amend)


def policy(**changes: object) -> Callable[[Camera], object]:
    """Publish a second list under a policy, properly signed, that differs in these."""
    return published(policy=replace(desk.usual_policy(), version=2, **changes))  # type: ignore[arg-type]


def one(**changes: object) -> Callable[[Camera], object]:
    """Publish a second list with one entry, properly signed, that differs in these."""
    return published(entries=[entry(1, **changes)])


def body(amend: Callable[[bytes], bytes]) -> Callable[[Camera], object]:
    """Publish a second list whose body was amended before it was sealed."""
    return published(amend_body=amend)


def file(pattern: str, amend: Callable[[bytes], bytes]) -> Callable[[Camera], object]:
    """Publish a valid second list, and amend one of its files on the way."""

    def do(camera: Camera) -> None:
        rmtree(camera.inbox)
        second().publish(camera.inbox, version=2)
        path = only(camera.inbox, pattern)
        path.write_bytes(amend(path.read_bytes()))

    return do


def without(pattern: str) -> Callable[[Camera], object]:
    """Publish a valid second list without one of its files."""

    def do(camera: Camera) -> None:
        rmtree(camera.inbox)
        second().publish(camera.inbox, version=2)
        only(camera.inbox, pattern).unlink()

    return do


def metadata(pattern: str, change: Callable[[dict[str, object]], object]) -> Callable[..., object]:
    """Publish a valid second list, and change what was signed in one of its roles."""

    def amend(content: bytes) -> bytes:
        document = json.loads(content)
        change(document["signed"])
        return json.dumps(document).encode()

    return file(pattern, amend)


def signatures(
    pattern: str, change: Callable[[list[dict[str, str]]], object]
) -> Callable[..., object]:
    """Publish a valid second list, and change the signatures of one of its roles."""

    def amend(content: bytes) -> bytes:
        document = json.loads(content)
        change(document["signatures"])
        return json.dumps(document).encode()

    return file(pattern, amend)


def one_key_under_two_names(targets: Targets) -> None:
    role = next(iter(targets.delegations.roles.values()))  # type: ignore[union-attr]
    key = SiteKey.of(POLICE.verify_key)
    role.keyids = [key.keyid, "00" * 32]
    targets.delegations.keys["00" * 32] = SiteKey(  # type: ignore[union-attr]
        "00" * 32, key.keytype, key.scheme, key.keyval
    )


def threshold_of_one(targets: Targets) -> None:
    for role in targets.delegations.roles.values():  # type: ignore[union-attr]
        role.threshold = 1


def another_key(targets: Targets) -> None:
    role = next(iter(targets.delegations.roles.values()))  # type: ignore[union-attr]
    key = SiteKey.of(STRANGER.verify_key)
    role.keyids.append(key.keyid)
    targets.delegations.keys[key.keyid] = key  # type: ignore[union-attr]


def roll_back(camera: Camera) -> None:
    camera.takes(Desk(), version=3)
    Desk().publish(camera.inbox, version=2)


def old_card(camera: Camera) -> None:
    """Put the card of weeks ago back, all but the floors."""
    older = camera.metadata.with_name("older")
    copytree(camera.metadata, older, symlinks=True)
    camera.takes(Desk(), version=2)
    rmtree(camera.metadata)
    older.rename(camera.metadata)
    Desk().publish(camera.inbox, version=1)


def elsewhere(made: CaseFile) -> CaseFile:
    return replace(made, site="barn")


def here(site: Targets) -> None:
    """Give the other site's list the names that this site's role may sign."""
    for info in site.targets.values():
        info.path = info.path.replace("barn", "mill")
    site.targets = {info.path: info for info in site.targets.values()}


def another_version(site: Targets) -> None:
    site.version += 1


def broken_floors(camera: Camera) -> None:
    for name in COPIES:
        flip(camera.metadata.with_name("floors") / name, 70)
    Desk().publish(camera.inbox, version=2)


def mixed(camera: Camera) -> None:
    """Put the body of another publication, whole and properly signed, under this one's name."""
    other = Desk(entries=[entry(3)]).publish(camera.inbox.with_name("other"), version=2)
    rmtree(camera.inbox)
    Desk().publish(camera.inbox, version=2)
    wanted, found = (only(place, "targets/*.sealed") for place in (camera.inbox, other))
    wanted.write_bytes(found.read_bytes())


def strip(camera: Camera) -> None:
    for path in camera.inbox.rglob("*"):
        if path.is_file():
            path.unlink()


def fresh(camera: Camera) -> None:
    """Publish nothing new: the camera is kept from its broker."""
    Desk().publish(camera.inbox, version=1)


DAY = timedelta(days=1)
OTHER_CAMERA = ThisCamera(bytes(16), desk.opening(54), desk.MODEL)
OTHER_KEY = replace(THIS_CAMERA, list_key=desk.opening(54))
OTHER_MODEL = replace(THIS_CAMERA, model_digest=bytes(32))
SITE = "metadata/2.site-mill.json"


def swap(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda content: content.replace(old, new)


def overdue() -> object:
    return replace(desk.usual_policy().assessment, review_utc_s=NOW_S)


def pictures(count: int) -> tuple[PictureQuality, ...]:
    """Return the qualities of so many pictures of one person."""
    return entry(1).pictures * count
