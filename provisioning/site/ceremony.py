"""The key ceremony of a new site: make every key, and let three root holders sign the first root.

Keys are made on one machine, and their files are handed out afterwards. A holder can bring a key on
a PKCS#11 token instead. A holder who wants another key later replaces it with a new root
(`provisioning.site.rotation`). The root is shown and agreed on before the passphrase is asked for.
After a refusal there is no site's folder.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from nacl.signing import SigningKey, VerifyKey
from tuf.api.metadata import Root  # type: ignore[attr-defined]  # A re-export.

from formats.keyfile import Cost, KeyFile, KeyRefused, NewKey, OnToken, Purpose, write_key
from formats.policy import Supplier, write_policy
from formats.public_keys import signing_key
from formats.signer import Ed25519Signer
from formats.site_tuf import ROOT
from provisioning.disk import atomic_folder, write_atomically
from provisioning.errors import SiteRefused
from provisioning.site.folder import Site
from provisioning.site.minutes import ceremony_minutes
from provisioning.site.plan import Plan
from provisioning.site.roles import ROOT_ROLES, make_root, sign

DESK = "Provisioning Desk"
"""Holder of the four keys that the desk keeps."""


@dataclass(frozen=True, slots=True)
class KeySource:
    """Where the keys of a new site come from."""

    passphrase: Callable[[], str]
    """Asks for the passphrase that protects every key that is made here."""
    cost: Cost
    """Of Argon2id, for the same keys."""
    brought: Sequence[KeyFile]
    """Keys on tokens. For each, none is made here."""
    unlock: Callable[[KeyFile], Ed25519Signer]
    """Unlocks a key that was brought, with its PIN."""


CeremonyKey: TypeAlias = KeyFile | NewKey
"""A key that was brought, or one that was made here."""

Agree: TypeAlias = Callable[[Sequence[CeremonyKey], Root], None]
"""Shows the keys and the root, and asks; raises if the holders do not agree."""


def hold_ceremony(
    folder: Path, plan: Plan, source: KeySource, *, now: datetime, agree: Agree | None = None
) -> Site:
    """Make a new site in `folder`, as planned.

    Args:
        folder: of the new site.
        plan: what people agreed on.
        source: of the keys.
        now: when the ceremony is held, UTC.
        agree: is called before the passphrase and the first signature; None asks no question.

    Raises:
        SiteRefused: the folder exists and is not empty.
        KeyRefused: the passphrase is too short, or a key that was brought is not in the plan, came
            twice, rests on no token, or does not sign.
        Malformed: the plan makes no valid policy.
    """
    refuse_occupied(folder)
    keys = _keys(plan, brought_keys(plan, source.brought))
    policy = plan.policy(_suppliers(plan, keys))
    root = make_root({role: _public_keys(keys, role) for role in ROOT_ROLES}, now)
    if agree is not None:
        agree(keys, root.signed)
    files = _locked(keys, source)
    # Keys that were made here sign first: they need no PIN.
    holders = sorted(_of_purpose(keys, Purpose.ROOT), key=lambda key: isinstance(key, KeyFile))
    for key in holders[: ROOT.threshold]:
        sign(root, source.unlock(key) if isinstance(key, KeyFile) else SigningKey(key.secret))
    with atomic_folder(folder) as part:
        for name in ("keys", "recipients", "cameras", "entries", "signed"):
            (part / name).mkdir(mode=0o700)
        for file in files:
            write_key(part / "keys" / _file_name(file), file)
        write_atomically(part / "policy.json", write_policy(policy))
        write_atomically(part / "root.json", root.to_bytes())
        minutes = ceremony_minutes(f"The site {plan.site} begins", files, root.to_bytes(), now)
        write_atomically(part / Site(part).minutes(1).name, minutes.encode())
    return Site(folder)


def refuse_occupied(folder: Path) -> None:
    """Raise unless a new site can be made here.

    Raises:
        SiteRefused: there is a file, or a folder that is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SiteRefused(f"{folder} is not empty: a site is made once; name a new folder.")


def _keys(plan: Plan, brought: Mapping[tuple[Purpose, str], KeyFile]) -> list[CeremonyKey]:
    """Return every key of the plan, in its order: brought on a token, or made now."""
    return [brought.get(wanted) or NewKey(*wanted) for wanted in _wanted_keys(plan)]


def _locked(keys: Iterable[CeremonyKey], source: KeySource) -> list[KeyFile]:
    """Return each key as it rests: what was made here is locked with the passphrase."""
    passphrase = source.passphrase()

    def locked(key: CeremonyKey) -> KeyFile:
        return key if isinstance(key, KeyFile) else key.lock(passphrase, source.cost)

    with ThreadPoolExecutor() as workers:  # Argon2id is slow on purpose.
        return list(workers.map(locked, keys))


def brought_keys(plan: Plan, keys: Sequence[KeyFile]) -> dict[tuple[Purpose, str], KeyFile]:
    """Return the keys that people bring, by purpose and holder.

    Raises:
        KeyRefused: one is not in the plan, came twice, or rests on no token.
    """
    found: dict[tuple[Purpose, str], KeyFile] = {}
    for key in keys:
        wanted = (key.purpose, key.holder)
        if not isinstance(key.rest, OnToken):
            raise KeyRefused(
                f"The key of {key.holder} rests on no token: leave it out, a new one is made here."
            )
        if wanted not in _wanted_keys(plan):
            raise KeyRefused(
                f"The plan names no {key.holder!r} for {key.purpose.one_key}: name the holder "
                "as the plan does."
            )
        if wanted in found:
            raise KeyRefused(f"{key.holder} brings two {key.purpose} keys: bring one.")
        found[wanted] = key
    return found


def _wanted_keys(plan: Plan) -> Iterable[tuple[Purpose, str]]:
    yield from ((Purpose.ROOT, holder) for holder in plan.root_holders)
    yield from ((Purpose.TARGETS, holder) for holder in plan.policy_holders)
    for organisation in plan.organisations:
        yield Purpose.LIST_SIGN, organisation
        yield Purpose.LIST_SEAL, organisation
    for purpose in (Purpose.SNAPSHOT, Purpose.TIMESTAMP, Purpose.DESK, Purpose.BROKER):
        yield purpose, DESK


def _of_purpose(keys: list[CeremonyKey], purpose: Purpose) -> list[CeremonyKey]:
    return [key for key in keys if key.purpose is purpose]


def _public_keys(keys: list[CeremonyKey], purpose: Purpose) -> list[VerifyKey]:
    return [signing_key(key.public) for key in _of_purpose(keys, purpose)]


def _suppliers(plan: Plan, keys: list[CeremonyKey]) -> tuple[Supplier, ...]:
    triples = zip(
        plan.organisations,
        _public_keys(keys, Purpose.LIST_SIGN),
        _public_keys(keys, Purpose.LIST_SEAL),
        strict=True,
    )
    return tuple(Supplier(*triple) for triple in triples)


def _file_name(key: KeyFile) -> str:
    """Return a name such as `list-sign-example-police.key`."""
    words = "".join(letter if letter.isalnum() else " " for letter in key.holder.lower()).split()
    return f"{key.purpose}-{'-'.join(words)}.key"
