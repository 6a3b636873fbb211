"""Before `broker check`: is this the site's broker? Resolve its name, connect, shake hands by TLS.

Without this a mistyped name, another program on the port or a certificate for another name would
look like a wrong setting of the broker. No client's certificate is shown, and no MQTT is spoken. A
broker that ends the handshake by a TLS alert is let through: the check says what it refuses.
"""

import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from provisioning.broker.probe import WAIT_S
from provisioning.errors import BrokerRefused

_NOT_YET_VALID: Final = 9
_EXPIRED: Final = 10
_OTHER_NAME: Final = frozenset({62, 64})
"""Results of OpenSSL's verification, x509_vfy.h: X509_V_ERR_..."""


def refuse_other_door(host: str, port: int, authority: Path) -> None:
    """Raise unless a broker with a certificate of the authority, for this host, answers by TLS.

    Args:
        host: name or address, as clients connect to it.
        port: 1 to 65535.
        authority: PEM file of the authority's certificate.

    Raises:
        BrokerRefused: something else answers, or nothing.
    """
    where = f"{host}:{port}"
    try:
        with socket.create_connection((host, port), WAIT_S) as line:
            _shake_hands(line, host, where, authority)
    except socket.gaierror as error:
        raise BrokerRefused(
            f"The name {host} is not known on this machine: check the spelling and the network, or "
            "name the broker's address with --host."
        ) from error
    except OSError as error:
        raise BrokerRefused(
            f"No broker answers at {where} ({error.strerror or error}): start it with the "
            "configuration that tallylight broker config wrote, open the port in its firewall, or "
            "name its --host and --port."
        ) from error


def _shake_hands(line: socket.socket, host: str, where: str, authority: Path) -> None:
    context = ssl.create_default_context(cafile=str(authority))
    try:
        context.wrap_socket(line, server_hostname=host).close()
    except ssl.SSLCertVerificationError as error:
        raise BrokerRefused(_distrusted(where, host, error)) from error
    except OSError as error:
        if isinstance(error, ssl.SSLError) and "ALERT" in (error.reason or ""):
            return
        raise BrokerRefused(
            f"What answers at {where} does not speak TLS: name the broker's --port, or set "
            "certfile and keyfile in its mosquitto.conf."
        ) from error


def _distrusted(where: str, host: str, error: ssl.SSLCertVerificationError) -> str:
    again = "then install broker.tar again"
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    if error.verify_code == _NOT_YET_VALID:
        return f"The broker's certificate is not valid yet by this machine's clock ({now}): set it."
    if error.verify_code == _EXPIRED:
        return f"The broker's certificate has ended: run tallylight broker config, {again}."
    if error.verify_code in _OTHER_NAME:
        return (
            f"The broker's certificate does not name {host}: use a --host that it names, or run "
            f"tallylight broker config with every --host, {again}."
        )
    return (
        f"The broker at {where} has a certificate of another authority: install the broker.tar "
        "that tallylight broker config wrote last, or correct --host and --port."
    )
