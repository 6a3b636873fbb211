"""Sends the published repository to the site's cameras through the broker, as its publisher.

The broker keeps it for cameras that are away, and what it keeps is what a memory stick would carry:
cameras believe the signatures inside and nothing else.
"""

import time
from typing import Final

from formats.topics import Channel, Topic
from provisioning.broker.configuration import PUBLISHER
from provisioning.errors import BrokerRefused
from provisioning.lists.publishing import bundle_of
from provisioning.site.folder import Site
from wire.certificate import Address, Certificate
from wire.connection import Connection
from wire.errors import WireError

PATIENCE_S: Final = 20.0
"""Longest wait for the broker to take every message."""


def send(site: Site, host: str, port: int, *, patience_s: float = PATIENCE_S) -> int:
    """Hand the repository to the broker for every camera of the policy; return how many.

    Raises:
        BrokerRefused: the broker cannot be reached, or has not taken every message in time.
        ListNotIssued: nothing is published.
    """
    bundle = bundle_of(site)
    cameras = [place.camera.camera_id for place in site.policy.places]
    clients = site.broker / "clients"
    if not (clients / f"{PUBLISHER}.pem").exists():
        raise BrokerRefused("The site has no certificate for its broker: tallylight broker config.")
    certificate = Certificate(
        site.broker / "ca.pem", clients / f"{PUBLISHER}.pem", clients / f"{PUBLISHER}.key"
    )
    until_s = time.monotonic() + patience_s
    try:
        connection = Connection(Address(host, port, PUBLISHER, certificate), ())
        _run_until_connected(connection, until_s)
        for camera in cameras:
            connection.publish(str(Topic(camera, Channel.SITE)), bundle, retain=True)
        taken = 0
        while taken < len(cameras) and time.monotonic() < until_s:
            connection.run_network(0.05)
            taken += sum(not answer.refused for answer in connection.take_acknowledged())
        connection.close()
    except WireError as error:
        raise BrokerRefused(f"The list was not sent: {error}") from error
    if taken < len(cameras):
        raise BrokerRefused(
            f"The broker took the list for {taken} of {len(cameras)} cameras only: send it again."
        )
    return taken


def _run_until_connected(connection: Connection, until_s: float) -> None:
    while not connection.connected:
        if time.monotonic() > until_s:
            raise BrokerRefused(
                f"The broker at {connection.address.host}, port {connection.address.port}, does "
                "not answer: start it, or carry the list on a memory stick (--to)."
            )
        connection.run_network(0.05)
