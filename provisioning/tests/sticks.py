"""Memory sticks in tests: give one, sign on it, take it in."""

from pathlib import Path

from provisioning.tests.workshop import (
    Workshop,
    refusal,
    tallylight,
)

ROOT_HOLDERS = ("data-protection-officer", "first-spare", "oversight-body")


def give(workshop: Workshop) -> Path:
    """Give the stick; return the site's folder on it."""
    stick = workshop.folder / "stick"
    stick.mkdir(exist_ok=True)
    tallylight("give", stick, "--from", workshop.site)
    return stick / "mill-lane"


def take(workshop: Workshop) -> str:
    return tallylight("take", workshop.folder / "stick", "--into", workshop.site)


def refused(workshop: Workshop) -> str:
    return refusal("take", workshop.folder / "stick", "--into", workshop.site)


def sign_list(workshop: Workshop, folder: Path, organisation: str) -> None:
    key = workshop.key(f"list-sign-example-{organisation}")
    tallylight("list", "sign", folder, *key, *workshop.passphrase, "--yes")


def publish(workshop: Workshop) -> list[str | Path]:
    return ["list", "publish", workshop.site, *workshop.passphrase]


def handles(workshop: Workshop) -> list[str]:
    return sorted(path.stem for path in (workshop.site / "entries").iterdir())


def holder(workshop: Workshop, name: str) -> tuple[str | Path, ...]:
    return (*workshop.key(f"targets-{name}"), *workshop.passphrase, "--yes")


def reviewer(workshop: Workshop, name: str, organisation: str) -> tuple[str | Path, ...]:
    key = ("--key", workshop.folder / f"{name}.pub")
    return ("--yes", "--reviewer", name, "--organisation", organisation, *key)


def sign_both(workshop: Workshop) -> None:
    for organisation in ("police", "estate"):
        sign_list(workshop, workshop.site, organisation)


def sign_root(workshop: Workshop, folder: Path, *holders: str) -> None:
    for name in holders:
        key = workshop.key(f"root-{name}")
        tallylight("site", "sign", folder, *key, *workshop.passphrase, "--yes")
