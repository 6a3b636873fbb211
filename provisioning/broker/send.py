"""Send the published list to the cameras through the broker: one retained message for each camera.

The message is the whole TUF repository, the same files as on a memory stick. The broker keeps it
for cameras that are away. Cameras trust the signatures inside, and not the broker or the sender.
There is no retry: a command that was refused is run again.
"""

import time
from typing import Final

from formats.settings import PORTS
from formats.topics import Channel, Topic
from provisioning.broker.configuration import client_files
from provisioning.broker.listener import PUBLISHER
from provisioning.broker.mosquitto_files import AUTHORITY_FILE
from provisioning.errors import BrokerRefused
from provisioning.lists.publication import published_bundle
from provisioning.site.folder import Site
from wire.certificate import Address, Certificate
from wire.connection import Connection
from wire.errors import WireError

_PORT_DIGITS: Final = 5
PATIENCE_S: Final = 20.0
"""Longest wait until the broker has acknowledged every message."""


def read_address(text: str) -> tuple[str, int]:
    """Return host and port of an address such as `broker.example.org:8883`.

    Raises:
        BrokerRefused: it is no such address.
    """
    host, _, port = text.rpartition(":")
    number = int(port) if port.isascii() and port.isdecimal() and len(port) <= _PORT_DIGITS else 0
    if not host or number not in PORTS:
        raise BrokerRefused(
            f"{text!r} is not an address such as broker.example.org:8883, with a port from 1 to "
            f"{PORTS[-1]}."
        )
    return host, number


def send_to_cameras(site: Site, host: str, port: int, *, patience_s: float = PATIENCE_S) -> int:
    """Publish the repository at the broker for every camera of the policy; return how many.

    Raises:
        BrokerRefused: the broker cannot be reached, or did not acknowledge every message in time.
        ListNotIssued: nothing is published.
    """
    bundle = published_bundle(site)
    cameras = [place.camera.camera_id for place in site.policy.places]
    chain, key = client_files(site, PUBLISHER)
    if not chain.exists():
        raise BrokerRefused("The site has no certificate for its broker: tallylight broker config.")
    certificate = Certificate(site.broker / AUTHORITY_FILE, chain, key)
    until_s = time.monotonic() + patience_s
    try:
        connection = Connection(Address(host, port, PUBLISHER, certificate), ())
        _run_until_connected(connection, until_s)
        unsent, acknowledged = list(cameras), 0
        while acknowledged < len(cameras) and time.monotonic() < until_s:
            while unsent and connection.room:
                connection.publish(str(Topic(unsent.pop(), Channel.SITE)), bundle, retain=True)
            connection.run_network(0.05)
            acknowledged += sum(not answer.refused for answer in connection.take_acknowledged())
        connection.close()
    except WireError as error:
        raise BrokerRefused(f"The list was not sent: {error}") from error
    if acknowledged < len(cameras):
        raise BrokerRefused(
            f"The broker accepted the list for {acknowledged} of {len(cameras)} cameras only: send "
            "it again."
        )
    return acknowledged


def _run_until_connected(connection: Connection, until_s: float) -> None:
    while not connection.connected:
        if time.monotonic() > until_s:
            raise BrokerRefused(
                f"The broker at {connection.address.host}, port {connection.address.port}, does "
                f"not take this side: start it, or carry the list on a memory stick (--to). "
                f"{connection.trouble}"
            )
        connection.run_network(0.05)
