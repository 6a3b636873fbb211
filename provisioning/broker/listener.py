"""The broker as clients reach it and as it is installed: address, port, folders, clients."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from provisioning.broker.addresses import (
    is_address,
    refuse_bind,
    refuse_folder,
    refuse_host,
    refuse_user,
)

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
    def addresses(self) -> tuple[str, ...]:
        """Return the IP addresses among the hosts: a camera's courier can connect to these only."""
        return tuple(host for host in self.hosts if is_address(host))
