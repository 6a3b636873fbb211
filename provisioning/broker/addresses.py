"""Host names, IP addresses, users and folders that may stand in the broker's files; others refused.

They are written into certificates, mosquitto.conf and units. A line end in one of them would be a
further line of the configuration.
"""

import re
from ipaddress import ip_address
from pathlib import PurePosixPath
from typing import Final

from provisioning.errors import BrokerRefused

_LABEL: Final = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAME: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*\Z", re.IGNORECASE)
"""RFC 1123, section 2.1: labels of 1 to 63 letters, digits and hyphens."""
_INTERFACE: Final = re.compile(r"[A-Za-z0-9_.-]{1,15}\Z")
"""As Linux names network interfaces."""
_USER: Final = re.compile(r"[a-z_][a-z0-9_-]{0,30}\Z")
"""As useradd(8) takes them."""


def refuse_host(host: str) -> None:
    """Raise unless `host` is a name or an IP address that a client can connect to.

    Raises:
        BrokerRefused: it is neither.
    """
    if not (is_address(host) or _NAME.match(host) or _is_on_a_link(host)):
        raise BrokerRefused(
            f"{host[:60]!r} is no host: give an IP address, or a name of ASCII letters, digits, "
            "hyphens and dots."
        )


def refuse_bind(address: str) -> None:
    """Raise unless `address` is an IP address to listen on.

    Raises:
        BrokerRefused: it is none.
    """
    if not is_address(address):
        raise BrokerRefused(f"{address[:60]!r} is no IP address to listen on: such as 0.0.0.0.")


def refuse_user(user: str) -> None:
    """Raise unless `user` can be the name of a user of the broker's machine.

    Raises:
        BrokerRefused: it cannot.
    """
    if not _USER.match(user):
        raise BrokerRefused(f"{user[:60]!r} is no user's name: such as mosquitto.")


def refuse_folder(folder: PurePosixPath) -> None:
    """Raise unless `folder` can be a folder of the broker's machine, in one line of a file.

    Raises:
        BrokerRefused: it is relative, or a character cannot be printed.
    """
    if not (folder.is_absolute() and str(folder).isprintable()):
        raise BrokerRefused(
            f"{str(folder)[:60]!r} is no folder: such as /etc/mosquitto/tallylight."
        )


def _is_on_a_link(host: str) -> bool:
    """Return whether it is an IPv6 address of one link, such as fe80::1%eth0."""
    address, _, interface = host.partition("%")
    return ":" in address and is_address(address) and _INTERFACE.match(interface) is not None


def is_address(host: str) -> bool:
    """Return whether systemd accepts it in IPAddressAllow=: an IP address without %interface."""
    if "%" in host:
        return False
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
