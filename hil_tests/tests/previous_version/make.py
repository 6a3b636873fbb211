"""Makes the archive of files that the next version must be able to read; README.md says when.

Runs a whole site once, with this version's own programs and on the desk: a ceremony, a list with
one public-domain portrait, a camera that sends an event and a status and keeps one event back, an
estate that decides, holds, destroys, accounts and copies. Then packs what lies on the disks.

All paths in the files are relative to the folder that is unpacked. The nets and the logs are left
out. What a reader must find is in `facts.json`.
"""

import argparse
import json
import subprocess
import sys
import tarfile
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from estate.console.desk import Desk
from estate.signed_site import read_site
from estate.store.envelopes import Store
from firmware.assembly import Means, assemble
from firmware.config import Config, State
from firmware.disk_writer import DiskWriter
from firmware.errors import LampDark
from firmware.looking.status_sender import StatusSender
from firmware.nets import open_eye
from firmware.record.ledger import Ledger
from firmware.record.queued_ledger import QueuedLedger
from firmware.trust.acceptance import site_folder
from firmware.trust.clock import Clock
from firmware.trust.floors import floors_of
from firmware.watch import watch
from formats.keyfile import read_key, unlock_opening, unlock_signing
from formats.ledger import Happening, Program
from formats.settings import read_settings
from formats.verdict import Judgement
from hil_tests.demo.review import office, send_portrait
from hil_tests.rig.contract import Outage
from hil_tests.rig.desk.programs import choose_port
from hil_tests.rig.desk.receipted import remove_receipted
from hil_tests.rig.desk.rig import DeskRig
from hil_tests.rig.desk_site import DeskSite
from hil_tests.rig.site_maker import (
    PASSPHRASE,
    REVIEWERS,
    list_person,
    make_site,
    publish_list,
    tallylight,
    tallylight_estate,
)
from hil_tests.scenes.portraits import Person, portrait
from hil_tests.scenes.sources import open_source
from provisioning.site.folder import open_site
from provisioning.site.policy_text import policy_text

LEFT_OUT = (".tflite", ".log", ".conf", ".so")
"""Left out: nets, which the repository has; logs and libraries; *.conf, which mosquitto reads."""
SETTINGS = ".toml"
"""Files with paths, which become relative to the folder that is unpacked."""
NEVER_S = 3600.0
TRIES = 5
"""How often `watch` starts again on a busy machine."""


@dataclass
class PreviousSite:
    """The site, and what its files are known to hold."""

    desk: DeskSite
    facts: dict[str, object] = field(default_factory=dict)

    def estate(self, command: str, *words: str) -> str:
        """Run a command of the estate's office."""
        config = ("--config", str(office(self.desk)))
        return tallylight_estate(*command.split(), *config, *words)

    @property
    def passphrase(self) -> tuple[str, str]:
        """The option with the one passphrase."""
        return "--passphrase-file", str(self.desk.passphrase)

    def publish(self) -> None:
        """Begin the site, and publish a list with one person."""
        make_site(self.desk)
        self._let_cameras_tell()
        handle = list_person(self.desk, portrait(Person.HOPPER))
        publish_list(self.desk)
        send_portrait(self.desk, handle, portrait(Person.HOPPER))
        self.facts["entry"] = handle

    def _let_cameras_tell(self) -> None:
        """Change the policy, so that the camera sends statuses, too; two holders sign it."""
        site, text = self.desk.site, self.desk.folder / "policy.toml"
        policy = policy_text(open_site(site).policy)
        text.write_text(policy.replace("status = false", "status = true"), encoding="utf-8")
        tallylight("policy", "edit", str(site), "--from", str(text), "--yes")
        yes = (*self.passphrase, "--yes")
        for holder in sorted((site / "keys").glob("targets-*.key"))[:2]:
            tallylight("policy", "sign", str(site), "--key", str(holder), *yes)

    def look(self) -> None:
        """Deliver an event and a status; keep one more event while the broker is gone."""
        with DeskRig(self.desk) as rig:
            rig.connect_estate()
            rig.restart(Program.LAMPGUARD)
            self._look_until({Happening.EVENT_SEALED, Happening.STATUS_SEALED}, status_s=2.0)
            rig.wait_until(
                lambda: len(rig.stored_events()) > 1 and not remove_receipted(self._state)
            )
            rig.set_outage(Outage.BROKER_DOWN)
            (self.desk.camera / "watch" / "pauses").unlink()  # The same person, at once again.
            self._look_until({Happening.EVENT_SEALED}, status_s=NEVER_S)
            *_, self.facts["waiting"] = rig.sealed_events()
        self.facts["camera"] = (self.desk.camera / "courier" / "camera-id").read_text()

    @property
    def _state(self) -> State:
        return State(self.desk.camera)

    def _look_until(self, wanted: set[Happening], *, status_s: float) -> None:
        """Run `watch` in this process until its ledger has a new record of each kind."""
        config = read_settings(self.desk.camera_config, Config)
        ledger = Ledger(config.state.watch, Program.WATCH)
        begun = ledger.head.size

        def running() -> bool:
            new = list(ledger.records())[begun:]
            return not wanted <= {record.event for record in new}

        means = Means(lambda: open_source("still"), partial(open_eye, config))
        clock = Clock(floors_of(site_folder(config.state)))
        for _ in range(TRIES):
            ledger.append(Happening.START)
            try:
                with DiskWriter() as writer:
                    book = QueuedLedger(ledger, writer)
                    station = assemble(config, means, book, clock, running)
                    sender = StatusSender(
                        station.reporter, station.thermometer, wait_s=lambda: status_s
                    )
                    try:
                        watch(replace(station, status_sender=sender))
                    finally:
                        writer.flush()
            except LampDark as error:  # On a busy machine: the supervisor starts it again.
                ledger.append(Happening.FAULT, {"code": type(error).__name__})
            else:
                ledger.append(Happening.STOP, {"reason": "stopped"})
                ledger.sign()
                return
        raise LampDark(f"This machine is too busy: {TRIES} looks ended in the dark.")

    def decide(self) -> None:
        """Let two people confirm the event, and hold it."""
        with closing(Store(f"sqlite:///{self.desk.estate / 'events.sqlite'}")) as store:
            for name in REVIEWERS:
                console = self._console(store, name)
                console.refresh()
                standing = console.standings()[0]
                console.judge(standing.event, Judgement.MATCH)
                self.facts["confirmed"] = standing.event.hex()
        keys = [self.desk.estate / f"{name}.verdict.key" for name in REVIEWERS]
        two = [word for key in keys for word in ("--key", str(key), *self.passphrase)]
        self.estate("hold", str(self.facts["confirmed"]), *two, "--reason", "For the next version.")

    def _console(self, store: Store, name: str) -> Desk:
        opening = unlock_opening(read_key(self.desk.estate / f"{name}.key"), PASSPHRASE)
        verdict = unlock_signing(read_key(self.desk.estate / f"{name}.verdict.key"), PASSPHRASE)
        inbox, root = self.desk.camera / "inbox", self.desk.site / "root.json"
        return Desk(store, lambda: read_site(inbox, root, datetime.now(UTC)), opening, verdict)

    def account(self) -> None:
        """Take in the camera's ledgers, copy the store, destroy the status, sign, hand over."""
        for program in Program:
            if (ledger := self.desk.camera / program / "ledger.jsonl").exists():
                self.estate("ledger add", str(ledger))
        self.estate("ledger checkpoint", *self.passphrase, "--yes")
        self.estate("backup", str(self.desk.estate / "copy.sqlite"))
        done = json.loads(self.estate("retain", *self.passphrase, "--json"))
        self.facts["destroyed"] = done["destroyed"]
        self.estate("budget", "--yes", "--sign", str(self.desk.site / "estate"), *self.passphrase)
        tallylight("list", "renew", str(self.desk.site), *self.passphrase)
        self.estate("ledger checkpoint", *self.passphrase, "--yes")
        self.estate("ledger export", str(self.desk.estate / "handed-over"))
        shown = json.loads(self.estate("ledger show", "--json"))
        self.facts |= {"records": shown["records"], "head": shown["head"]}


def main() -> int:
    """Make the archive that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path, help="the new file, *.tar.xz")
    to = parser.parse_args().archive.absolute()
    commit = subprocess.run(
        ["git", "-C", Path(__file__).parent, "rev-parse", "HEAD"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    with TemporaryDirectory() as scratch:
        folder = Path(scratch).resolve()
        previous = PreviousSite(DeskSite(folder / "desk", choose_port(0)))
        for step in (previous.publish, previous.look, previous.decide, previous.account):
            step()
        made = datetime.now(UTC).replace(microsecond=0)
        previous.facts |= {"commit": commit, "made_utc_s": int(made.timestamp())}
        text = json.dumps(previous.facts, indent=1, sort_keys=True) + "\n"
        (folder / "facts.json").write_text(text, encoding="utf-8")
        pack(folder, to, made)
    print(f"{to}: {to.stat().st_size:,} bytes")
    return 0


def pack(folder: Path, to: Path, made: datetime) -> None:
    """Pack a folder's files into an archive without names of this machine and its users.

    Raises:
        ValueError: a file names the folder, which is of this machine alone.
    """
    here = f"{folder}/".encode()
    with tarfile.open(to, "w:xz", preset=9) as archive:
        for path in sorted(folder.rglob("*")):
            if path.suffix in LEFT_OUT or path.is_socket():
                continue
            member = archive.gettarinfo(path, path.relative_to(folder).as_posix())
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mtime = int(made.timestamp())
            content = path.read_bytes() if member.isfile() else b""
            if path.suffix == SETTINGS:
                content = content.replace(here, b"")
            if here in content:
                raise ValueError(f"{member.name} names {folder}.")
            member.size = len(content)
            archive.addfile(member, BytesIO(content))


if __name__ == "__main__":
    sys.exit(main())
