"""The ceremony that begins a site: every key is made, and three root holders sign who holds what.

Here all keys are made on one machine and their files handed out afterwards; a holder who brings a
key of their own replaces it through a new root. Nothing is left behind if anything is refused.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from nacl.signing import VerifyKey

from formats.keyfile import Cost, KeyFile, Purpose, make_key, unlock_signing, write_key
from formats.policy import Supplier, write_policy
from formats.site_tuf import ROOT
from provisioning.disk import whole_folder, write_whole
from provisioning.errors import SiteRefused
from provisioning.plan import Plan
from provisioning.record import ceremony_record
from provisioning.roles import make_root, sign
from provisioning.site import Site

_DESK = "Provisioning Desk"


def hold_ceremony(folder: Path, plan: Plan, passphrase: str, *, cost: Cost, now: datetime) -> Site:
    """A new site in `folder`, as planned.

    Raises:
        SiteRefused: the folder exists and is not empty.
        KeyRefused: the passphrase is too short.
        Malformed: the plan makes no valid policy.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SiteRefused(f"{folder} is not empty: a site is made once, in a folder of its own.")
    with ThreadPoolExecutor() as workers:  # Argon2id is slow on purpose.
        made = [workers.submit(make_key, *want, passphrase, cost) for want in _wanted(plan)]
    keys = [key.result() for key in made]
    policy = plan.policy(_suppliers(plan, keys))
    root = make_root({role: _publics(keys, role) for role in _ROLES}, now)
    for key in _of(keys, Purpose.ROOT)[: ROOT.threshold]:
        sign(root, unlock_signing(key, passphrase))
    with whole_folder(folder) as part:
        for name in ("keys", "recipients", "cameras", "entries", "signed"):
            (part / name).mkdir()
        for key in keys:
            write_key(part / "keys" / _file_name(key), key)
        write_whole(part / "policy.json", write_policy(policy))
        write_whole(part / "root.json", root.to_bytes())
        record = ceremony_record(f"The site {plan.site} begins", keys, root.to_bytes(), now)
        write_whole(part / "ceremony-1.txt", record.encode())
    return Site(folder)


_ROLES = (Purpose.ROOT, Purpose.TARGETS, Purpose.SNAPSHOT, Purpose.TIMESTAMP)


def _wanted(plan: Plan) -> Iterable[tuple[Purpose, str]]:
    yield from ((Purpose.ROOT, holder) for holder in plan.root_holders)
    yield from ((Purpose.TARGETS, holder) for holder in plan.policy_holders)
    for organisation in plan.organisations:
        yield Purpose.LIST_SIGN, organisation
        yield Purpose.LIST_SEAL, organisation
    for purpose in (Purpose.SNAPSHOT, Purpose.TIMESTAMP, Purpose.DESK, Purpose.BROKER):
        yield purpose, _DESK


def _of(keys: list[KeyFile], purpose: Purpose) -> list[KeyFile]:
    return [key for key in keys if key.purpose is purpose]


def _publics(keys: list[KeyFile], purpose: Purpose) -> list[VerifyKey]:
    return [VerifyKey(key.public) for key in _of(keys, purpose)]


def _suppliers(plan: Plan, keys: list[KeyFile]) -> tuple[Supplier, ...]:
    triples = zip(
        plan.organisations,
        _publics(keys, Purpose.LIST_SIGN),
        _publics(keys, Purpose.LIST_SEAL),
        strict=True,
    )
    return tuple(Supplier(*triple) for triple in triples)


def _file_name(key: KeyFile) -> str:
    """Such as `list-sign-example-police.key`."""
    words = "".join(letter if letter.isalnum() else " " for letter in key.holder.lower()).split()
    return f"{key.purpose}-{'-'.join(words)}.key"
