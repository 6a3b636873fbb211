"""MQTT topics: `tallylight/v1/{camera}/{channel}`, written and strictly parsed.

The camera is an opaque id, never a place or a name: topics are visible to the broker. A topic
routes a message; it proves nothing about its sender.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from formats.envelope_header import ID_BYTES
from formats.errors import Malformed
from formats.hexadecimal import read_hex

_ROOT: Final = "tallylight/v1"
_TOPIC: Final = re.compile(r"tallylight/v1/([0-9a-f]{32})/([a-z]+)")
_GROUP: Final = re.compile(r"[a-z0-9-]{1,32}")


class Channel(StrEnum):
    """The last part of a topic: what is sent there, and in which direction."""

    EVENT = "event"
    """Sealed events, camera to estate."""
    STATUS = "status"
    """Whether the camera is connected, camera and broker to estate."""
    RECEIPT = "receipt"
    """Sealed receipts, estate to camera."""
    SITE = "site"
    """The site's signed repository, estate to camera."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One camera's end of one channel.

    Raises:
        Malformed: the camera's id does not have 16 bytes.
    """

    camera: bytes
    """(16,) `sender_id` of the camera."""
    channel: Channel
    """What travels here."""

    def __post_init__(self) -> None:
        if len(self.camera) != ID_BYTES:
            raise Malformed("The camera's id does not have 16 bytes.")

    def __str__(self) -> str:
        return f"{_ROOT}/{self.camera.hex()}/{self.channel}"


def parse_topic(text: str) -> Topic:
    """Return the topic that `text` spells.

    Raises:
        Malformed: anything but `tallylight/v1/`, 32 lower-case hex digits, `/` and a channel.
    """
    found = _TOPIC.fullmatch(text)
    if not found or found[2] not in set(Channel):
        raise Malformed("The topic is not tallylight/v1/{camera}/{channel}.")
    return Topic(read_hex(found[1], ID_BYTES), Channel(found[2]))


def every_camera(channel: Channel) -> str:
    """Return the subscription filter for one channel of all cameras."""
    return f"{_ROOT}/+/{channel}"


def shared(group: str, channel: Channel) -> str:
    """Return `every_camera`'s filter, shared by the receivers of `group`: one gets each message.

    Raises:
        Malformed: the group is not 1 to 32 lower-case letters, digits and dashes.
    """
    if not _GROUP.fullmatch(group):
        raise Malformed("The group's name is not 1 to 32 lower-case letters, digits and dashes.")
    return f"$share/{group}/{every_camera(channel)}"
