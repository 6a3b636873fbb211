"""The desk, the broker's machine and the estate of the day: their commands, and their programs.

Each command runs as a process of its own, as a person types it. The broker's machine has the
address `BROKER` on the site's network, which is a bridge of this machine's.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from hil_tests.long.installer_day.container import ip
from hil_tests.rig.desk.programs import Programs, find_program
from hil_tests.scenes.portraits import Person, portrait
from provisioning.broker.mosquitto_files import BUNDLE_FOLDER, BUNDLE_SERVER_FILE

BROKER: Final = "192.0.2.10"
PORT: Final = 8883
PASSPHRASE: Final = "a day's cameras hold no secrets"  # noqa: S105  # As it says.
REVIEWERS: Final = ("reviewer-1", "reviewer-2")
COMMAND_S: Final = 600.0
"""Longest time of one command on a busy machine."""


def lay_network() -> None:
    """Make the site's network, with the broker's address on it."""
    ip("link", "set", "lo", "up")
    ip("link", "add", "site", "type", "bridge")
    ip("addr", "add", f"{BROKER}/24", "dev", "site")
    ip("link", "set", "site", "up")


@dataclass(slots=True)
class Desk:
    """One folder with the site, and all people's keys under one passphrase."""

    folder: Path
    programs: Programs = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.passphrase.write_text(PASSPHRASE + "\n", encoding="ascii")
        self.programs = Programs(self.folder / "logs")

    @property
    def site(self) -> Path:
        """The site's folder."""
        return self.folder / "site"

    @property
    def passphrase(self) -> Path:
        """The file with the passphrase of all keys."""
        return self.folder / "passphrase"

    @property
    def bundles(self) -> Path:
        """What nginx serves."""
        return self.folder / "bundles"

    @property
    def receiver(self) -> Path:
        """The receiver's settings."""
        return self.folder / "receiver.toml"

    def tallylight(self, *words: str | Path, locked: bool = False) -> str:
        """Run `tallylight`; return what it printed. `locked`: it asks for a passphrase."""
        return run("provisioning", [*words, *(self._locked() if locked else ())])

    def estate(self, *words: str | Path, locked: bool = False) -> str:
        """Run `tallylight-estate`; return what it printed. `locked`: it asks for a passphrase."""
        return run("estate", [*words, *(self._locked() if locked else ())])

    def begin_site(self) -> None:
        """Hold the ceremony, adopt the nets, name reviewers and the installer."""
        plan = self.tallylight("site", "plan", "--name", "day-lane")
        # The container form has no time server of its own, and no accelerator.
        for said in ("unsynchronised", "processor"):
            plan = plan.replace(f"{said} = false", f"{said} = true")
        (self.folder / "plan.toml").write_text(plan, encoding="utf-8")
        words = ("--plan", self.folder / "plan.toml", "--yes")
        self.tallylight("site", "init", self.site, *words, locked=True)
        key, nets = self.folder / "models.key", self.folder / "models"
        self.tallylight("model", "key", key, "--holder", "desk", locked=True)
        self.tallylight("model", "build", nets, "--key", key, "--yes", locked=True)
        trust = ("--trust", key.with_suffix(".pub"), "--yes")
        self.tallylight("model", "adopt", self.site, nets, *trust)
        for reviewer in REVIEWERS:
            file = self.folder / f"{reviewer}.key"
            self.estate("key", "reviewer", file, "--holder", reviewer, locked=True)
            named = ("--reviewer", reviewer, "--organisation", "Example Estate")
            self.tallylight(
                "recipients", "add", self.site, *named, "--key", file.with_suffix(".pub")
            )
        for purpose in ("receipt", "ledger"):
            file = self.folder / f"{purpose}.key"
            self.estate("key", purpose, file, "--holder", "receiver", locked=True)
            self.tallylight("recipients", purpose, self.site, "--key", file.with_suffix(".pub"))
        installer = self.folder / "installer.key"
        holder = ("--holder", "Example Installer")
        self.tallylight("register", "key", installer, *holder, locked=True)
        self.tallylight("register", "installer", self.site, installer.with_suffix(".pub"))
        self.configure_broker()

    def configure_broker(self) -> None:
        """Write the broker's files, for a broker that runs where they lie."""
        state = self.site / "broker-state"
        state.mkdir(mode=0o700, exist_ok=True)
        where = ("--host", BROKER, "--bind", BROKER, "--user", os.environ.get("USER", "root"))
        here = ("--at", self.site / "broker", "--state", state)
        self.tallylight("broker", "config", self.site, *where, *here, locked=True)

    def start_broker(self) -> None:
        """Start mosquitto and nginx with the files of `broker config`; end those that run."""
        self.programs.stop()
        self.bundles.mkdir(exist_ok=True)
        mosquitto = [find_program("mosquitto"), "-c", str(self.site / "broker/mosquitto.conf")]
        self.programs.start("mosquitto", mosquitto)
        self.programs.await_ready("mosquitto", lambda: "running" in self.programs.said("mosquitto"))
        server = (self.site / "broker" / BUNDLE_SERVER_FILE).read_text(encoding="utf-8")
        server = server.replace(BUNDLE_FOLDER, str(self.bundles))
        settings = self.folder / "nginx.conf"
        settings.write_text(
            f"user root; daemon off; pid {self.folder}/nginx.pid; events {{}}\n"
            f"http {{\n{server}}}\n",
            encoding="utf-8",
        )
        nginx = [find_program("nginx"), "-p", str(self.folder), "-c", str(settings), "-e", "stderr"]
        self.programs.start("nginx", nginx)

    def start_receiver(self) -> None:
        """Start the estate's receiver."""
        clients = self.site / "broker" / "clients"
        self.receiver.write_text(
            f"store = 'sqlite:///{self.folder / 'events.sqlite'}'\n"
            f"cameras = '{self.site / 'cameras'}'\n"
            f"receipt_key = '{self.folder / 'receipt.key'}'\n"
            f"broker_host = '{BROKER}'\nbroker_port = {PORT}\n"
            f"broker_ca = '{self.site / 'broker' / 'ca.pem'}'\n"
            f"certificate = '{clients / 'receiver.pem'}'\n"
            f"certificate_key = '{clients / 'receiver.key'}'\n"
            "name = 'receiver'\ngroup = 'receivers'\n"
            f"site = '{self.site / 'published'}'\n"
            f"trusted_root = '{self.site / 'root.json'}'\n",
            encoding="utf-8",
        )
        receive = ["-m", "estate", "receive", "--config", str(self.receiver)]
        locked = [str(word) for word in self._locked()]
        self.programs.start("receiver", [sys.executable, *receive, *locked])

    def sign_policy(self) -> None:
        """Let two holders sign the policy."""
        for holder in sorted((self.site / "keys").glob("targets-*.key"))[:2]:
            self.tallylight("policy", "sign", self.site, "--key", holder, "--yes", locked=True)

    def list_person(self) -> str:
        """Put a person on the list; return the entry's handle."""
        until = (datetime.now(UTC) + timedelta(days=5)).date().isoformat()
        policy = json.loads(self.tallylight("policy", "show", self.site, "--json"))
        added = self.tallylight(
            *("list", "add", self.site, "--picture", portrait(Person.HOPPER), "--until", until),
            *("--organisation", policy["suppliers"][0]["organisation"]),
            *("--requested-by", "inspector", "--approved-by", "head"),
            *("--category", policy["categories"][0], "--legal-basis", "warrant"),
            *("--necessity", "A rehearsal: no real search.", "--case-ref", "day-1"),
            *("--source", "public-domain portrait", "--json"),
        )
        return str(json.loads(added)["handle"])

    def publish(self) -> None:
        """Build the list, let two organisations sign it, and send it by the broker."""
        keys = self.site / "keys"
        sealer = min(keys.glob("list-seal-*.key"))
        self.tallylight("list", "build", self.site, "--key", sealer, "--yes", locked=True)
        for holder in sorted(keys.glob("list-sign-*.key"))[:2]:
            self.tallylight("list", "sign", self.site, "--key", holder, "--yes", locked=True)
        to = ("--broker", f"{BROKER}:{PORT}")
        self.tallylight("list", "publish", self.site, *to, locked=True)

    def opened_events(self) -> list[dict[str, Any]]:
        """Open what the estate has stored with a reviewer's key."""
        words = ("--config", self.receiver, "--open-with", self.folder / f"{REVIEWERS[0]}.key")
        said = self.estate("open", *words, "--json", locked=True)
        return [json.loads(line) for line in said.splitlines() if line.startswith("{")]

    def _locked(self) -> tuple[str, Path]:
        return "--passphrase-file", self.passphrase


def run(package: str, words: Sequence[str | Path]) -> str:
    """Run a command of ours as a person would; return its standard output.

    Raises:
        AssertionError: it refused; the message is its own.
    """
    command = [sys.executable, "-m", package, *map(str, words)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    said = f"tallylight {' '.join(map(str, words[:2]))}: {done.stdout[-300:]} {done.stderr[-600:]}"
    assert done.returncode == 0, said
    return done.stdout
