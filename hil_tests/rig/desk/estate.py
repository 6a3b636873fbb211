"""Starts the estate of a rig: a real broker, a real receiver, and a network with faults."""

import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from estate.store.envelopes import Store
from hil_tests.rig.contract import Outage
from hil_tests.rig.desk.programs import Programs, ending_with_us, find_program
from hil_tests.rig.desk_site import DeskSite
from hil_tests.rig.network_faults import FaultProxy, Faults


@dataclass(slots=True)
class DeskEstate:
    """Real mosquitto and a real receiver. A context manager."""

    desk: DeskSite
    _open: ExitStack = field(default_factory=ExitStack)
    _network: FaultProxy | None = None
    _programs: Programs = field(init=False)
    _broker: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self._programs = Programs(self.desk.folder / "logs")

    def __enter__(self) -> Self:
        self._network = self._open.enter_context(FaultProxy(self.desk.port).running())
        self._open.enter_context(self._programs)
        self._start_broker()
        self._programs.start(
            "receiver",
            [
                *(sys.executable, "-m", "estate", "receive"),
                *("--config", str(self.desk.receiver_config)),
                *("--passphrase-file", str(self.desk.passphrase)),
            ],
        )
        self._programs.await_ready(
            "receiver", lambda: "as receiver" in self._programs.said("mosquitto")
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_broker()
        self._open.close()

    @property
    def port(self) -> int:
        """The port of the broker behind the network with faults."""
        assert self._network is not None
        return self._network.port

    def set_outage(self, outage: Outage | None) -> None:
        """Break the network between camera and broker in one way, or repair it."""
        assert self._network is not None
        self._network.faults = Faults(half_open=outage is Outage.HALF_OPEN)
        if outage is not Outage.HALF_OPEN:
            self._network.cut()  # Half-open connections are reset, so that they are opened again.
        if outage is Outage.BROKER_DOWN:
            self._stop_broker()
        elif self._broker is None:
            self._start_broker()

    def stored_events(self) -> list[str]:
        """Return the digests of the events in the store, in hex."""
        store = Store(f"sqlite:///{self.desk.estate / 'events.sqlite'}")
        try:
            return [digest.hex() for digest in store.digests()]
        finally:
            store.close()

    def _start_broker(self) -> None:
        configuration = self.desk.broker / "mosquitto.conf"
        command = ending_with_us([find_program("mosquitto"), "-c", str(configuration)])
        with (self._logs / "mosquitto.log").open("ab") as log:
            self._broker = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def _stop_broker(self) -> None:
        if self._broker is not None:
            self._broker.kill()
            self._broker.wait()
            self._broker = None

    @property
    def _logs(self) -> Path:
        self._programs.logs.mkdir(parents=True, exist_ok=True)
        return self._programs.logs
