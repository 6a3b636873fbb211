"""Knock at the broker's door: resolve its name, connect, and shake hands by TLS; send no MQTT.

An MQTT client of the same name would drive the courier out of its connection. The broker judges
the camera's certificate after the handshake, so this waits a moment for its objection. Each failure
has its own sentence: name, network, clock, authority, the broker's certificate, this camera's.
"""

import socket
import ssl
from datetime import UTC, datetime
from typing import Final

from firmware.errors import FirmwareError
from wire.certificate import Address

CONNECT_S: Final = 5.0
"""Longest wait for the network."""
OBJECTION_S: Final = 1.0
"""How long the broker has to refuse this camera's certificate after the handshake."""
NOT_YET_VALID: Final = 9
EXPIRED: Final = 10
OTHER_NAME: Final = frozenset({62, 64})
"""Results of OpenSSL's verification, x509_vfy.h: X509_V_ERR_..."""


def knock(address: Address) -> str:
    """Return in words that the broker lets this camera in.

    Raises:
        FirmwareError: it does not; the message says what to do.
        CertificateRefused: a certificate file of this camera is missing or broken.
    """
    where = f"{address.host}:{address.port}"
    context = address.certificate.context()
    try:
        with (
            socket.create_connection((address.host, address.port), timeout=CONNECT_S) as line,
            context.wrap_socket(line, server_hostname=address.host) as door,
        ):
            _wait_for_objection(door)
    except socket.gaierror as error:
        raise FirmwareError(
            f"The broker's name {address.host} is not known here: check broker_host in "
            "camera.toml, and the network's name server."
        ) from error
    except ssl.SSLCertVerificationError as error:
        raise FirmwareError(_distrusted(where, error)) from error
    except ssl.SSLError as error:
        raise FirmwareError(
            f"The broker at {where} refuses this camera's certificate ({error.reason}): renew it "
            "with tallylight broker config, or register the camera again."
        ) from error
    except OSError as error:
        raise FirmwareError(
            f"No broker answers at {where} ({error.strerror or error}): check the network's cable, "
            "the broker, and port and address in camera.toml."
        ) from error
    return f"{where} lets this camera in"


def _wait_for_objection(door: ssl.SSLSocket) -> None:
    """Wait until the broker closes the door or says nothing for `OBJECTION_S`."""
    door.settimeout(OBJECTION_S)
    try:
        if not door.recv(1):
            raise ConnectionResetError(None, "it hangs up at once")
    except TimeoutError:
        return


def _distrusted(where: str, error: ssl.SSLCertVerificationError) -> str:
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    if error.verify_code == NOT_YET_VALID:
        return f"The broker's certificate is not valid yet by this camera's clock ({now}): set it."
    if error.verify_code == EXPIRED:
        return (
            f"The broker's certificate has ended by this camera's clock ({now}): if the clock is "
            "right, renew it with tallylight broker config."
        )
    if error.verify_code in OTHER_NAME:
        return (
            f"The broker's certificate does not name {where}: name it with tallylight broker "
            "config --host, or correct broker_host in camera.toml."
        )
    return (
        f"The broker at {where} is not this site's ({error.verify_message}): put the site's ca.pem "
        "on this camera, or correct broker_host in camera.toml."
    )
