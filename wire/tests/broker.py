"""A real mosquitto on loopback, configured by the installer's own command for one camera."""

import getpass
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from nacl.signing import SigningKey

from firmware.config import State
from firmware.identity import make_identity
from firmware.tests.desk import usual_policy
from formats.camera_request import CameraIdentity
from formats.policy import Place, write_policy
from provisioning.broker.configuration import configure
from provisioning.broker.listener import Listener
from provisioning.site.folder import Site
from wire.certificate import Address, Certificate
from wire.connection import Connection

HOST = "127.0.0.1"


def free_port() -> int:
    with socket.socket() as door:
        door.bind((HOST, 0))
        return int(door.getsockname()[1])


@dataclass
class Broker:
    """The broker and the certificates around it. `start` it; a test ends with `kill`."""

    folder: Path
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.state = State(self.folder / "state")
        self.camera: CameraIdentity = make_identity(self.state)
        site = Site(self.folder / "site")
        site.cameras.mkdir(parents=True)
        policy = replace(usual_policy(), places=(Place(self.camera, "Gate", "Seen here."),))
        (site.folder / "policy.json").write_bytes(write_policy(policy))
        request = (self.state.root / "enrolment.json").read_bytes()
        (site.cameras / f"{self.name}.json").write_bytes(request)
        at, state = PurePosixPath(site.broker), PurePosixPath(site.broker_state)
        site.broker_state.mkdir()
        listener = Listener([HOST], HOST, self.port, getpass.getuser(), 4, at, state)
        self.files = configure(site, SigningKey(bytes(32)), listener, datetime.now(UTC))
        shutil.copy(self.files / "clients" / f"{self.name}.pem", self.state.courier / "tls.crt")

    @property
    def name(self) -> str:
        """Of the camera."""
        return self.camera.camera_id.hex()

    def start(self) -> None:
        with (self.folder / "broker.log").open("ab") as log:
            self.process = subprocess.Popen(
                ["/usr/sbin/mosquitto", "-c", str(self.files / "mosquitto.conf")], stderr=log
            )
        until_s = time.monotonic() + 30
        while not self._listens():
            assert time.monotonic() < until_s, (self.folder / "broker.log").read_text()
            time.sleep(0.01)

    def kill(self) -> None:
        """Kill the broker as a power cut would: it writes nothing."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        """Stop the broker as an operator would: it writes what it holds."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait()
        self.process = None

    def certificate(self, client: str) -> Certificate:
        clients = self.files / "clients"
        key = clients / f"{client}.key"
        if client == self.name:
            key = self.state.courier / "tls.key"
        return Certificate(self.files / "ca.pem", clients / f"{client}.pem", key)

    def address(self, client: str) -> Address:
        return Address(HOST, self.port, client, self.certificate(client))

    def connection(
        self, client: str, subscription: str | tuple[str, ...], session_s: int = 0
    ) -> Connection:
        return Connection(self.address(client), subscription, session_s)

    def _listens(self) -> bool:
        try:
            socket.create_connection((HOST, self.port), timeout=1).close()
        except OSError:
            return False
        return True
