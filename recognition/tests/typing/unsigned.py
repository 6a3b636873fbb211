"""Lines that must not type-check: mypy fails when one of them does."""

from pathlib import Path

from recognition.eye import Eye


def nobody_sees_through_nets_that_nobody_vouches_for(folder: Path) -> None:
    Eye.load(folder)  # type: ignore[arg-type]
