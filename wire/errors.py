"""Errors of the MQTT connection.

WireError
├── CertificateRefused   a certificate, its key or its authority cannot be used
├── NotConnected         there is no connection: nothing was sent and nothing is queued
├── BrokerTooSmall       the broker does not take messages of this size
├── BrokerUnfit          the broker lacks what the product needs
└── BrokerMisbehaves     the broker breaks the protocol, refuses this side, or does not answer
"""

from formats.errors import Refused


class WireError(Refused):
    """Base: the message is one sentence that says what to do next."""


class CertificateRefused(WireError):
    """A certificate, its key or its authority cannot be used."""


class NotConnected(WireError):
    """There is no connection to the broker: nothing was sent and nothing is queued."""


class BrokerTooSmall(WireError):
    """The broker's Maximum Packet Size is smaller than the message: nothing was sent."""


class BrokerUnfit(WireError):
    """The broker lacks what the product needs: nothing was sent."""


class BrokerMisbehaves(WireError):
    """The broker breaks the protocol, refuses this side, or does not answer in time."""
