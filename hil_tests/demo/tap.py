"""Listen to all topics of the broker, and count the bytes that were not sealed.

mosquitto's own client subscribes to `#`. Every payload must be a sealed envelope of its kind's one
size, signed by the camera or by the estate; the bytes of every other payload are counted.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Final

from nacl.signing import VerifyKey

from formats.envelope import Kind, read, verify
from formats.errors import FormatError

FORMAT: Final = "%x %t"
"""mosquitto_sub's: the payload in hexadecimal, then the topic, which may hold anything."""


ON_THE_WIRE: Final = (Kind.EVENT, Kind.RECEIPT)
"""All that belongs on the broker so far."""


@dataclass(slots=True)
class Tap:
    """What was seen on the broker so far."""

    signers: Mapping[Kind, VerifyKey]
    """Whose signature each kind of envelope must bear; no other kind belongs on the broker."""
    payloads: list[bytes] = field(default_factory=list)
    unsealed_bytes: int = 0
    sizes: dict[Kind, int] = field(default_factory=dict)
    """The one size of each kind, from the first of them."""

    def listen(self, lines: IO[bytes]) -> threading.Thread:
        """Take in mosquitto_sub's output until it ends."""
        thread = threading.Thread(target=self._listen, args=(lines,), daemon=True)
        thread.start()
        return thread

    def _listen(self, lines: IO[bytes]) -> None:
        for line in lines:
            self.take(bytes.fromhex(line.split(b" ")[0].decode()))

    def take(self, payload: bytes) -> None:
        """Judge one payload."""
        self.payloads.append(payload)
        if not any(self._is_sealed(kind, payload) for kind in self.signers):
            self.unsealed_bytes += len(payload)

    def _is_sealed(self, kind: Kind, payload: bytes) -> bool:
        try:
            verify(read(kind, payload), self.signers[kind])
        except FormatError:
            return False
        return self.sizes.setdefault(kind, len(payload)) == len(payload)
