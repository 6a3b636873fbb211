"""The signed budget statement: stops a camera that broke its false-alarm budget.

The estate signs the statement as a delegated TUF role. The list authority publishes it with the
next freshness and signs nothing of it. With this role the estate can stop a camera, and can do
nothing else. A person reads the whole statement (`Offer.items`) before it is signed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from nacl.signing import SigningKey, VerifyKey
from securesystemslib.exceptions import UnverifiedSignatureError
from sqlalchemy import Connection
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import (  # type: ignore[attr-defined]  # It re-exports without saying so.
    Metadata,
    TargetFile,
    Targets,
)

from estate.budget.false_alarms import FalseAlarmCount
from estate.store.ledger import append_record
from formats.budget import BudgetStatement, CameraBudget, Unit, read_statement, write_statement
from formats.errors import FormatError
from formats.ledger import Happening
from formats.site_keys import SiteKey, SiteSigner
from formats.site_tuf import budget_name, estate_role
from formats.whole_file import write_whole
from terminal.differences import Item, moment_text

UNITS: Final = {
    Unit.PASSERS_BY: "passers-by compared",
    Unit.LOOKS: "looks, counted by an earlier version of the camera",
}
LIFE: Final = timedelta(days=365)
"""A statement is valid until the next one, and for a year at most."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A statement that the estate may sign. Made by `offer_statement`."""

    statement: BudgetStatement
    version: int
    """Of the role; it grows with every statement."""
    expires: datetime

    @property
    def items(self) -> Sequence[Item]:
        """Return everything that the signature covers."""
        return statement_items(self.statement, self.version, self.expires)


def offer_statement(
    folder: Path, accounts: Sequence[FalseAlarmCount], site: str, now: datetime
) -> Offer:
    """Return the statement about all cameras that would follow the last one in `folder`."""
    cameras = tuple(
        CameraBudget(each.camera, each.state, each.false_alarms, each.compared, each.unit)
        for each in accounts
    )
    role = folder / f"{estate_role(site)}.json"
    last = Metadata[Targets].from_bytes(role.read_bytes()).signed.version if role.exists() else 0
    statement = BudgetStatement(site, int(now.timestamp()), cameras)
    return Offer(statement, last + 1, (now + LIFE).replace(microsecond=0))


def statement_items(statement: BudgetStatement, version: int, expires: datetime) -> Sequence[Item]:
    """Return a statement as a person sees it before it is signed."""
    facts = {
        "site": statement.site,
        "version": str(version),
        "issued": moment_text(statement.issued_utc_s),
        "valid until": moment_text(int(expires.timestamp())),
    }
    return [Item("This statement", facts), *map(_camera_item, statement.cameras)]


def last_statement(folder: Path, site: str, key: VerifyKey) -> Sequence[Item] | None:
    """Return the last statement in `folder`; None if there is none that `key` has signed."""
    try:
        content = (folder / f"{estate_role(site)}.json").read_bytes()
        role = Metadata[Targets].from_bytes(content)
        signer = SiteKey.of(key)
        signer.verify_signature(role.signatures[signer.keyid], role.signed_bytes)
        statement = (folder / budget_name(site)).read_bytes()
        role.signed.targets[budget_name(site)].verify_length_and_hashes(statement)
        signed = role.signed
        return statement_items(read_statement(statement), signed.version, signed.expires)
    except (OSError, KeyError, RepositoryError, UnverifiedSignatureError, FormatError):
        return None


def record_states(connection: Connection, accounts: Sequence[FalseAlarmCount]) -> None:
    """Write one record to the ledger for each camera."""
    for each in accounts:
        body: dict[str, int | str] = {
            "camera": each.camera.hex(),
            "state": str(each.state),
            "false_alarms": each.false_alarms,
            str(each.unit): each.compared,
            "fpir_ppm": each.fpir_ppm,
        }
        append_record(connection, Happening.BUDGET, body)


def sign_statement(offer: Offer, key: SigningKey) -> bytes:
    """Return the signed TUF metadata of the statement for the site's repository."""
    name = budget_name(offer.statement.site)
    target = TargetFile.from_data(name, write_statement(offer.statement), ["sha256"])
    role = Metadata(Targets(offer.version, None, offer.expires, {name: target}))
    role.sign(SiteSigner(key))
    return role.to_bytes()


def write_statement_files(folder: Path, offer: Offer, key: SigningKey) -> None:
    """Write the statement and its TUF metadata for the list authority."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    site = offer.statement.site
    write_whole(folder / budget_name(site), write_statement(offer.statement))
    write_whole(folder / f"{estate_role(site)}.json", sign_statement(offer, key))


def _camera_item(camera: CameraBudget) -> Item:
    facts = {
        "budget": str(camera.state),
        "false alarms": f"{camera.false_alarms} of {camera.compared} {UNITS[camera.unit]}",
    }
    return Item(f"Camera {camera.camera.hex()}", facts)
