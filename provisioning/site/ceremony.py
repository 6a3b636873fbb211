"""The ceremony that begins a site: every key is made, and three root holders sign who holds what.

Keys are made on one machine and their files handed out afterwards, but for those that their holders
bring on a token; a holder who makes another key later replaces it through a new root. Nothing is
left behind if anything is refused.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from nacl.signing import VerifyKey

from formats.keyfile import Cost, KeyFile, KeyRefused, OnToken, Purpose, make_key, write_key
from formats.policy import Supplier, write_policy
from formats.signer import Ed25519Signer
from formats.site_tuf import ROOT
from provisioning.disk import whole_folder, write_whole
from provisioning.errors import SiteRefused
from provisioning.site.folder import Site
from provisioning.site.minutes import ceremony_record
from provisioning.site.plan import Plan
from provisioning.site.roles import make_root, sign

_DESK = "Provisioning Desk"


@dataclass(frozen=True, slots=True)
class Making:
    """How the keys of a site come about."""

    passphrase: str = field(repr=False)
    """Of every key that is made here."""
    cost: Cost
    brought: Sequence[KeyFile]
    """Keys on tokens, which take the place of those that would be made here."""
    unlock: Callable[[KeyFile], Ed25519Signer]
    """Asks for a passphrase or a PIN."""


def hold_ceremony(folder: Path, plan: Plan, making: Making, *, now: datetime) -> Site:
    """A new site in `folder`, as planned.

    Raises:
        SiteRefused: the folder exists and is not empty.
        KeyRefused: the passphrase is too short, or a key that was brought is not in the plan, came
            twice, rests on no token, or does not sign.
        Malformed: the plan makes no valid policy.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SiteRefused(f"{folder} is not empty: a site is made once, in a folder of its own.")
    brought = _brought(plan, making.brought)
    with ThreadPoolExecutor() as workers:  # Argon2id is slow on purpose.
        made = {
            want: workers.submit(make_key, *want, making.passphrase, making.cost)
            for want in _wanted(plan)
            if want not in brought
        }
    keys = [brought.get(want) or made[want].result() for want in _wanted(plan)]
    policy = plan.policy(_suppliers(plan, keys))
    root = make_root({role: _publics(keys, role) for role in _ROLES}, now)
    # Those that were made here come first: they ask nobody for a PIN.
    holders = sorted(_of(keys, Purpose.ROOT), key=lambda key: isinstance(key.rest, OnToken))
    for key in holders[: ROOT.threshold]:
        sign(root, making.unlock(key))
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


def _brought(plan: Plan, keys: Sequence[KeyFile]) -> dict[tuple[Purpose, str], KeyFile]:
    """The keys that were brought, by what they are for and who holds them."""
    found: dict[tuple[Purpose, str], KeyFile] = {}
    for key in keys:
        want = (key.purpose, key.holder)
        if not isinstance(key.rest, OnToken):
            raise KeyRefused(f"The key of {key.holder} rests on no token: it is made here.")
        if want not in _wanted(plan):
            raise KeyRefused(f"The plan names no {key.holder!r} for a {key.purpose} key.")
        if want in found:
            raise KeyRefused(f"{key.holder} brings two {key.purpose} keys: one is enough.")
        found[want] = key
    return found


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
