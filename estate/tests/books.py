"""An estate's office in a folder: a published site, a store, two reviewers, quick keys."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

from nacl.public import PrivateKey
from nacl.signing import SigningKey
from PIL import Image
from typer.testing import CliRunner, Result

from estate.__main__ import app
from estate.console.desk import Desk
from estate.signed_site import VerifiedSite, read_site
from estate.store.envelopes import Store
from estate.tests.events import EVENT
from firmware.record.ledger import Ledger, Signer
from firmware.tests import desk as authority
from formats.entry import Entry
from formats.envelope import NO_PREVIOUS, Sealed, TimeQuality
from formats.event import MatchEvent
from formats.keyfile import Cost, KeyFile, Purpose, make_key, unlock_opening, write_key
from formats.keyfile import unlock_signing as unlock
from formats.ledger import Program
from formats.message import seal_event
from formats.recipients import Recipients, Reviewer

PASSPHRASE = "correct horse battery"  # noqa: S105 - of keys that the tests make.
CHEAP = Cost(passes=1, memory_bytes=8192)
CAMERA_KEY = authority.signing(51)
LEDGER_KEYS = {
    Program.WATCH: CAMERA_KEY,
    Program.LAMPGUARD: authority.signing(54),
    Program.COURIER: authority.signing(55),
}
"""Ledger keys of the camera's programs, as its registration request names them."""
STRANGER = PrivateKey(bytes([99]) * 32)
BOOT = bytes(range(16))


def jpeg(shade: int = 128) -> bytes:
    """Return a grey picture without a face."""
    content = BytesIO()
    Image.new("RGB", (96, 112), (shade, shade, shade)).save(content, "JPEG")
    return content.getvalue()


@dataclass
class Office:
    """Folder, site, store and keys for `tallylight-estate`."""

    folder: Path
    organisations: tuple[str, ...] = ("police", "estate")
    two_organisations: bool = False
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    keys: dict[str, KeyFile] = field(default_factory=dict)
    site_version: int = 1
    """Of policy and recipients."""
    removed: tuple[int, ...] = ()
    """Reviewers that the recipients no longer name."""
    database: str = ""
    """URL of the store; by default SQLite in the folder."""

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        (self.folder / "passphrase").write_text(PASSPHRASE + "\n")
        for number, _ in enumerate(self.organisations, 1):
            self.make(Purpose.REVIEWER, f"r{number}")
            self.make(Purpose.VERDICT, f"r{number}.verdict")
        self.make(Purpose.LEDGER, "ledger")
        self.publish()
        self.write_settings()
        self.store = Store(self.url)

    @property
    def url(self) -> str:
        return self.database or f"sqlite:///{self.folder / 'store.db'}"

    @property
    def settings(self) -> Path:
        return self.folder / "office.toml"

    @property
    def passphrase(self) -> tuple[str, str]:
        return "--passphrase-file", str(self.folder / "passphrase")

    def make(self, purpose: Purpose, name: str) -> None:
        self.keys[name] = make_key(purpose, name, PASSPHRASE, CHEAP)
        write_key(self.folder / f"{name}.key", self.keys[name])

    def opening(self, number: int) -> PrivateKey:
        return unlock_opening(self.keys[f"r{number}"], PASSPHRASE)

    def verdict_key(self, number: int) -> SigningKey:
        return unlock(self.keys[f"r{number}.verdict"], PASSPHRASE)

    @property
    def ledger_key(self) -> SigningKey:
        return unlock(self.keys["ledger"], PASSPHRASE)

    @property
    def recipients(self) -> Recipients:
        return Recipients(
            version=self.site_version,
            receipt_key=authority.signing(61).verify_key,
            ledger_key=self.ledger_key.verify_key,
            two_organisations=self.two_organisations,
            reviewers=tuple(
                Reviewer(
                    f"r{number}",
                    organisation,
                    self.opening(number).public_key,
                    self.verdict_key(number).verify_key,
                )
                for number, organisation in enumerate(self.organisations, 1)
                if number not in self.removed
            ),
        )

    @property
    def entries(self) -> list[Entry]:
        now_s = int(self.now.timestamp())
        times = {"added_utc_s": now_s - 3600, "review_utc_s": now_s + 86400}
        return [authority.entry(7, expires_utc_s=now_s + 7 * 86400, **times)]

    def publish(self, version: int = 1) -> None:
        policy = replace(
            authority.usual_policy(),
            version=self.site_version,
            assessment=replace(
                authority.usual_policy().assessment,
                review_utc_s=int((self.now + timedelta(days=300)).timestamp()),
            ),
        )
        publisher = authority.Desk(
            policy=policy, recipients=self.recipients, entries=self.entries, now=self.now
        )
        self.case = publisher._case(version, b"", b"")
        publisher.publish(self.folder / "published", version=version)
        (self.folder / "root.json").write_bytes(publisher.root)

    def write_settings(self, **changes: str) -> None:
        usual = {
            "store": self.url,
            "site": str(self.folder / "published"),
            "trusted_root": str(self.folder / "root.json"),
            "books": str(self.folder / "books"),
            "ledger_key": str(self.folder / "ledger.key"),
        }
        lines = [f"{key} = {json.dumps(value)}" for key, value in (usual | changes).items()]
        self.settings.write_text("\n".join(lines))

    def camera_book(self, program: Program = Program.WATCH) -> Ledger:
        """Return the ledger of one of the camera's programs, on a stick."""
        ledger = Ledger(self.folder / "stick" / program, program)
        ledger.sign_with(Signer(authority.CAMERA.camera_id, LEDGER_KEYS[program]))
        return ledger

    def take_in(self, program: Program = Program.WATCH) -> Result:
        """Add the ledger on the stick to the store."""
        file = str(self.folder / "stick" / program / "ledger.jsonl")
        return CliRunner().invoke(app, ["ledger", "add", file, "--config", str(self.settings)])

    def site(self) -> VerifiedSite:
        return read_site(self.folder / "published", self.folder / "root.json", datetime.now(UTC))

    def desk(self, number: int) -> Desk:
        desk = Desk(self.store, self.site, self.opening(number), self.verdict_key(number))
        desk.refresh()
        return desk

    def candidate(self, sequence: int = 1, **changes: object) -> MatchEvent:
        at_ms = int(self.now.timestamp() * 1000)
        usual = replace(
            EVENT,
            camera=authority.CAMERA.camera_id,
            sequence=sequence,
            captured_utc_ms=at_ms,
            time_quality=TimeQuality.SYNCHRONISED,
            list_version=1,
            list_digest=self.site().digest,
            policy_digest=self.site().policy_digest,
            crop_jpeg=jpeg(),
            retain_until_utc_s=at_ms // 1000 + 30 * 86400,
        )
        return replace(usual, **changes)  # type: ignore[arg-type]  # As a test wants it.

    def arrive(
        self,
        sequence: int = 1,
        *,
        to: list[PrivateKey] | None = None,
        epoch: int | None = None,
        **changes: object,
    ) -> Sealed:
        """Put one event of the camera into the store, sealed to the reviewers or to others."""
        named = set(range(1, len(self.organisations) + 1)) - set(self.removed)
        readers = to or [self.opening(number) for number in sorted(named)]
        sealed = seal_event(
            self.candidate(sequence, **changes),
            sender=CAMERA_KEY,
            recipients=[reader.public_key for reader in readers],
            key_epoch=self.site_version if epoch is None else epoch,
            previous=NO_PREVIOUS,
        )
        self.store.add_envelopes([sealed], int(self.now.timestamp() * 1000))
        return sealed
