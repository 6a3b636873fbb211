"""Attacks on a list, each with the word that the camera must refuse it with.

Each is what somebody could put into a camera's inbox, or onto its card, after one good list was
accepted. `publish` functions leave version 2 in the inbox, wrong in the one thing they are named
after.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from shutil import copytree, rmtree

from tuf.api.metadata import Targets  # type: ignore[attr-defined]  # Re-exports.

from firmware.floors import COPIES
from firmware.tests import desk
from firmware.tests.desk import NOW, NOW_S, SEALERS, SIGNERS, STRANGER, THIS_CAMERA, Desk, entry
from firmware.tests.verifier import Camera, flip, only
from firmware.watchlist import Refusal, ThisCamera
from formats.casefile import CaseFile
from formats.site_tuf import SiteKey

POLICE, ESTATE = SIGNERS["police"], SIGNERS["estate"]


@dataclass(frozen=True)
class Attack:
    """What somebody does, and what the camera says."""

    name: str
    do: Callable[[Camera], object]
    code: Refusal
    now: datetime = NOW
    camera: ThisCamera = THIS_CAMERA
    dark: bool = False
    """Whether the old list is not in force any more, either."""


def second(**changes: object) -> Desk:
    """An authority whose policy is newer, too, so that cameras take nothing from what they have."""
    newer = replace(desk.usual_policy(), version=2, cap=100)
    return Desk(**{"policy": newer, **changes})  # type: ignore[arg-type]


def published(**changes: object) -> Callable[[Camera], object]:
    """A second list of an authority that differs in these."""
    return lambda camera: second(**changes).publish(camera.inbox, version=2)


def case(**changes: object) -> Callable[[Camera], object]:
    """A second list whose case file, properly signed, differs in these."""

    def amend(made: CaseFile) -> CaseFile:
        return replace(made, **changes)  # type: ignore[arg-type]

    return published(amend_case=amend)


def policy(**changes: object) -> Callable[[Camera], object]:
    """A second list under a policy, properly signed, that differs in these."""
    return published(policy=replace(desk.usual_policy(), version=2, **changes))  # type: ignore[arg-type]


def one(**changes: object) -> Callable[[Camera], object]:
    """A second list with one entry, properly signed, that differs in these."""
    return published(entries=[entry(1, **changes)])


def body(amend: Callable[[bytes], bytes]) -> Callable[[Camera], object]:
    """A second list whose body was amended before it was sealed."""
    return published(amend_body=amend)


def file(pattern: str, amend: Callable[[bytes], bytes]) -> Callable[[Camera], object]:
    """A good second list, one of whose files was amended on the way."""

    def do(camera: Camera) -> None:
        rmtree(camera.inbox)
        second().publish(camera.inbox, version=2)
        path = only(camera.inbox, pattern)
        path.write_bytes(amend(path.read_bytes()))

    return do


def without(pattern: str) -> Callable[[Camera], object]:
    """A good second list, one of whose files was withheld."""

    def do(camera: Camera) -> None:
        rmtree(camera.inbox)
        second().publish(camera.inbox, version=2)
        only(camera.inbox, pattern).unlink()

    return do


def metadata(pattern: str, change: Callable[[dict[str, object]], object]) -> Callable[..., object]:
    """A good second list, in one of whose roles what was signed was changed."""

    def amend(content: bytes) -> bytes:
        document = json.loads(content)
        change(document["signed"])
        return json.dumps(document).encode()

    return file(pattern, amend)


def signatures(
    pattern: str, change: Callable[[list[dict[str, str]]], object]
) -> Callable[..., object]:
    """A good second list, in one of whose roles the signatures were changed."""

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
    """Everything on the card but the floors is as it was weeks ago."""
    older = camera.metadata.with_name("older")
    copytree(camera.metadata, older, symlinks=True)
    camera.takes(Desk(), version=2)
    rmtree(camera.metadata)
    older.rename(camera.metadata)
    Desk().publish(camera.inbox, version=1)


def elsewhere(made: CaseFile) -> CaseFile:
    return replace(made, site="barn")


def here(site: Targets) -> None:
    """The other site's list, under the names that this site's role may sign."""
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
    """The body of another publication, whole and properly signed, under this one's name."""
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
    """Nothing new arrives: somebody keeps the camera from its broker."""
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


ATTACKS = [
    # Who signs.
    Attack("signed by one organisation", published(signers=[POLICE]), Refusal.SIG),
    Attack("signed by nobody", published(signers=[]), Refusal.SIG),
    Attack("signed twice by one key", published(signers=[POLICE, POLICE]), Refusal.SIG),
    Attack("signed by a stranger", published(signers=[POLICE, STRANGER]), Refusal.SIG),
    Attack("signed by sealing keys", published(signers=list(SEALERS.values())), Refusal.SIG),
    Attack("signed by policy holders", published(signers=desk.HOLDERS), Refusal.SIG),
    Attack(
        "signed by online keys", published(signers=[desk.SNAPSHOT, desk.TIMESTAMP]), Refusal.SIG
    ),
    Attack(
        "a threshold of one",
        published(signers=[POLICE], amend_targets=threshold_of_one),
        Refusal.SIG,
    ),
    Attack(
        "a stranger in the delegation",
        published(signers=[POLICE, ESTATE, STRANGER], amend_targets=another_key),
        Refusal.SUPPLIER,
    ),
    Attack(
        "one key under two names", published(amend_targets=one_key_under_two_names), Refusal.FORM
    ),
    Attack("a signature left out", signatures(SITE, lambda all_: all_.pop()), Refusal.SIG),
    Attack("a signature twice", signatures(SITE, lambda all_: all_.append(all_[0])), Refusal.FORM),
    Attack(
        "a signature under another's name",
        signatures(SITE, lambda all_: all_[0].update(sig=all_[1]["sig"])),
        Refusal.SIG,
    ),
    Attack("a minor with two signatures", one(minor=True), Refusal.SIG),
    Attack("a vulnerable person with two signatures", one(vulnerable=True), Refusal.SIG),
    # Roles changed after they were signed.
    Attack(
        "a later end of the list",
        metadata(SITE, lambda it: it.update(expires="2027-01-01T00:00:00Z")),
        Refusal.SIG,
    ),
    Attack(
        "a later end of the policy",
        metadata("metadata/2.targets.json", lambda it: it.update(expires="2029-01-01T00:00:00Z")),
        Refusal.SIG,
    ),
    Attack(
        "a later timestamp",
        metadata("metadata/timestamp.json", lambda it: it.update(expires="2027-01-01T00:00:00Z")),
        Refusal.SIG,
    ),
    Attack(
        "a later snapshot",
        metadata("metadata/2.snapshot.json", lambda it: it.update(version=9)),
        Refusal.SIG,
    ),
    Attack(
        "a timestamp of no form", file("metadata/timestamp.json", lambda _: b"{}"), Refusal.FORM
    ),
    Attack(
        "a timestamp without end",
        file("metadata/timestamp.json", lambda it: it + bytes(8192)),
        Refusal.ALTERED,
    ),
    # Older things.
    Attack("an older list", roll_back, Refusal.ROLLBACK),
    Attack("an older card", old_card, Refusal.ROLLBACK),
    Attack(
        "a case file of another version", published(amend_site=another_version), Refusal.ROLLBACK
    ),
    Attack("nothing new for a day", fresh, Refusal.EXPIRED, now=NOW + DAY, dark=True),
    Attack("nothing new for a year", fresh, Refusal.EXPIRED, now=NOW + 366 * DAY, dark=True),
    # Files that do not belong together.
    Attack("another list's body", mixed, Refusal.ALTERED),
    Attack(
        "a case file altered",
        file("targets/*.watchlist-mill.json", swap(b"Inspector", b"Constable")),
        Refusal.ALTERED,
    ),
    Attack(
        "a policy altered",
        file("targets/*.policy.json", swap(b'"cap":100', b'"cap":999')),
        Refusal.ALTERED,
    ),
    Attack("a body cut off", file("targets/*.sealed", lambda it: it[:-1]), Refusal.ALTERED),
    Attack("a body with more", file("targets/*.sealed", lambda it: it + b"\0"), Refusal.ALTERED),
    Attack("a body of another digest", case(body_digest=bytes(32)), Refusal.ALTERED),
    # Things withheld.
    Attack("no timestamp", without("metadata/timestamp.json"), Refusal.MISSING),
    Attack("no snapshot", without("metadata/2.snapshot.json"), Refusal.MISSING),
    Attack("no role of the site", without(SITE), Refusal.MISSING),
    Attack("no body", without("targets/*.sealed"), Refusal.MISSING),
    Attack("no case file", without("targets/*.watchlist-mill.json"), Refusal.MISSING),
    Attack("nothing at all", strip, Refusal.MISSING),
    # For somebody else.
    Attack("for another site", published(amend_case=elsewhere, amend_site=here), Refusal.SITE),
    Attack("for another policy", case(policy_digest=bytes(32)), Refusal.POLICY),
    Attack("for another model", case(model_digest=bytes(32)), Refusal.MODEL),
    Attack(
        "a camera with another model", published(), Refusal.MODEL, camera=OTHER_MODEL, dark=True
    ),
    Attack("a card in another camera", published(), Refusal.CAMERA, camera=OTHER_CAMERA, dark=True),
    Attack("a card with another key", published(), Refusal.CAMERA, camera=OTHER_KEY, dark=True),
    Attack("a policy without this camera", policy(places=()), Refusal.CAMERA),
    # Against the policy.
    Attack("an assessment overdue", policy(assessment=overdue()), Refusal.DPIA),
    Attack("more entries than the cap", policy(cap=1), Refusal.CAP),
    Attack("a category that the policy does not know", one(category="other"), Refusal.POLICY),
    Attack("an entry of no supplier", one(organisation="nobody"), Refusal.SUPPLIER),
    Attack("a body sealed by a stranger", published(sealer=STRANGER), Refusal.SUPPLIER),
    Attack("a body sealed by a signing key", published(sealer=POLICE), Refusal.SUPPLIER),
    # Bodies that lie, sealed and signed by whoever may.
    Attack("a body with another magic", body(swap(b"TALLYLST", b"TALLYWL\0")), Refusal.FORM),
    Attack("a body with trailing bytes", body(lambda it: it + b"\0"), Refusal.FORM),
    Attack("a body cut off within its head", body(lambda it: it[:12]), Refusal.FORM),
    Attack(
        "a body of too many rows", body(lambda it: it[:8] + b"\xff" * 4 + it[12:]), Refusal.FORM
    ),
    Attack("a body of no dimension", body(lambda it: it[:12] + bytes(4) + it[16:]), Refusal.FORM),
    Attack(
        "a body of another dimension",
        body(lambda it: it[:12] + b"\x08\0\0\0" + it[16:] + bytes(8)),
        Refusal.ALTERED,
    ),
    Attack(
        "a body with handles out of order",
        body(lambda it: it[:16] + it[32:48] + it[16:32] + it[48:]),
        Refusal.FORM,
    ),
    Attack(
        "a body with a handle twice",
        body(lambda it: it[:16] + it[16:32] * 2 + it[48:]),
        Refusal.ALTERED,
    ),
    Attack(
        "a body of other handles", body(lambda it: it[:16] + bytes(16) + it[32:]), Refusal.ALTERED
    ),
    # Clocks and cards.
    Attack(
        "a clock before the signature",
        published(),
        Refusal.CLOCK,
        now=NOW - timedelta(hours=1),
        dark=True,
    ),
    Attack(
        "a clock set back a little",
        published(),
        Refusal.CLOCK,
        now=NOW - timedelta(seconds=1),
        dark=True,
    ),
    Attack("both floors broken", broken_floors, Refusal.FLOORS, dark=True),
]
"""SECURITY notes, docs/threat-model.md: every kind of attack, at least once."""
