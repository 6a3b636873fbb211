"""The broker as clients reach it and as it is installed: address, port, folders, clients.

The desk keeps it in the broker's folder, so that the options of `broker config` are given once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import PurePosixPath
from typing import Final

from formats.errors import FormatError
from formats.settings import PORTS
from formats.strict_json import Fields, dumps, parse
from provisioning.broker.addresses import (
    is_address,
    refuse_bind,
    refuse_folder,
    refuse_host,
    refuse_user,
)
from provisioning.errors import BrokerRefused

RECEIVER: Final = "receiver"
"""Client that receives events and sends receipts; further ones are `receiver-2` and so on."""
PUBLISHER: Final = "publisher"
"""Client that sends the site's signed repository to the cameras, and does nothing else."""
AUDITOR: Final = "auditor"
"""Client that reads every topic and writes to none."""

INSTALLED_AT: Final = PurePosixPath("/etc/mosquitto/tallylight")
"""Folder of the broker's files on its own machine, unless another one is named."""
STATE_AT: Final = PurePosixPath("/var/lib/mosquitto")
"""Folder in which Debian's mosquitto keeps what must survive its restart."""
RECEIVERS_LIMIT: Final = 64
"""Most receivers of one broker."""
_HOSTS_LIMIT: Final = 64
_TEXT_LIMIT: Final = 4096
"""Longest path of Linux, PATH_MAX."""
_FILE_LIMIT: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Listener:
    """Address and port of the broker, the user of its process, and its folders."""

    hosts: Sequence[str]
    """Names and addresses under which clients reach it."""
    bind: str
    port: int
    user: str
    """mosquitto changes from root to this user."""
    receivers: int = 1
    """How many receivers share the work, from 1."""
    at: PurePosixPath = INSTALLED_AT
    """Folder of its files on the broker's machine."""
    state: PurePosixPath = STATE_AT
    """Folder on the broker's machine that it may write to."""

    def __post_init__(self) -> None:
        for host in self.hosts:
            refuse_host(host)
        refuse_bind(self.bind)
        refuse_user(self.user)
        refuse_folder(self.at)
        refuse_folder(self.state)

    @property
    def services(self) -> tuple[str, ...]:
        """Return the names of the clients that are not cameras."""
        more = (f"{RECEIVER}-{number}" for number in range(2, self.receivers + 1))
        return (RECEIVER, *more, PUBLISHER, AUDITOR)

    @property
    def is_local(self) -> bool:
        """Return whether it listens on the loopback, where its own machine alone reaches it."""
        return ip_address(self.bind).is_loopback

    @property
    def addresses(self) -> tuple[str, ...]:
        """Return the IP addresses among the hosts: a camera's courier can connect to these only."""
        return tuple(host for host in self.hosts if is_address(host))


FIRST_LISTENER: Final = Listener(("localhost", "127.0.0.1"), "127.0.0.1", 8883, "mosquitto")
"""What `broker config` begins with: a broker that only its own machine reaches."""


def write_listener(listener: Listener) -> bytes:
    """Return the listener as JSON, as the desk keeps it."""
    return dumps(
        {
            "at": str(listener.at),
            "bind": listener.bind,
            "hosts": list(listener.hosts),
            "port": listener.port,
            "receivers": listener.receivers,
            "state": str(listener.state),
            "user": listener.user,
        }
    )


def read_listener(content: bytes) -> Listener:
    """Return the listener that `write_listener` wrote.

    Raises:
        BrokerRefused: the file is broken, or a value cannot stand in the broker's files.
    """
    try:
        return parse(content, _read_listener, limit=_FILE_LIMIT, what="options of the broker")
    except FormatError as error:
        raise BrokerRefused(
            f"The options of the last broker config cannot be read ({error}): remove "
            "broker/listener.json in the site's folder, and give each option again."
        ) from error


def _read_listener(fields: Fields) -> Listener:
    return Listener(
        hosts=fields.texts("hosts", at_most=_TEXT_LIMIT, count=_HOSTS_LIMIT),
        bind=fields.text("bind", at_most=_TEXT_LIMIT),
        port=fields.integer("port", low=PORTS[0], high=PORTS[-1]),
        user=fields.text("user", at_most=_TEXT_LIMIT),
        receivers=fields.integer("receivers", low=1, high=RECEIVERS_LIMIT),
        at=PurePosixPath(fields.text("at", at_most=_TEXT_LIMIT)),
        state=PurePosixPath(fields.text("state", at_most=_TEXT_LIMIT)),
    )
