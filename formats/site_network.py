"""The network of a registered camera: its address, its gateway, and the time servers it asks.

Cameras ask the network for nothing: no DHCP, no router advertisements, no name server. So the
installer gives each its address with the registration. Every text here is an IP address, so that
none can become a further line of a settings file.
"""

from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv6Address,
    IPv6Interface,
    ip_address,
    ip_interface,
)
from typing import Final

from formats.errors import Malformed
from formats.strict_json import Fields, JsonValue

TIME_SERVERS_LIMIT: Final = 8
_ADDRESS_LIMIT: Final = 64
_POINT_TO_POINT: Final = 2
"""Addresses of a network in which each is a machine's (RFC 3021, RFC 6164)."""


@dataclass(frozen=True, slots=True)
class SiteNetwork:
    """What a camera is told of its site's network; an empty one changes nothing on the camera."""

    address: str = ""
    """The camera's own address with the length of its network, such as 192.0.2.21/24; or empty."""
    gateway: str = ""
    """The router's address; empty where the broker and the time servers are on the same wire."""
    time_servers: tuple[str, ...] = ()
    """Addresses of time servers (NTP)."""

    def __post_init__(self) -> None:
        own = _interface(self.address) if self.address else None
        if self.gateway and own is None:
            raise Malformed("A gateway without an address of the camera's own is of no use.")
        for text in (self.gateway, *self.time_servers):
            _refuse_odd(text)
        if own is None:
            return
        if self.gateway and ip_address(self.gateway) not in own.network:
            raise Malformed(f"The gateway {self.gateway} is not on the network {own.network}.")
        if own.ip.compressed in (self.gateway, *self.time_servers):
            raise Malformed(f"{own.ip} is the gateway's or a time server's: a camera has its own.")

    @property
    def host(self) -> str:
        """Return the camera's own address without the length of its network."""
        return self.address.partition("/")[0]

    def next_address(self) -> "SiteNetwork":
        """Return the same network with the next address that is not the gateway's or a server's.

        Raises:
            Malformed: the network has no further address.
        """
        if not self.address:
            return self
        own = _interface(self.address)
        following = own.ip + 1
        while following.compressed in (self.gateway, *self.time_servers):
            following += 1
        if following not in own.network or following == own.network.broadcast_address:
            raise Malformed(f"The network {own.network} has no address after {own.ip}.")
        text = f"{following}/{own.network.prefixlen}"
        return SiteNetwork(text, self.gateway, self.time_servers)

    def to_json(self) -> JsonValue:
        """Return the fields that `read_site_network` reads."""
        return {
            "address": self.address or None,
            "gateway": self.gateway or None,
            "time_servers": list(self.time_servers),
        }


def read_site_network(fields: Fields) -> SiteNetwork:
    """Return the network in an object.

    Raises:
        Malformed: a text is no address.
    """
    servers = fields.texts("time_servers", at_most=_ADDRESS_LIMIT, count=TIME_SERVERS_LIMIT)
    return SiteNetwork(_text(fields, "address"), _text(fields, "gateway"), servers)


def _text(fields: Fields, name: str) -> str:
    return "" if fields.is_null(name) else fields.text(name, at_most=_ADDRESS_LIMIT)


def _interface(text: str) -> IPv4Interface | IPv6Interface:
    try:
        found = ip_interface(text)
    except ValueError as error:
        raise Malformed(f"{text} is no address such as 192.0.2.21/24.") from error
    if "/" not in text or "%" in text or found.compressed != text:
        raise Malformed(f"{text} is no address such as 192.0.2.21/24, in its short form.")
    ends = (found.network.network_address, found.network.broadcast_address)
    if found.network.num_addresses > _POINT_TO_POINT and found.ip in ends:
        raise Malformed(f"{text} is the first or last address of its network, and no machine's.")
    _refuse_no_machine(found)
    return found


def _refuse_odd(text: str) -> None:
    if not text:
        return
    try:
        found = ip_address(text)
    except ValueError as error:
        raise Malformed(f"{text} is no IP address: a camera asks no name server.") from error
    if "%" in text or found.compressed != text:  # Any text may stand behind the %.
        raise Malformed(f"{text} is no IP address in its short form.")
    _refuse_no_machine(found)


def _refuse_no_machine(address: IPv4Address | IPv6Address) -> None:
    if address.is_multicast or address.is_unspecified or address.is_loopback:
        raise Malformed(f"{address} is the address of no machine on the network.")
